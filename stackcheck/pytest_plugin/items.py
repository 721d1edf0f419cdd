"""Stacks as pytest items: `matrices/pointcept.toml::cuda124-torch25-py311::TORCH101`.

Every item of a stack reads the same report, which is made once: under pytest-xdist the first worker that
needs it makes it, the others wait for a file lock and read the JSON. `--dist loadscope` gives each worker
stacks of its own, so that several build side by side.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.model.acceptance import code_of
from stackcheck.model.errors import StackcheckError
from stackcheck.model.escape import one_line
from stackcheck.model.reach import Reach
from stackcheck.model.verdict import Outcome, Verdict, worst
from stackcheck.report import wording
from stackcheck.report.text import verdict_text
from stackcheck.rules.accepting import current_text
from stackcheck.rules.registry import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.model.verdict import Level
    from stackcheck.pytest_plugin.session import Stacks

REST = "OTHER"
"""Name of the item for verdicts whose rule the definition gave no reason to expect."""
REACH = "REACH"
"""Name of the item that --stack-require adds."""
PROPERTY = "stackcheck."
"""How the properties of an item begin that the summary is made of."""
PLUGIN = "stackcheck.pytest_plugin.session"
"""The name under which the plugin is registered while `--stack` is on."""
_TITLES = {REST: "what other rules saw", REACH: "how far the checks came"}


class StackItem(pytest.Item):
    """Something that the report of one stack says."""

    def __init__(self, *, stack: Stack, **rest: Any) -> None:
        """Keep the stack."""
        super().__init__(**rest)
        self.stack = stack
        self.extra_keyword_matches.add(stack.family)

    def report(self) -> Report:
        """Return the stack's report; one that could not be had is a failure."""
        try:
            return plugin_of(self.config).reports.of(self.stack)
        except StackcheckError as error:
            pytest.fail(f"ERROR: {self.stack.title} could not be checked: {error}", pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the item in headings: the stack, and the code with the rule's title."""
        code = self.name.partition("[")[0]
        title = RULES[code].title if code in RULES else _TITLES.get(self.name, "")
        heading = f"{self.stack.title}::{self.name} {title}".rstrip()
        return self.path, line_of(self.stack, self.path) - 1, heading


class ReachItem(StackItem):
    """Whether the checks of a stack came as far as --stack-require asks."""

    def __init__(self, *, required: Level, **rest: Any) -> None:
        """Keep the level."""
        super().__init__(**rest)
        self.required = required

    def runtest(self) -> None:
        """Fail with the reason when the level was not reached."""
        report = self.report()
        if not report.reach.covers(self.required):
            reason = one_line(report.reach.unreached[self.required])
            pytest.fail(f"--stack-require {self.required.word}: not reached: {reason}.", pytrace=False)


class RuleItem(StackItem):
    """What one rule says of one stack, or (`REST`) what all rules say that have no item of their own."""

    def __init__(self, *, codes: tuple[str, ...], subject: str = "", **rest: Any) -> None:
        """Keep the code of this item or, for `REST`, those of all the others; `subject` narrows it to one."""
        super().__init__(**rest)
        self.codes, self.subject = codes, subject
        self.verdicts: tuple[Verdict, ...] = ()
        self.unexpected: tuple[Verdict, ...] = ()
        self.reach = Reach()
        self.applies = True

    def by_code(self) -> list[RuleItem]:
        """Return an item for each code that the rest has a verdict of; this one where there is none."""
        try:
            codes = sorted({verdict.code for verdict in self.report().verdicts} - {*self.codes})
        except pytest.fail.Exception:  # the item says it when it runs
            codes = []
        node = self.parent
        assert node is not None  # noqa: S101 - a node of this stack made it
        return [RuleItem.from_parent(node, name=code, stack=self.stack, codes=(code,)) for code in codes] or [
            self
        ]

    def setup(self) -> None:
        """Have the report made; an ERROR, and a report that could not be had, is an error of the set-up."""
        report = self.report()
        self.reach = report.reach
        stated = tuple(map(current_text, self.stack.expect_codes))
        expecting = replace(report, expect=self.stack.expect, expect_codes=stated)
        self.unexpected = tuple(each for each in expecting.unexpected if each.code in self.codes)
        mine = (v for v in report.verdicts if (v.code in self.codes) != (self.name == REST))
        self.verdicts = tuple(v for v in mine if not self.subject or v.subject in ("", self.subject))
        self.applies = bool(self.verdicts) or self._is_expected or (self.name == REST and not report.verdicts)
        told = plugin_of(self.config).told
        if self.applies and self.stack.title not in told:
            told.add(self.stack.title)
            text = f"{wording.label(report)} {one_line(report.name, 120)}: {wording.headline(report)}."
            self.user_properties.append((f"{PROPERTY}HEADLINE", text))
        if worst(self.verdicts) is Outcome.ERROR and not self._with(Outcome.FAIL):
            pytest.fail(f"ERROR: could not be checked\n{_text(self._with(Outcome.ERROR))}", pytrace=False)

    def runtest(self) -> None:
        """Pass, skip, xfail or fail as the verdicts say."""
        self._judge_failures()
        for verdict in self._with(Outcome.WARN):
            self.user_properties.append((f"{PROPERTY}WARN", f"{verdict.code}: {one_line(verdict.message)}"))
        if waived := [verdict for verdict in self.verdicts if not verdict.counts]:
            pytest.xfail(f"accepted: {one_line(waived[0].waived)}")
        if not self.verdicts:
            pytest.skip("nothing was checked")
        doubts = [*self._with(Outcome.WARN), *self._with(Outcome.SKIP)]
        doubts = [each for each in doubts if not self.reach.skips(each)]
        if doubts and self.config.getoption("stack_strict"):
            pytest.fail(f"--stack-strict\n{_text(doubts)}", pytrace=False)
        if unmade := self._with(Outcome.SKIP):
            reason = one_line(unmade[0].message)
            kind = "NOT REACHED" if self.reach.skips(unmade[0]) else "NOT CHECKED"
            self.user_properties.append((f"{PROPERTY}{kind}", reason))
            pytest.skip(f"not checked: {reason}")

    def _judge_failures(self) -> None:
        failed, expected = self._with(Outcome.FAIL), self._is_expected
        if failed and expected and not self.unexpected:
            pytest.xfail(f"expected by the definition: {one_line(failed[0].message)}")
        if failed:
            pytest.fail(_text(self.unexpected if expected else failed), pytrace=False)
        if expected and not self._with(Outcome.SKIP):  # what was not checked did not fail to fail
            said = _text(self.verdicts) or "it had nothing to judge"
            pytest.fail(f"{self.name} was expected to fail, and did not:\n{said}", pytrace=False)

    @property
    def _is_expected(self) -> bool:
        codes = map(code_of, self.stack.expect_codes)
        return self.stack.expect == "fail" and self.name != REST and self.codes[0] in codes

    def _with(self, outcome: Outcome) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.outcome is outcome and verdict.counts)


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def line_of(stack: Stack, path: Path) -> int:
    """Return the line, from 1, that holds the id of a stack or its family in its definition file."""
    wanted = re.compile(rf"\s*id\s*=\s*[\"']{re.escape(stack.family or stack.id)}[\"']")
    return next((number for number, line in enumerate(_lines(path), 1) if wanted.match(line)), 1)


def plugin_of(config: pytest.Config) -> Stacks:
    """Return the active plugin; these nodes exist only while it is registered."""
    plugin: Stacks | None = config.pluginmanager.get_plugin(PLUGIN)
    assert plugin is not None  # noqa: S101 - likewise
    return plugin


def _text(verdicts: Iterable[Verdict]) -> str:
    return "\n".join(verdict_text(verdict) for verdict in verdicts)
