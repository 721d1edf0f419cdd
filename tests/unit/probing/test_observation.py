"""What comes back from a target is parsed, bounded, and turned into facts or into reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackcheck.model.errors import ProbeError
from stackcheck.model.facts import HOST_FACTS, Missing, TargetPython, as_named
from stackcheck.probing.observation import Failure, parse_observation, rule_facts, seen_facts

AGENT = {"python": "3.11.2", "executable": "/usr/bin/python3", "seconds": 1.5}
OK = {"status": "ok", "grade": "static", "seconds": 0.1, "facts": {"kernel": "6.1"}}


def document(probes: Any, **more: Any) -> bytes:
    return json.dumps({"schema_version": 1, "agent": AGENT, "probes": probes, **more}).encode()


def test_facts_of_a_probe_that_ran() -> None:
    seen = parse_observation(document({"system": OK}))
    assert (seen.python, seen.executable, seen.seconds) == ("3.11.2", "/usr/bin/python3", 1.5)
    assert seen.facts("system") == {"kernel": "6.1"}
    assert rule_facts(seen) == {"observation": seen, "probe:system": {"kernel": "6.1"}}
    assert seen_facts(seen) == {"observation": seen, "system": {"kernel": "6.1"}}


@pytest.mark.parametrize("name", [*HOST_FACTS, "probe:stack", "probe:probe:stack"])
def test_nothing_that_a_target_calls_itself_takes_the_place_of_a_fact_of_the_host(name: str) -> None:
    host = {each: f"the host's {each}" for each in HOST_FACTS}
    forged = rule_facts(parse_observation(document({name: OK, "system": OK})))
    facts = as_named(host | {key: fact for key, fact in forged.items() if key != "observation"})
    assert {each: facts[each] for each in HOST_FACTS} == host
    assert facts["system"] == {"kernel": "6.1"}


def test_one_probe_does_not_answer_for_another() -> None:
    forged = {**OK, "facts": {"distributions": []}}
    both = {"distributions": {"status": "skipped", "reason": "no time"}, "probe:distributions": forged}
    facts = as_named(as_named(rule_facts(parse_observation(document(both)))))
    assert {name: fact for name, fact in facts.items() if "distributions" in name} == {
        "distributions": Missing("no time")
    }


def test_the_python_of_the_packages_is_the_interpreter_that_was_seen() -> None:
    torches = [{"version": "2.5.0+cu124", "wins": False}, {"version": "2.4.1", "wins": True}]
    facts = {"version": "3.11.7", "markers": {"os_name": "posix"}, "torches": torches}
    facts["conda"] = {"packages": {"numpy": "1.26.4"}}
    seen = rule_facts(parse_observation(document({"interpreter": {**OK, "facts": facts}})))
    assert seen["python"] == TargetPython("3.11.7", {"os_name": "posix"}, "2.4.1", {"numpy": "1.26.4"})
    crashed = {"status": "skipped", "reason": "no time"}
    seen = rule_facts(parse_observation(document({"interpreter": crashed})))
    assert seen["python"] == Missing("no time")


def test_a_skipped_a_crashed_and_an_absent_probe_are_missing_with_the_reason() -> None:
    crashed = {
        "status": "error",
        "error": {"kind": "signal", "message": "ended by SIGSEGV", "signal": "SIGSEGV"},
    }
    seen = parse_observation(document({"a": {"status": "skipped", "reason": "no GPU here"}, "b": crashed}))
    assert seen.facts("a") == Missing("no GPU here")
    assert seen.facts("b") == Missing("the probe b failed (signal: ended by SIGSEGV)")
    assert seen.facts("c") == Missing("the probe c was not run")
    assert seen.failures == {"b": Failure("signal", "ended by SIGSEGV", "SIGSEGV")}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            b"",
            "not an observation (Expecting value: line 1 column 1 (char 0)): nothing was written",
        ),
        (b"Segmentation fault\x1b[2J\n", "(char 0)): 'Segmentation fault\\x1b[2J\\n'"),
        (b"\xff\xfe", "is not an observation"),
        (b"[]", "is not an observation"),
        (b"[" * 100_000, "is not an observation"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "is not an observation"),
        (document({}, schema_version=2), "the probes answered in schema version 2, not 1"),
        (document([]), "is not an observation (AttributeError"),
        (document({"a": {"status": "fine"}}), "(ValueError: unknown status 'fine')"),
        (
            document({"a": {"status": "ok", "facts": [], "grade": "static", "seconds": 0}}),
            "facts are not an object",
        ),
        (document({"a": {"status": "skipped"}}), "(KeyError: 'reason')"),
        (b'{"schema_version": 1, "agent": {}, "probes": {}}', "(KeyError: 'python')"),
        (document({"a": json.loads('{"x":' * 40 + "1" + "}" * 40)}), "nested deeper than 24"),
    ],
)
def test_an_answer_that_is_no_observation_is_a_probe_error(answer: bytes, message: str) -> None:
    with pytest.raises(ProbeError) as caught:
        parse_observation(answer)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 2000
    assert "\x1b" not in str(caught.value)


def test_lone_surrogates_and_long_text_are_tamed() -> None:
    entry = {**OK, "facts": {"path": "/a\udcff", "long": "x" * 100_000}}
    facts = parse_observation(document({"a": entry})).facts("a")
    assert not isinstance(facts, Missing)
    assert facts["path"] == "/a\\udcff"
    assert facts["long"] == "x" * 65536 + "... (100000 characters)"
