"""The sentences that all renderers share: one way to say a result, whatever the format."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.acceptance import code_of, uncovered_note
from stackcheck.model.escape import one_line
from stackcheck.model.evidence import Level, Outcome
from stackcheck.model.reach import NO_CHECK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.model.report import Report
    from stackcheck.model.verdict import Verdict

NOTHING = "NOTHING"
"""Stands where an outcome would, when not one check was made."""
ACCEPTED = "ACCEPTED"
"""Stands before a finding that the stack accepts with a written reason."""


def label(report: Report) -> str:
    """Return the word that leads the report: an outcome, or NOTHING."""
    return NOTHING if report.result is None else report.result.name


def headline(report: Report) -> str:
    """Say the outcome in one sentence, without the stack's name, and how far that was.

    What was not checked, and the levels that were not reached, are always part of it, each reason once.
    """
    if report.result is None:
        return _nothing(report)
    counts, far = report.counts, far_as(report)
    said = [
        f"{counts[Outcome.FAIL]} of {len(report.made)} checks failed",
        f"{counts[Outcome.ERROR]} ended in an error",
        plural(counts[Outcome.WARN], "warning"),
    ]
    found = [
        text
        for text, outcome in zip(said, (Outcome.FAIL, Outcome.ERROR, Outcome.WARN), strict=True)
        if counts[outcome]
    ]
    return "; ".join([", ".join([*found, far]), *_left(report)])


def _left(report: Report) -> Iterator[str]:
    """Yield the levels that were not checked as a whole, what else was not, and those that were not reached.

    That a level was not reached for the reason that one of its own checks gives is said once.
    """
    groups, levels = unchecked(report.made), unreached(report)
    reasons = {one_line(each.reason, 160): each.times for each in groups}
    as_a_whole = next((each for each in levels if each.reason in reasons), None)
    count = sum(reasons.values())
    if as_a_whole is not None:
        among = " among them" if count > reasons[as_a_whole.reason] else ""
        yield f"{count} not checked ({as_a_whole.words}{among}): {as_a_whole.short}"
    elif count:
        yield f"{count} not checked{f': {next(iter(reasons))}' if len(reasons) == 1 else ''}"
    yield from (f"{each.words} not reached: {each.reason}" for each in levels if each.reason not in reasons)


def _nothing(report: Report) -> str:
    reasons = unchecked(report.verdicts)
    return f"nothing was checked: {reasons[0].reason}" if reasons else "nothing was checked"


def far_as(report: Report) -> str:
    """Say how far the run came: what that means only where nothing stands against it."""
    level = report.reach.level
    if level is None:
        return "no check gave an answer"
    good = report.result in (Outcome.PASS, Outcome.WARN)
    return f"up to {level.word} ({level.meaning})" if good else f"checked up to {level.word}"


def level(report: Report) -> str:
    """Return the level that was reached, in a word; "" for none."""
    return "" if report.reach.level is None else report.reach.level.word


class Unreached(NamedTuple):
    """Levels that were not reached for one reason, the codes of what is left there, and what reaches it."""

    levels: tuple[Level, ...]
    reason: str
    codes: tuple[str, ...]
    do: str

    @property
    def words(self) -> str:
        """Return the levels as reports spell them: `bytes, run and gpu`."""
        *first, last = (each.word for each in self.levels)
        return f"{', '.join(first)} and {last}" if first else last

    @property
    def short(self) -> str:
        """Return the reason without what the name of the level says already."""
        return self.reason.removeprefix("the pins were not resolved: ")


def unreached(report: Report) -> list[Unreached]:
    """Return the levels above the one that was reached, by reason; not those at which nothing applies."""
    groups: dict[str, list[Level]] = {}
    for each, reason in report.reach.unreached.items():
        if reason != NO_CHECK:
            groups.setdefault(one_line(reason, 160), []).append(each)
    return [_unreached(report, tuple(levels), reason) for reason, levels in groups.items()]


def _unreached(report: Report, levels: tuple[Level, ...], reason: str) -> Unreached:
    skips, skip = report.reach.skips, Outcome.SKIP
    skipped = [v for v in report.verdicts if v.outcome is skip and v.level in levels and skips(v)]
    if not skipped:
        return Unreached(levels, reason, (), _way_to(levels[0], report))
    hints = Counter(one_line(v.hint) for v in skipped if v.hint and v.level is levels[0])
    hint = max(hints, key=lambda each: (hints[each], each)) if hints else ""
    return Unreached(levels, reason, _codes(skipped), hint or _way_to(levels[0], report))


def _way_to(level: Level, report: Report) -> str:
    """Return the command that reaches a level."""
    if not report.stack:
        return "run the same command where there is a GPU" if level is Level.GPU else ""
    if report.read_from and level <= Level.BYTES:
        return "stackcheck check --bytes or stackcheck verify, with the same files and options"
    whose = ", with the same files and options" if report.read_from else f" {one_line(_named(report), 300)}"
    if level <= Level.BYTES:
        return f"stackcheck check --bytes{whose}, or stackcheck verify{whose}"
    where = " where there is a GPU" if level is Level.GPU else ""
    return f"stackcheck verify{whose}{where}"


def overall(outcomes: Sequence[str]) -> str:
    """Say what came of all stacks together, the worst first: `7 stacks: 1 failed, 6 passed`."""
    words = {
        "FAIL": "failed",
        "ERROR": "ended in an error",
        NOTHING: "not checked at all",
        "WARN": "passed with warnings",
        "PASS": "passed",
    }
    counts = Counter(outcomes)
    told = [f"{counts[outcome]} {word}" for outcome, word in words.items() if counts[outcome]]
    return f"{plural(len(outcomes), 'stack')}: {', '.join(told)}" if len(outcomes) > 1 else ""


def tally(report: Report) -> str:
    """Return the counts in one line; what was accepted, and what was not checked, among them."""
    words = {
        Outcome.FAIL: "failed",
        Outcome.ERROR: "ended in an error",
        Outcome.WARN: "warned",
        Outcome.SKIP: "not checked",
        Outcome.PASS: "passed",
    }
    counts = report.counts
    parts = [f"{counts[outcome]} {word}" for outcome, word in words.items() if counts[outcome]]
    parts += [f"{len(report.waived)} accepted"] if report.waived else []
    return f"{plural(len(report.made), 'check')}{': ' if parts else ''}{', '.join(parts)}"


def suggestion(report: Report) -> str:
    """Return the command that looks for the nearest good definition, when the definition itself fails."""
    of_definition = any(v.outcome is Outcome.FAIL and v.level < Level.BYTES for v in report.counted)
    if not (of_definition and report.stack and report.file):
        return ""
    if report.read_from:  # what was named on the command line is not known here
        return "the smallest change to these files: stackcheck suggest, with the same files and options"
    return f"the smallest change that makes it good: stackcheck suggest {one_line(_named(report), 300)}"


def _named(report: Report) -> str:
    """Return what a command finds the stack by, as a shell takes it: its id in ./matrices, else its file."""
    here = report.file.rpartition("/")[0] == "matrices"  # where ids are looked up; files below are relative
    return quote(report.stack if here else report.file)


def expectation(report: Report) -> str:
    """Say how the result stands to `expect = "fail"`; empty for a stack that is expected to pass."""
    if report.expect == "pass":
        return ""
    expected = frozenset(map(one_line, report.expect_codes))
    unchecked = frozenset(each for each in expected if code_of(each) in report.unchecked_codes)
    surplus = sorted({one_line(each.code) for each in report.unexpected})
    few = [note for text in report.expect_codes if (note := uncovered_note(text, report.unexpected))]
    missing = sorted(one_line(each) for each in report.unmet if code_of(each) not in surplus)
    if report.as_expected:
        rest = f"; not checked: {', '.join(sorted(unchecked))}" if unchecked else ""
        named = ", ".join(sorted(expected - unchecked)) or "nothing"
        return f"expected to fail, and failed exactly as expected: {named}{rest}"
    parts = [f"did not fail: {', '.join(missing)}"] if missing else []
    parts += [f"failed beside them: {', '.join(surplus)}"] if surplus else []
    parts += map(one_line, few)
    return f"expected to fail with {', '.join(sorted(expected)) or 'nothing'}, but {'; '.join(parts)}"


def subject(report: Report) -> str:
    """Say what was looked at: `image NAME (docker, sha256:..., 6.1 GB)`."""
    seen = report.subject
    if not (seen.kind or seen.name):
        return "nothing was built or run"
    digest = one_line(seen.digest, 80) if seen.digest != seen.name else ""
    notes = [
        seen.engine if seen.engine != seen.kind else "",
        digest[:19] if digest.startswith("sha256:") else digest,
        size(seen.size_bytes) if seen.size_bytes is not None else "",
    ]
    noted = ", ".join(one_line(note, 100) for note in notes if note)
    text = f"{one_line(seen.kind, 40)} {one_line(seen.name, 200)}".strip()
    return f"{text} ({noted})" if noted else text


def when(report: Report) -> str:
    """Say when it was checked, and how long that took."""
    started = one_line(report.started, 40)
    return f"{started or 'at an unknown time'}, in {duration(report.seconds)}"


def reused(report: Report) -> str:
    """Say when the target was probed, where that was not done in this run; "" where it was."""
    kept = (report.observation or {}).get("reused")
    seen = kept.get("seen") if isinstance(kept, dict) else None
    return f"not probed again (--cached): probed at {one_line(seen, 40)}" if seen else ""


class Unchecked(NamedTuple):
    """What was not checked for one reason: codes as `TORCH401` or `GPU301 x3`, and what to do about it."""

    reason: str
    codes: tuple[str, ...]
    do: str = ""
    times: int = 1


def unchecked(verdicts: Iterable[Verdict]) -> list[Unchecked]:
    """Group the SKIPs by reason (without its full stop), the most frequent first.

    Those with one remedy stand together.
    """
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.SKIP and verdict.counts:
            groups.setdefault(one_line(verdict.message).rstrip("."), []).append(verdict)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    found = [_unchecked(reason, group) for reason, group in ordered]
    remedies = [each.do or each.reason for each in found]
    return sorted(found, key=lambda each: remedies.index(each.do or each.reason))


def _unchecked(reason: str, group: list[Verdict]) -> Unchecked:
    hints = {one_line(verdict.hint) for verdict in group}
    return Unchecked(reason, _codes(group), hints.pop() if len(hints) == 1 else "", len(group))


def _codes(group: Iterable[Verdict]) -> tuple[str, ...]:
    codes = Counter(one_line(verdict.code, 40) for verdict in group)
    return tuple(code if count == 1 else f"{code} x{count}" for code, count in sorted(codes.items()))


def numbered(verdicts: Iterable[Verdict]) -> list[tuple[str, Verdict]]:
    """Give each verdict a name that is unique in its report: `GPU301`, then `GPU301 (2)`."""
    seen: dict[str, int] = {}
    names = []
    for verdict in verdicts:
        seen[verdict.code] = count = seen.get(verdict.code, 0) + 1
        names.append((verdict.code if count == 1 else f"{verdict.code} ({count})", verdict))
    return names


def size(count: int) -> str:
    """Return bytes as people say them: 6.1 GB (10^9)."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """Return a duration as people say it: 0.4 s, 12 s, 3 min 5 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun; `binary` becomes `binaries`."""
    if count != 1 and noun.endswith("y"):
        noun = f"{noun[:-1]}ie"
    return f"{count} {noun}{'' if count == 1 else 's'}"
