"""Of several answers to one question the one by the strongest evidence decides; the others become notes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution, Unresolved
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.rules import load_all
from stackcheck.rules.accepting import settled
from stackcheck.rules.questions import WORKS, accepts
from stackcheck.rules.registry import RULES, judge_all, judge_one
from stackcheck.rules.strongest import said_once, strongest

load_all()
PASS, WARN, FAIL, SKIP, ERROR = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.SKIP, Outcome.ERROR
NOTE = "The tables say (AB101: it cannot be), and the run shows otherwise. Please report the row."


def answer(outcome: Outcome, level: Level, *, subject: str = "numpy", question: str = "works") -> Verdict:
    code, message = ("AB101", "it cannot be.") if level is Level.STATED else ("AB301", "it is.")
    return Verdict(code, "t", outcome, message, level=level, question=question, subject=subject)


def test_a_run_overrules_a_table_and_says_so() -> None:
    (kept,) = strongest([answer(FAIL, Level.STATED), answer(PASS, Level.RUN)])
    assert (kept.code, kept.outcome, kept.notes) == ("AB301", PASS, (NOTE,))


def test_a_fail_of_the_run_overrules_a_pass_of_a_table() -> None:
    (kept,) = strongest([answer(PASS, Level.STATED), answer(FAIL, Level.RUN)])
    assert (kept.code, kept.outcome) == ("AB301", FAIL)


@pytest.mark.parametrize("silent", [SKIP, ERROR])
def test_what_did_not_answer_decides_nothing(silent: Outcome) -> None:
    both = (answer(FAIL, Level.STATED), answer(silent, Level.RUN))
    assert strongest(both) == both


@pytest.mark.parametrize("other", [{"subject": "torch"}, {"question": "loads"}, {"question": ""}])
def test_another_subject_or_question_is_not_answered(other: dict[str, Any]) -> None:
    both = (answer(FAIL, Level.STATED), answer(PASS, Level.RUN, **other))
    assert strongest(both) == both


def test_answers_that_agree_stay() -> None:
    both = (answer(FAIL, Level.STATED), answer(FAIL, Level.RUN))
    assert strongest(both) == both


def resolution(**requires: tuple[str, ...]) -> Resolution:
    versions = {"torch": "2.6.0", "torchvision": "0.20.0"}
    locked = tuple(
        LockedPackage(name, Version(version), f"{name}-{version}-cp311-cp311-linux_x86_64.whl",
                      index="https://pypi.org/simple", requires=requires.get(name, ()))
        for name, version in versions.items()
    )  # fmt: skip
    return Resolution(locked, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


def judged(took: Resolution | None, **more: Any) -> Verdict:
    packages = {"torch": "2.6.0", "torchvision": "0.20.0"}
    stack = Stack.model_validate({"id": "s", "packages": packages, **more})
    (verdict,) = judge_one(RULES["TORCH101"], definition_facts(stack, knowledge.load(), resolution=took))
    return verdict


def test_the_resolver_overrules_a_row_about_metadata() -> None:
    verdict = judged(resolution(torchvision=("numpy", "torch")))
    assert (verdict.outcome, verdict.level) == (PASS, Level.RESOLVED)
    assert verdict.message == "torchvision 0.20.0 accepts torch 2.6.0, as the resolver shows."
    assert verdict.notes == (
        "The tables say (torchvision 0.20.0 requires torch==2.5.0; the stack has 2.6.0), and the resolver shows "
        "otherwise. Please report the row.",
    )


def test_metadata_that_names_no_torch_overrules_nothing() -> None:
    assert judged(resolution(torchvision=("numpy",))).outcome is FAIL


def test_a_requirement_that_the_stack_overrides_was_not_shown() -> None:
    assert judged(resolution(torchvision=("torch",)), overrides=["torch==2.6.0"]).outcome is FAIL
    assert judged(None).outcome is FAIL


def test_what_a_range_resolves_to_is_judged_and_named() -> None:
    stack = Stack.model_validate(
        {"id": "s", "packages": {"torch": ">=2.4"}, "gpus": ["GTX 1080 Ti"], "driver": "535.104.05"}
    )
    took = Resolution(
        tuple(LockedPackage(n, Version(v), f"{n}.whl", index="https://pypi.org/simple")
              for n, v in (("torch", "2.15.0"), ("nvidia-cuda-runtime", "13.2.86"))),
        "3.12", "x86_64-manylinux_2_28", "0.13.8", "",
    )  # fmt: skip
    facts = definition_facts(stack, knowledge.load(), resolution=took)
    for code in ("ARCH101", "DRIVER101"):
        (verdict,) = judge_one(RULES[code], facts)
        assert (verdict.outcome, verdict.level) == (FAIL, Level.RESOLVED)
        assert verdict.message.endswith("torch 2.15.0 is what `>=2.4` resolves to today.")


def test_a_rule_that_looks_at_every_package_rests_on_those_that_it_names() -> None:
    page = "https://data.pyg.org/whl/torch-2.1.0+cu118.html"
    packages = {"torch": "2.1.2", "torch-scatter": {"version": ">=2.1", "find_links": page}}
    stack = Stack.model_validate({"id": "s", "packages": packages, "cuda": "12.1"})
    took = Resolution(
        tuple(LockedPackage(n, Version("2.1.2"), f"{n}.whl", index="https://pypi.org/simple")
              for n in ("torch", "torch-scatter", *(f"drawn-{number}" for number in range(40)))),
        "3.11", "x86_64-manylinux_2_28", "0.13.8", "",
    )  # fmt: skip
    (verdict,) = judge_one(RULES["WHEEL102"], definition_facts(stack, knowledge.load(), resolution=took))
    assert verdict.outcome is FAIL
    assert verdict.message.endswith("torch-scatter 2.1.2 is what `>=2.1` resolves to today.")
    assert "drawn-" not in verdict.message


def test_a_package_that_is_not_there_answers_nothing_about_how_it_works() -> None:
    absent = {"installed": False, "version": None, "import_error": None}
    (verdict,) = judge_one(RULES["VISION301"], {"torchvision_ops": absent, "stack": Stack(id="s")} | {
        "distributions": {"distributions": [{"name": "torchvision"}]}
    })  # fmt: skip
    assert (verdict.outcome, verdict.question) == (FAIL, "")


def test_one_conflict_is_said_once_by_the_strongest_evidence_with_all_advice() -> None:
    told, shown = (
        Verdict(code, "t", FAIL, f"by {code}.", level=level, question=question, subject="vllm", hint=hint)
        for code, level, question, hint in (
            ("AB101", Level.STATED, WORKS, "take vllm 2"),
            ("AB201", Level.RESOLVED, accepts("torch"), "change a pin"),
        )
    )
    (kept,) = said_once([told, shown])
    assert (kept.code, kept.notes, kept.hint) == (
        "AB201",
        ("AB101 says it too: by AB101.",),
        "change a pin; take vllm 2",
    )


@pytest.mark.parametrize(
    "change", [{"outcome": WARN}, {"subject": "torch"}, {"question": ""}, {"waived": "so"}]
)
def test_what_is_another_matter_or_accepted_is_said_beside_it(change: dict[str, Any]) -> None:
    both = (answer(FAIL, Level.RUN), replace(answer(FAIL, Level.STATED), **change))
    assert said_once(both) == both


def test_what_the_stack_expects_by_its_code_is_not_folded() -> None:
    both = (answer(FAIL, Level.STATED), answer(FAIL, Level.RUN))
    assert said_once(both, {"AB101"}) == both


CONFLICT = Unresolved(
    "conflict", "vllm needs torch", ("vllm==0.6.3: torch==2.4.0", "the stack: torch==2.5.0")
)
SPARSE = Unresolved(
    "conflict",
    "spconv-cu124 needs cumm-cu124",
    ("spconv-cu124==2.3.8: cumm-cu124>=0.7.11,<0.8.0", "the stack: cumm-cu124==0.8.2"),
)
NO_FILE = Unresolved("no-python-wheel", "torch has no wheel for this Python", ("torch==1.13.1",))
PAGE = "https://data.pyg.org/whl/torch-1.11.0+cu115.html"


@pytest.mark.parametrize(
    ("fields", "why", "said"),
    [
        (
            {"packages": {"torch": "2.5.0", "vllm": "0.6.3"}},
            CONFLICT,
            {"LOCK201": ["NEEDS101"]},
        ),
        (
            {"packages": {"torch": "2.5.0", "vllm": "0.6.3"}, "ignore": {"LOCK201": "a try of its own"}},
            CONFLICT,
            {"LOCK201": [], "NEEDS101": []},
        ),
        ({"packages": {"torch": "1.13.1"}, "python": "3.12"}, NO_FILE, {"LOCK201": ["PYTHON101"]}),
        (
            {
                "packages": {
                    "torch": "1.12.1+cu113",
                    "torch-scatter": {"version": "2.0.9", "find_links": PAGE},
                }
            },
            None,
            {"INDEX102": ["WHEEL101"]},
        ),
        (
            {"packages": {"torch": "2.10.0", "torch-tensorrt": "2.9.0"}},
            None,
            {"NEEDS101": ["WHEEL104"]},
        ),
        (
            {"packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.8.2"}},
            SPARSE,
            {"LOCK201": ["SPCONV101"]},
        ),
        (
            {"packages": {"spconv-cu124": "2.3.8", "cumm-cu120": "0.7.11"}},
            None,
            {"SPCONV103": []},
        ),
        (
            {"packages": {"torch": "2.3.1+cu121", "nvidia-cudnn-cu12": "9.25.1.1"}},
            None,
            {"CUDA104": ["NVPIN101"]},
        ),
        (
            {"packages": {"torch": "2.13.0", "torchdata": "0.6.1"}},
            None,
            {"NEEDS101": ["NEEDS102"]},
        ),
        (
            {"packages": {"torch": "2.2.2+cu121"}, "platform": "macos/amd64"},
            Unresolved("not-found", "torch 2.2.2+cu121 is nowhere", ("torch==2.2.2+cu121",)),
            {"LOCK201": ["PLATFORM101"]},
        ),
        (
            {"packages": {"torch": "2.0.0"}, "image": {"base": "python:3.9-alpine"}},
            None,
            {"IMAGE105": []},
        ),
    ],
)
def test_real_pairs_of_rules_say_one_conflict_once(
    fields: dict[str, Any], why: Unresolved | None, said: dict[str, list[str]]
) -> None:
    stack = Stack.model_validate({"id": "s", **fields})
    codes = {
        "NEEDS101",
        "NEEDS102",
        "SPCONV101",
        "SPCONV103",
        "NVPIN101",
        "CUDA104",
        "PYTHON101",
        "WHEEL101",
        "WHEEL104",
        "INDEX102",
        "IMAGE105",
        "PLATFORM101",
        "GLIBC101",
    }
    rules = [each for code, each in RULES.items() if code in codes]
    judged = judge_all(rules, definition_facts(stack, knowledge.load()))
    if why is not None:
        judged = (*judge_one(RULES["LOCK201"], {"resolving": why}), *judged)
    found = {
        each.code: [note.split()[0] for note in each.notes]
        for each in settled(judged, stack)
        if each.outcome is FAIL
    }
    assert found == said


def test_a_conflict_with_the_stack_is_about_the_package_that_requires() -> None:
    (verdict,) = judge_one(RULES["LOCK201"], {"resolving": CONFLICT})
    assert (verdict.subject, verdict.question) == ("vllm", "accepts torch")
