"""What pins require of a package that the stack leaves open: a case that fires, and its twins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines, verdicts

PAIR = {"whisperlivekit": "0.2.6", "torch": "2.5.1"}


def test_ranges_without_a_release_in_common_fail() -> None:
    (verdict,) = verdicts("NEEDS104", python="3.11", platform="linux/amd64", packages=PAIR)
    assert verdict.outcome.name == "FAIL"
    assert verdict.message == (
        "whisperlivekit 0.2.6 requires triton>=2.0.0,<3, and torch 2.5.1 requires triton==3.1.0: "
        "no release is both."
    )
    assert (verdict.subject, verdict.question) == ("whisperlivekit", "accepts triton")


@pytest.mark.parametrize(
    "fields",
    [
        {"packages": PAIR, "platform": "windows/amd64"},
        {"packages": {"whisperlivekit": "0.2.6", "torch": "2.2.2"}},
        {"packages": PAIR | {"triton": "3.1.0"}},
        {"packages": PAIR, "overrides": ["triton==3.1.0"]},
        {"packages": PAIR | {"torch": {"version": "2.5.1", "from": "source"}}},
        {"packages": PAIR | {"torch": "2.5.1+rocm6.2"}},
    ],
    ids=["a marker", "they meet", "it is pinned", "it is overridden", "built here", "another build"],
)
def test_what_can_be_had_together_is_not_named(fields: dict[str, Any]) -> None:
    assert lines("NEEDS104", **{"python": "3.11", "platform": "linux/amd64", **fields}) == []
