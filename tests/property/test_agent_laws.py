"""Laws of the agent's archive, and of the reader of what it answers."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.model.errors import ProbeError
from stackcheck.probing import agent
from stackcheck.probing.observation import Observation, parse_observation
from stackcheck_probes.credentials import without_credentials

pytestmark = pytest.mark.property

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_pack_twice_gives_the_same_bytes() -> None:
    assert agent.pack() == agent.pack()


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_a_probe_error(content: bytes) -> None:
    with contextlib.suppress(ProbeError):
        parse_observation(content)


@given(probes=JSON, head=JSON)
def test_any_json_in_the_right_envelope_parses_or_is_a_probe_error(probes: Any, head: Any) -> None:
    for answer in ({"schema_version": 1, "agent": head, "probes": probes}, {"schema_version": head}, head):
        with contextlib.suppress(ProbeError):
            assert isinstance(parse_observation(json.dumps(answer).encode()), Observation)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_facts_that_parse_can_be_written_as_utf8(facts: Any) -> None:
    entry = {"status": "ok", "grade": "static", "seconds": 0, "facts": facts}
    head = {"python": "3", "executable": "x", "seconds": 0}
    document = json.dumps({"schema_version": 1, "agent": head, "probes": {"a": entry}}).encode()
    with contextlib.suppress(ProbeError):
        json.dumps(parse_observation(document).facts("a"), ensure_ascii=False).encode()


SECRET = st.text("abcXYZ019._-%", min_size=8, max_size=20)


@given(user=st.just("") | SECRET, password=SECRET, query=SECRET)
def test_no_credential_of_a_url_survives(user: str, password: str, query: str) -> None:
    text = f"see https://{user}:{password}@host.example/simple?a=1&access_token={query}#x and more"
    cleaned = without_credentials(text)
    assert cleaned == "see https://***@host.example/simple?a=1&access_token=***#x and more"
    assert without_credentials(cleaned) == cleaned
