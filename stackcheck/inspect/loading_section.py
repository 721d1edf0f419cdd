"""Whether the libraries will load, as `inspect` says it: by package, and what passed in one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.inspect.loading_groups import BAD, grouped
from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Entry, Listing, Section
from stackcheck.report.sections import finding
from stackcheck.report.wording import plural, unchecked

if TYPE_CHECKING:
    from stackcheck.inspect.inspection import Contents
    from stackcheck.inspect.loading_groups import Group
    from stackcheck.report.document import Finding

_SHOWN = 3


def loading_section(contents: Contents, *, details: bool) -> Section:
    """Return what the loader's rules say; with `details` each verdict for itself, those that passed too."""
    counts = Counter(verdict.outcome for verdict in contents.loading)
    if details:
        parts = tuple(finding(verdict)._replace(shown=True) for verdict in contents.loading)
        return Section("Will they load?", parts=parts)
    quiet = [finding(v)._replace(shown=False) for v in contents.loading if v.outcome not in BAD]
    passed = sorted({verdict.code for verdict in contents.loading if verdict.outcome is Outcome.PASS})
    skipped = tuple(Entry(each.reason, each.codes, each.do) for each in unchecked(contents.loading))
    return Section(
        "Will they load?",
        parts=(
            *(_merged(group) for group in grouped(contents)),
            *quiet,
            *([Listing("Not checked", skipped, codes=True)] if skipped else []),
        ),
        tail=(f"{plural(counts[Outcome.PASS], 'check')} passed: {' '.join(passed)}",) if passed else (),
    )


def _merged(group: Group) -> Finding:
    """Return one finding for the verdicts of a group: how many, of which files, and the first of them."""
    first = group.verdicts[0]
    if len(group.verdicts) == 1:
        return finding(first)
    wanted = list(dict.fromkeys(verdict.expected for verdict in group.verdicts if verdict.expected))
    what = some(wanted, _SHOWN) if len(wanted) > 1 else first.message.rstrip(".")
    count, files = len(group.verdicts), plural(len(group.libraries), "library")
    needs = f"{plural(count, 'need')} of {files} not served" if len(wanted) > 1 else f"{count} times, {files}"
    return finding(
        replace(
            first,
            message=f"{group.package or 'others'}: {needs}: {what}.",
            expected="",
            found="",
            evidence=tuple(each for verdict in group.verdicts for each in verdict.evidence),
        ),
        name=f"{first.code} {group.package}",
    )
