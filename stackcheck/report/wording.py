"""The sentences that all renderers share: one way to say a result, whatever the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.report.escape import one_line
from stackcheck.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.report.model import Report

NOTHING = "NOTHING"
"""Stands where an outcome would, when not one check was made."""
ACCEPTED = "ACCEPTED"
"""Stands before a finding that the stack accepts with a written reason."""


def label(report: Report) -> str:
    """Return the word that leads the report: an outcome, or NOTHING."""
    return NOTHING if report.result is None else report.result.name


def headline(report: Report) -> str:
    """Say the result in one sentence, without the stack's name.

    What was not checked is always part of it, so that it never reads as good.
    """
    counts, total = report.counts, len(report.counted)
    unmade = counts[Outcome.SKIP] + counts[Outcome.ERROR]
    not_made = f"{unmade} of {total} checks {_were(unmade)} not made"
    warned = f"; {plural(counts[Outcome.WARN], 'warning')}" if counts[Outcome.WARN] else ""
    if report.result is None:
        return "nothing was checked"
    if report.result is Outcome.SKIP and not counts[Outcome.PASS] + counts[Outcome.WARN]:
        return f"nothing could be checked: {not_made}"
    return {
        Outcome.FAIL: f"{counts[Outcome.FAIL]} of {total} checks failed"
        + (f", {unmade} {_were(unmade)} not made" if unmade else ""),
        Outcome.ERROR: f"could not be judged: {counts[Outcome.ERROR]} of {total} checks ended in an error",
        Outcome.SKIP: f"nothing failed, but {not_made}{warned}",
        Outcome.WARN: f"nothing failed in {plural(total, 'check')}{warned}",
        Outcome.PASS: f"all {total} checks passed" if total != 1 else "the only check passed",
    }[report.result]


def tally(report: Report) -> str:
    """Return the counts in one line, the checks that were not made among them."""
    words = {
        Outcome.FAIL: "failed",
        Outcome.ERROR: "ended in an error",
        Outcome.WARN: "warned",
        Outcome.SKIP: "not checked",
        Outcome.PASS: "passed",
    }
    parts = [f"{report.counts[outcome]} {word}" for outcome, word in words.items() if report.counts[outcome]]
    parts += [f"{len(report.waived)} accepted"] if report.waived else []
    return f"{plural(len(report.verdicts), 'check')}: {', '.join(parts) or 'none made'}"


def suggestion(report: Report) -> str:
    """Return the command that looks for the nearest good definition, when the definition itself fails."""
    of_definition = any(code[-3:-2] in ("1", "2") for code in report.failed_codes)
    if not (of_definition and report.stack and report.file):
        return ""
    return f"the smallest change that makes it good: stackcheck suggest {one_line(report.stack, 120)}"


def expectation(report: Report) -> str:
    """Say how the result stands to `expect = "fail"`; empty for a stack that is expected to pass."""
    if report.expect == "pass":
        return ""
    expected, failed = (
        frozenset(map(one_line, codes)) for codes in (report.expect_codes, report.failed_codes)
    )
    missing, surplus = sorted(expected - failed), sorted(failed - expected)
    if not missing and not surplus:
        return f"expected to fail, and failed exactly as expected: {', '.join(sorted(expected)) or 'nothing'}"
    parts = [f"did not fail: {', '.join(missing)}"] if missing else []
    parts += [f"failed beside them: {', '.join(surplus)}"] if surplus else []
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


def unchecked(verdicts: Iterable[Verdict]) -> list[tuple[str, list[str]]]:
    """Group the SKIPs by reason, the most frequent reason first; codes as `TORCH401` or `GPU301 x3`."""
    groups: dict[str, dict[str, int]] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.SKIP and verdict.counts:
            codes = groups.setdefault(one_line(verdict.message), {})
            codes[verdict.code] = codes.get(verdict.code, 0) + 1
    ordered = sorted(groups.items(), key=lambda group: (-sum(group[1].values()), group[0]))
    return [
        (reason, [code if count == 1 else f"{code} x{count}" for code, count in sorted(codes.items())])
        for reason, codes in ordered
    ]


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


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
