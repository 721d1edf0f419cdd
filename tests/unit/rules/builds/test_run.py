"""BUILD301 and PROBE302: what a build and a run of the probes left behind, and what is said of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Fault, Missing
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.targets import Target

load_all()
STACK = Stack(id="small")


def said(code: str, **facts: Any) -> list[tuple[str, str, str]]:
    return [(v.outcome.name, v.message, v.hint) for v in judge_one(RULES[code], {"stack": STACK, **facts})]


def test_a_stack_that_builds() -> None:
    no_image = Missing("made up")
    target = Target("docker", "image", "stackcheck/small:1", "sha256:1", ("python3",), no_image, built=True)
    assert said("BUILD301", building=target) == [("PASS", "the image stackcheck/small:1 was built.", "")]
    there = Target("docker", "image", "mine:1", "sha256:2", ("python3",), no_image)
    assert said("BUILD301", building=there) == [("PASS", "the image mine:1 is there already.", "")]


def test_a_step_that_fails_is_a_fail_and_an_engine_that_does_not_work_an_error() -> None:
    message = "RUN pip install ... failed with 1."
    proven = Fault(message, proven=True, log_tail="a\nNo matching distribution", log_file="/tmp/build.log")
    hint = "the whole log: /tmp/build.log"
    assert said("BUILD301", building=proven) == [("FAIL", message, hint)]
    bare = Fault(message, proven=True)
    assert said("BUILD301", building=bare) == [("FAIL", message, "see the end of the log above")]
    down = Fault("docker does not answer.")
    assert said("BUILD301", building=down) == [("ERROR", "docker does not answer.", "")]


def test_probes_that_answered_and_those_that_did_not() -> None:
    entry = SimpleNamespace(facts={"a": 1})
    answered = SimpleNamespace(probes={"a": entry, "b": SimpleNamespace(facts=None)}, python="3.11.2")
    assert said("PROBE302", probing=answered) == [("PASS", "1 of 2 probes ran under Python 3.11.2.", "")]
    silent = SimpleNamespace(probes={"b": SimpleNamespace(facts=None)}, python="3.11.2")
    assert said("PROBE302", probing=silent) == [("SKIP", "no probe ran in the target.", "")]
    bare = Fault("The image mine:1 has no Python: none of its files is one.", proven=True)
    ((outcome, message, _),) = said("PROBE302", probing=bare)
    assert (outcome, message) == ("FAIL", bare.message)
    hint = "nothing inside the target was inspected"
    assert said("PROBE302", probing=Fault("no Python there.")) == [("ERROR", "no Python there.", hint)]
