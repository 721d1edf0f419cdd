"""A pytest plugin that counts what each rule said in the unit tests: a case that fires, a twin that does not.

It checks a run of all unit tests to its end, on one process or on several (xdist): a rule without its two
cases fails the run, by name. A rule that is called for a stack counts; one that does not apply does not.
"""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import rules
from stackcheck.model.verdict import Outcome
from stackcheck.rules.registry import RULES, Finding, Rule, as_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

UNIT = Path(__file__).parent / "unit"
FIRES = {"WARN", "FAIL", "ERROR"}
KEEPS_STILL = {"PASS", "nothing"}
TELLS_A_GAP = {
    "GPUCODE302": "it says what could not be read: a gap is no fault of the stack",
    "STACK102": "it says which lines were not understood: a gap is no fault of the stack",
    "WHEEL201": "it says of which packages nothing is known: a gap is no fault of the stack",
    "TORCH404": "it says which GPUs were not tried",
}
"""Rules that fire with SKIP alone, and why."""
BAD = (Outcome.WARN, Outcome.FAIL)

_KEY = "rules_said"
_NAMELESS = "nameless: "
_TO_ITS_END = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def untested(codes: Iterable[str], said: Mapping[str, Iterable[str]]) -> list[str]:
    """Return a line for each rule that never fired, and for each that never kept still."""
    lines = []
    for code in sorted(codes):
        heard, fires = set(said.get(code, ())), {"SKIP"} if code in TELLS_A_GAP else FIRES
        faults = {each for each in heard if each.startswith(_NAMELESS)}
        lines += sorted(each.removeprefix(_NAMELESS) for each in faults)
        heard -= faults
        heard_text = f"they made it say {', '.join(sorted(heard)) or 'nothing at all'}"
        if not heard & fires:
            lines.append(f"no unit test makes {code} fire; {heard_text}")
        if not heard & KEEPS_STILL:
            lines.append(f"no unit test has {code} keep still; {heard_text}")
    return lines


def nameless(rule: Rule, findings: Sequence[Finding]) -> str:
    """Say what findings of one rule do not tell apart, which then hide one another; "" where they do.

    What a definition accepts or expects, it names by what the finding is about: a rule that can be about more
    than one thing says of each FAIL and WARN which.
    """
    bad = [each for each in findings if each.outcome in BAD]
    if rule.about and not all(each.about or each.subject or rule.subject for each in bad):
        return f"a finding of {rule.code} does not say which {rule.about} it is about"
    if not rule.about and len(bad) > 1:
        return f"{rule.code} finds several things, and states no `about`"
    return ""


class Recorder:
    """What was said on this process and, where others run the tests, on theirs."""

    def __init__(self) -> None:
        self.said: defaultdict[str, set[str]] = defaultdict(set)
        self.whole: list[bool] = []
        self.deselected = False
        self.lines: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        for rule in rules.load_all():
            judge = self._recorded(rule)
            RULES[rule.code] = rule._replace(judge=judge)
            setattr(sys.modules[rule.module], rule.judge.__name__, judge)  # some tests call it by its name
        rules.load_all.cache_clear()

    def _recorded(self, rule: Rule) -> Any:
        @functools.wraps(rule.judge)
        def judge(*facts: Any, **named: Any) -> Any:
            found = rule.judge(*facts, **named)
            if isinstance(found, Iterator):
                found = list(found)
            findings = as_list(found)
            if fault := nameless(rule, findings):
                self.said[rule.code].add(f"{_NAMELESS}{fault}")
            self.said[rule.code].update({each.outcome.name for each in findings} or {"nothing"})
            return found

        return judge

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected = self.deselected or bool(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            collected = {item.path for item in session.items}
            self.whole.append(not self.deselected and collected >= set(UNIT.glob("test_*.py")))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        whole, said = getattr(node, "workeroutput", {}).get(_KEY, (False, {}))
        self.whole.append(whole)
        for code, outcomes in said.items():
            self.said[code].update(outcomes)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        whole = bool(self.whole) and all(self.whole)
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_KEY] = (
                whole,
                {code: sorted(heard) for code, heard in self.said.items()},
            )
        elif whole and exitstatus in _TO_ITS_END and not (session.shouldstop or session.shouldfail):
            self.lines = untested(RULES, self.said)
            if self.lines:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.lines:
            terminalreporter.section("rules without a case or without its twin", red=True)
            for line in self.lines:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(), "rule-recorder")
