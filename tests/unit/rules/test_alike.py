"""Stacks that differ in nothing that a rule reads are judged once, and each is told what it would be alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.report import Report
from stackcheck.model.resolution import Resolution
from stackcheck.rules import before_build, load_all
from stackcheck.rules.alike import Alike
from stackcheck.rules.registry import RULES, Finding, Rule, judge_all, passed

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.environment import Environment
    from stackcheck.model.facts import Facts

load_all()


def facts_of(**fields: Any) -> dict[str, Any]:
    return definition_facts(Stack.model_validate(fields), knowledge.load())


def rule_of(judge: Callable[..., Finding], *needs: str) -> Rule:
    return Rule("TRIAL101", "A trial", "", needs, judge, when=lambda _facts: True, module=__name__)


def counted(read: Callable[[Environment], object]) -> tuple[Rule, list[str]]:
    """Return a rule that tells what it reads, and a list that grows with every call that came to an end."""
    calls: list[str] = []

    def judge(env: Environment) -> Finding:
        calls.append(str(read(env)))
        return passed(f"It read {calls[-1]}.")

    return rule_of(judge, "env"), calls


def told(alike: Alike, rule: Rule, facts: Facts) -> list[str]:
    return [each.message for each in alike.judge([rule], facts)]


def test_a_rule_over_packages_is_asked_once_for_stacks_of_other_names_and_gpus() -> None:
    rule, calls = counted(lambda env: env.torch.version)
    alike, packages = Alike(), {"torch": "2.5.0"}
    first = told(alike, rule, facts_of(id="one", packages=packages, gpus=["L4"]))
    second = told(alike, rule, facts_of(id="two", packages=packages, gpus=["H100"], driver="550.54.15"))
    assert first == second == ["It read 2.5.0."]
    assert calls == ["2.5.0"]


def test_a_rule_over_gpus_is_asked_for_each_list_of_gpus() -> None:
    rule, calls = counted(lambda env: env.stack.gpus[0].name)
    alike = Alike()
    said = [
        told(alike, rule, facts_of(id=name, gpus=[gpu]))
        for name, gpu in zip("abc", ("L4", "T4", "L4"), strict=True)
    ]
    assert said == [["It read L4."], ["It read T4."], ["It read L4."]]
    assert calls == ["L4", "T4"]


@pytest.mark.parametrize("read", ["id", "title"])
def test_a_rule_that_names_the_stack_is_asked_for_every_one(read: str) -> None:
    rule, calls = counted(lambda env: getattr(env.stack, read))
    alike = Alike()
    assert [told(alike, rule, facts_of(id=name)) for name in ("one", "two")] == [
        ["It read one."],
        ["It read two."],
    ]
    assert calls == ["one", "two"]


def test_the_lock_of_a_resolution_names_its_stack_and_is_not_shared() -> None:
    alike = Alike()
    rule = rule_of(lambda resolution: passed(resolution.lock_text), "resolution")
    for name in ("one", "two"):
        resolution = Resolution((), "3.11", "x86_64-manylinux2014", "0.9", written=f"the lock of {name}")
        facts = {**facts_of(id=name), "resolution": resolution}
        assert told(alike, rule, facts) == [f"the lock of {name}."]


def test_what_a_loose_torch_takes_is_judged_once_for_stacks_of_other_names() -> None:
    alike, rules = Alike(), [RULES["PIN104"]]
    fields: dict[str, Any] = {"packages": {"torch": ">=2.1"}, "gpus": ["L4"], "driver": "450.80.02"}
    first, second = (facts_of(id=name, **fields) for name in ("one", "two"))
    assert alike.judge(rules, first) == judge_all(rules, second)
    assert alike.judge(rules, second) == alike.judge(rules, first)
    assert not any(isinstance(step, Rule) for steps in alike.steps.values() for step in steps)
    (once,) = alike.once.values()
    told = dict(once.said)
    third = facts_of(id="three", **{**fields, "gpus": ["B200"], "driver": "580.65.06"})
    assert alike.judge(rules, third) == judge_all(rules, third)
    assert (once.said, bool(told)) == (told, True), "of other GPUs only what reads them is asked again"


def test_stacks_in_other_folders_share_nothing() -> None:
    rule, calls = counted(lambda env: env.torch.origin)
    alike = Alike()
    for file in ("a/one.toml", "b/two.toml"):
        told(
            alike,
            rule,
            facts_of(id="one", file=file, packages={"torch": {"version": "2.5.0", "path": "../own"}}),
        )
    assert len(calls) == 2


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcheck.rules.alike._MOST_KEPT", 3)
    rule, _ = counted(lambda env: env.torch.version)
    alike = Alike()
    for number in range(20):
        told(alike, rule, facts_of(id="one", packages={"torch": f"2.5.{number}"}))
    assert len(alike.said) <= 3
    assert len(alike.steps) <= 3


def test_every_rule_says_of_a_crowd_what_it_says_of_each_stack_alone() -> None:
    chance = random.Random(20261130)  # noqa: S311 - a test, no secret
    alike, rules = Alike(), before_build()
    for number in range(150):
        facts = facts_of(
            id=f"stack-{number}",
            file=f"matrices/{number % 3}.toml",
            python=chance.choice(["3.10", "3.12"]),
            platform=chance.choice(["linux/amd64", "linux/arm64", None]),
            cuda=chance.choice(["12.1", "12.4", None]),
            driver=chance.choice(["535.104.05", ">=550"]),
            gpus=chance.choice([["T4"], ["H100", "L4"], []]),
            packages={
                "torch": chance.choice(["2.1.2", "2.5.0+cu124", "2.7.1", "latest", ">=2.1"]),
                "numpy": chance.choice(["1.26.4", "2.1.3"]),
                **chance.choice([{}, {"spconv-cu124": "2.3.8"}, {"xformers": "0.0.28.post3"}]),
            },
            index=chance.choice([{}, {"extra": ["https://download.pytorch.org/whl/cu118"]}]),
            ignore=chance.choice([{}, {"PIN101": "the pin moves every night"}]),
        )
        assert alike.judge(rules, facts) == judge_all(rules, facts)


BELOW = Stack.model_validate({"id": "below", "gpus": ["L4"]})


def report_of(alike: Alike, rule: Rule, **fields: Any) -> Report:
    facts = facts_of(**fields)
    report = Report(stack=fields["id"], verdicts=alike.judge([rule], facts))
    alike.keep(facts["stack"], report)
    return report


def test_the_report_of_a_stack_is_that_of_the_next_one_with_another_name() -> None:
    rule, _ = counted(lambda env: env.torch.version)
    alike, packages = Alike(), {"torch": "2.5.0"}
    report = report_of(alike, rule, id="one", packages=packages)
    assert alike.known(Stack.model_validate({"id": "two", "packages": packages})) == report
    for other in ({"gpus": ["L4"]}, {"expect": "fail"}, {"ignore": {"PIN101": "it moves every night"}}):
        assert alike.known(Stack.model_validate({"id": "two", "packages": packages, **other})) is None


@pytest.mark.parametrize(
    "fields", [{"image": {"dockerfile": "Dockerfile"}}, {"read_from": ["pyproject.toml"]}, {"below": [BELOW]}]
)
def test_no_report_is_kept_where_more_than_the_definition_is_judged(fields: dict[str, Any]) -> None:
    rule, _ = counted(lambda env: env.torch.version)
    alike = Alike()
    report_of(alike, rule, id="one", **fields)
    assert alike.known(Stack.model_validate({"id": "two", **fields})) is None


def test_no_report_is_kept_where_a_rule_has_read_the_name() -> None:
    rule, _ = counted(lambda env: env.stack.id)
    alike = Alike()
    report_of(alike, rule, id="one")
    assert alike.known(Stack.model_validate({"id": "two"})) is None
