"""What a rule is, and how rules are run over facts.

A rule is a plain function with a code. Its docstring is its documentation: first line the title, the rest
why, with a `Source:` line, an `Example:` and a `Fix:` (`stackcheck explain CODE` prints it). Its parameters
name the facts that it needs; the runner injects them, and a missing fact is a SKIP with the reason.
A rule returns one finding, several, or none ("this stack has nothing that the rule is about").
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcheck.verdict import Evidence, Level, Outcome, Verdict

if TYPE_CHECKING:
    from stackcheck_probes.judging.judgement import Judgement


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict without code and title: what a rule function returns. See `Verdict` for the fields."""

    outcome: Outcome
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""
    evidence: tuple[Evidence, ...] = ()
    unverified: bool = False
    question: str = ""
    subject: str = ""
    level: Level | None = None
    """The level of the evidence, where it is not that of the rule: None is the rule's own."""


Findings: TypeAlias = Finding | Iterable[Finding] | None
Facts: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """Stands in the facts for one that could not be had; `reason` completes "not checked: ..."."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Stands in the facts for a step that could not do its work (`building`, `probing`).

    `proven` tells a stack that does not build from an engine that does not work; `no_base` an image to build
    on that cannot be had. `log_tail` is the end of the log, escaped and bounded; `log_file` where it lies.
    """

    message: str
    proven: bool = False
    no_base: bool = False
    log_tail: str = ""
    log_file: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered rule: `needs` are the fact names, `when` the packages or properties it is about."""

    code: str
    title: str
    text: str
    needs: tuple[str, ...]
    judge: Callable[..., Findings]
    when: Callable[[Facts], bool]
    module: str

    @property
    def level(self) -> Level:
        """Return the level of evidence that the rule's facts give."""
        return _LEVELS[self.code[-3]]

    @property
    def family(self) -> str:
        """Return the letters of the code: TORCH for TORCH101."""
        return self.code.rstrip("0123456789")


_LEVELS = {"1": Level.STATED, "2": Level.RESOLVED, "3": Level.RUN, "4": Level.GPU}

RULES: dict[str, Rule] = {}
"""Every rule by its code, filled by importing the modules of `stackcheck.rules`."""


def _always(_facts: Facts) -> bool:
    return True


def rule(
    code: str, *, when: Callable[[Facts], bool] = _always
) -> Callable[[Callable[..., Findings]], Callable[..., Findings]]:
    """Register a function as the rule `code`; `when(facts)` says whether a stack has anything to judge."""

    def register(judge: Callable[..., Findings]) -> Callable[..., Findings]:
        if code in RULES:
            raise ValueError(f"rule code {code} is taken by {RULES[code].module}; codes are never reused")
        title, _, text = inspect.cleandoc(judge.__doc__ or "").partition("\n")
        if not title:
            raise ValueError(f"rule {code} needs a docstring: title, why, source, example, fix")
        needs = tuple(inspect.signature(judge).parameters)
        RULES[code] = Rule(code, title.rstrip("."), text.strip(), needs, judge, when, judge.__module__)
        return judge

    return register


def uses(*names: str) -> Callable[[Facts], bool]:
    """Make a `when`: the stack states one of these distributions, or one was seen installed."""
    wanted = frozenset(names)

    def stated_or_seen(facts: Facts) -> bool:
        known, seen = facts.get("env") or facts.get("stack"), facts.get("distributions")
        stated = known is not None and any(name in wanted for name in known.packages)
        installed = isinstance(seen, Mapping) and any(d["name"] in wanted for d in seen["distributions"])
        return stated or installed

    return stated_or_seen


def passed(message: str, *evidence: Evidence, expected: str = "", found: str = "") -> Finding:
    """Say that something was inspected and is right."""
    return Finding(Outcome.PASS, message, expected, found, "", evidence)


def warned(message: str, *evidence: Evidence, expected: str = "", found: str = "", hint: str = "") -> Finding:
    """Say that something works but should be known, or that unverified knowledge speaks against it."""
    return Finding(Outcome.WARN, message, expected, found, hint, evidence)


def failed(message: str, *evidence: Evidence, expected: str, found: str, hint: str) -> Finding:
    """Say that something is proven broken; both sides and the next step are obligatory."""
    return Finding(Outcome.FAIL, message, expected, found, hint, evidence)


def skipped(reason: str, *evidence: Evidence, hint: str = "") -> Finding:
    """Say that something was not checked, and why."""
    return Finding(Outcome.SKIP, reason, hint=hint, evidence=evidence)


def told(judged: Judgement, *evidence: Evidence) -> Finding:
    """Return what a function that host and target share has judged, with the evidence that the host has."""
    outcome = Outcome[judged.outcome]
    return Finding(outcome, judged.message, judged.expected, judged.found, judged.hint, evidence)


def judge_all(rules: Iterable[Rule], facts: Facts) -> tuple[Verdict, ...]:
    """Run rules over facts (name -> value, or `Missing`); return their verdicts in the order of the rules.

    A fact whose name is absent altogether counts as missing too. A rule that raises costs one ERROR.
    """
    return tuple(verdict for each in rules for verdict in judge_one(each, facts))


def judge_one(each: Rule, facts: Facts) -> list[Verdict]:
    """Run one rule; no verdicts when the stack has nothing that the rule is about."""
    try:
        if not each.when(facts):
            return []
        absent = [facts.get(name, Missing(f"there is no {name!r} fact here")) for name in each.needs]
        reasons = [fact.reason for fact in absent if isinstance(fact, Missing)]
        if reasons:
            findings = [skipped(reasons[0])]
        else:
            findings = as_list(each.judge(**{name: facts[name] for name in each.needs}))
    except Exception as error:  # noqa: BLE001 - one broken rule must not cost the report
        text = f"the rule itself failed: {type(error).__name__}: {str(error)[:300]}"
        findings = [Finding(Outcome.ERROR, text, hint="this is a fault of stackcheck: please report it")]
    return [_verdict(each, finding) for finding in findings]


def _verdict(each: Rule, finding: Finding) -> Verdict:
    return Verdict(
        code=each.code,
        title=each.title,
        outcome=finding.outcome,
        message=finding.message,
        expected=finding.expected,
        found=finding.found,
        hint=finding.hint,
        evidence=tuple(finding.evidence),
        level=each.level if finding.level is None else finding.level,
        unverified=finding.unverified,
        question=finding.question,
        subject=finding.subject,
    )


def as_list(findings: Findings) -> list[Finding]:
    """Return what a rule gave as a list: none, one or several findings."""
    if findings is None:
        return []
    return [findings] if isinstance(findings, Finding) else list(findings)
