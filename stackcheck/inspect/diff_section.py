"""What `inspect --diff` says: answers that changed, then the libraries, then bytes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from stackcheck.inspect.answer_lines import names
from stackcheck.inspect.diff import CHANGED, GAINED, LOST, SAME
from stackcheck.inspect.serving import SERVES
from stackcheck.report.document import Entry, Lines, Listing, Section, Table
from stackcheck.report.wording import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.inspect.diff import Difference, Pair
    from stackcheck.inspect.serving import Row
    from stackcheck.report.document import Part

_MOST_LIBRARIES, _MOST_CODES = 20, 12


def diff_section(found: Difference, *, details: bool) -> Section:
    """Return what the target gained and lost; with `details` what stayed the same as well."""
    counts = Counter(pair.change for pair in found.pairs)
    before = found.before.contents
    return Section(
        f"Compared with {before.kind} {before.name}",
        ", ".join(f"{counts[word]} {word}" for word in (LOST, CHANGED, GAINED, SAME)),
        parts=(
            Lines(tuple(_answers(found))),
            *_libraries(found, details=details),
            *_codes(found, details=details),
        ),
    )


def _answers(found: Difference) -> Iterator[str]:
    """Yield for each GPU of which something changed what that is."""
    lines = []
    for number, (answer, (old, new)) in enumerate(zip(found.after.answers, found.answers, strict=True)):
        moved = [
            f"{word}: {names(every, rows)}"
            for word, every, rows in (
                ("lost", found.after.rows, _moved(found, number, now=False)),
                ("gained", found.after.rows, _moved(found, number, now=True)),
                ("no longer there", found.before.rows, _gone(found, number)),
            )
            if rows
        ]
        if moved or old != new:
            lines.append("; ".join([f"{answer.gpu.name}: {old} before, {new} now", *moved]) + ".")
    yield from lines or ["Nothing changed for a GPU."]


def _moved(found: Difference, number: int, *, now: bool) -> list[Row]:
    """Return the libraries that are there before and after, and serve the GPU only now, or no longer."""
    both = [(pair.before, pair.after) for pair in found.pairs if pair.before and pair.after]
    return [
        new
        for old, new in both
        for served in [(old.cells[number].how in SERVES, new.cells[number].how in SERVES)]
        if served == (not now, now)
    ]


def _gone(found: Difference, number: int) -> list[Row]:
    """Return the libraries that served the GPU and are not there any more."""
    gone = [pair.before for pair in found.pairs if pair.before and not pair.after]
    return [row for row in gone if row.cells[number].how in SERVES]


def _libraries(found: Difference, *, details: bool) -> Iterator[Part]:
    """Yield a list for each kind of change; lines that wrap, because columns of changes are too wide."""
    for word in (LOST, CHANGED, GAINED, *((SAME,) if details else ())):
        told = [_entry(pair, found) for pair in found.pairs if pair.change == word]
        shown = told if details else told[:_MOST_LIBRARIES]
        left = len(told) - len(shown)
        more = [Entry(f"{left} more: --details shows them.")] if left else []
        if told:
            yield Listing(word.capitalize(), (*shown, *more))


def _entry(pair: Pair, found: Difference) -> Entry:
    """Say how one library serves the GPUs, before and after where that differs, and its bytes of GPU code."""
    words = zip(found.after.gpus, pair.words, strict=True)
    served = [
        f"{gpu.name} {_arrow(*both)}" for gpu, both in words if pair.change != CHANGED or both[0] != both[1]
    ]
    old, new = (
        size(count) if row else "" for count, row in zip(pair.bytes, (pair.before, pair.after), strict=True)
    )
    return Entry(f"{pair.row.name} of {pair.row.package}: {', '.join([*served, _arrow(old, new)])}.")


def _arrow(old: str, new: str) -> str:
    return f"{old} > {new}" if old and new and old != new else old or new


def _codes(found: Difference, *, details: bool) -> Iterator[Part]:
    told = [row for row in found.sizes if details or row[1] != row[2]]
    rows = told if details else told[:_MOST_CODES]
    if rows:
        cells = tuple((code, size(old) if old else "-", size(new) if new else "-") for code, old, new in rows)
        yield Table(("code", "before", "now"), cells, right=1)


def diff_data(found: Difference) -> dict[str, Any]:
    """Return the difference for programs."""
    gpus = found.after.gpus
    return {
        "against": {"kind": found.before.contents.kind, "name": found.before.contents.name},
        "gpus": [
            {"name": gpu.name, "before": old, "after": new}
            for gpu, (old, new) in zip(gpus, found.answers, strict=True)
        ],
        "libraries": [
            {
                "path": pair.row.path,
                "path_before": pair.before.path if pair.before else None,
                "package": pair.row.package.name,
                "change": pair.change,
                "serves": {
                    gpu.name: {"before": old, "after": new}
                    for gpu, (old, new) in zip(gpus, pair.words, strict=True)
                },
                "bytes_before": pair.bytes[0],
                "bytes_after": pair.bytes[1],
            }
            for pair in found.pairs
        ],
        "sizes": [{"code": code, "before": old, "after": new} for code, old, new in found.sizes],
    }
