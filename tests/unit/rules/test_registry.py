"""Outcomes, exit codes, and how rules are run over facts."""

import inspect
import itertools
import re

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.facts import HOST_FACTS, Fact, Missing
from stackcheck.model.verdict import Level, Outcome, Verdict, worst
from stackcheck.rules import before_build, load_all, of_target, registry
from stackcheck.rules.definition import stated as claims
from stackcheck.rules.registry import (
    RULES,
    Finding,
    Rule,
    failed,
    judge_all,
    judge_one,
    passed,
    rule,
    skipped,
    uses,
    warned,
)
from stackcheck_probes.carried import every_probe


def verdict(outcome: Outcome, waived: str = "") -> Verdict:
    return Verdict("X101", "title", outcome, "message", waived=waived)


def test_the_order_of_outcomes_is_public() -> None:
    assert [o.name for o in sorted(Outcome)] == ["PASS", "WARN", "SKIP", "FAIL", "ERROR"]


def test_worst_is_commutative_and_nothing_is_not_a_pass() -> None:
    for pair in itertools.product(Outcome, repeat=2):
        assert worst([verdict(o) for o in pair]) == worst([verdict(o) for o in reversed(pair)]) == max(pair)
    assert worst([]) is None


def made(judge: object, *needs: str) -> Rule:
    return Rule("X101", "title", "", needs, judge, lambda _facts: True, "here")  # type: ignore[arg-type]


def test_a_missing_fact_is_a_skip_with_its_reason() -> None:
    each = made(lambda torch_gpu: passed(str(torch_gpu)), "torch_gpu")
    (seen,) = judge_one(each, {"torch_gpu": Missing("no NVIDIA device is visible.")})
    assert (seen.outcome, seen.message) == (Outcome.SKIP, "no NVIDIA device is visible.")
    (seen,) = judge_one(each, {})
    assert (seen.outcome, seen.message) == (Outcome.SKIP, "there is no 'torch_gpu' fact here.")


def test_a_rule_that_raises_costs_one_error_and_the_others_still_judge() -> None:
    def broken() -> Finding:
        raise KeyError("gone")

    first, second = judge_all([made(broken), made(lambda: passed("fine"))], {})
    assert (first.outcome, first.message) == (Outcome.ERROR, "the rule itself failed: KeyError: 'gone'.")
    assert first.hint == "this is a fault of stackcheck: please report it"
    assert second.outcome is Outcome.PASS


def test_findings_become_verdicts_and_none_means_nothing_to_judge() -> None:
    many = made(lambda: [warned("a"), failed("b", expected="1", found="2", hint="c"), skipped("d")])
    assert [v.outcome for v in judge_one(many, {})] == [Outcome.WARN, Outcome.FAIL, Outcome.SKIP]
    assert judge_one(made(lambda: None), {}) == []


def test_uses_looks_at_what_is_stated_and_at_what_is_installed() -> None:
    when = uses("spconv-cu124")
    stated = Stack.model_validate({"id": "x", "packages": {"spconv_cu124": "2.3.8"}})
    assert when({"stack": stated})
    assert not when({"stack": Stack(id="x")})
    assert when({"stack": Stack(id="x"), "distributions": {"distributions": [{"name": "spconv-cu124"}]}})
    assert not when({"stack": Stack(id="x"), "distributions": Missing("not run.")})


def test_a_code_is_taken_once_and_documented() -> None:
    code = next(iter(RULES))
    with pytest.raises(ValueError, match="codes are never reused"):
        rule(code)(lambda: None)
    with pytest.raises(ValueError, match="needs a docstring"):
        rule("NEW101")(lambda: None)


def test_ignores_and_expected_codes_must_exist() -> None:
    judge = RULES["STACK101"]
    assert judge.module == claims.__name__
    assert judge_one(judge, {"stack": Stack(id="x")}) == []
    (good,) = judge_one(judge, {"stack": Stack(id="x", ignore={"STACK101": "for the test"})})
    assert (good.outcome, good.message) == (Outcome.PASS, "all 1 rule codes that the stack names exist.")
    (bad,) = judge_one(judge, {"stack": Stack(id="x", file="m.toml", expect_codes=("STACK181",))})
    assert bad.outcome is Outcome.FAIL
    assert bad.message == "expect_codes names STACK181, and no rule has that code."
    assert bad.hint == "correct it in m.toml; did you mean 'STACK101'?"


def test_a_rule_that_misspells_a_fact_is_refused_with_the_near_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    def over_operators(xformer_ops: object) -> Finding:
        """The operators of xFormers run."""
        return passed(str(xformer_ops))

    known = {**registry.known_facts(), "xformers_ops": Fact(Level.RUN, of_target=True)}
    monkeypatch.setattr(registry, "known_facts", lambda: known)
    told = "rule NEW301 needs the fact 'xformer_ops', which nobody provides; did you mean 'xformers_ops'?"
    with pytest.raises(ValueError, match=re.escape(told)):
        rule("NEW301")(over_operators)
    assert "NEW301" not in RULES


def test_every_probe_provides_a_fact_of_its_name_at_the_level_of_its_grade() -> None:
    known = registry.known_facts()
    assert set(known) == {*HOST_FACTS, *every_probe()}
    assert not set(HOST_FACTS) & set(every_probe())
    found = {
        name: (known[name].level, known[name].of_target) for name in ("loading", "torch_cpu", "torch_gpu")
    }
    assert found == {
        "loading": (Level.BYTES, True),
        "torch_cpu": (Level.RUN, True),
        "torch_gpu": (Level.GPU, True),
    }


@pytest.mark.parametrize(
    ("code", "levels", "of_target"),
    [
        ("CUDA101", (Level.STATED,), False),
        ("DOCKER101", (Level.STATED,), False),
        ("LOCK202", (Level.RESOLVED,), False),
        ("DIST302", (Level.BYTES,), True),
        ("TORCH305", (Level.RUN,), True),
        ("TORCH403", (Level.GPU,), True),
        (
            "VISION401",
            (Level.GPU,),
            True,
        ),  # its probe runs without a GPU too; this rule asks what it did on one
    ],
)
def test_the_levels_of_a_rule_are_those_of_its_strongest_fact(
    code: str, levels: tuple[Level, ...], of_target: bool
) -> None:
    load_all()
    assert (RULES[code].levels, RULES[code].of_target) == (levels, of_target)


def test_a_rule_that_can_find_several_things_says_of_which_word_they_are() -> None:
    several = [rule for rule in load_all() if _several(rule)]
    assert len(several) > 80
    assert [rule.code for rule in several if not rule.about] == []


def _several(rule: Rule) -> bool:
    """Tell whether a rule can return more than one finding, by its annotation."""
    return "list" in str(inspect.signature(rule.judge).return_annotation)


def test_the_rules_before_the_build_and_those_of_a_target_are_all_rules() -> None:
    early, late = before_build(), of_target()
    assert {*early, *late} == set(load_all())
    assert not set(early) & set(late)
    assert set(before_build(Level.STATED)) < set(early)
