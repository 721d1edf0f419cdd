"""The answers in words: a line a GPU for readers, a finding a library for machines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stackcheck.inspect.answer import NO_CODE, NOT_SERVED, NOT_TOLD, WEAK, gated
from stackcheck.inspect.loading_groups import loading_line
from stackcheck.inspect.serving import by_package
from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Finding
from stackcheck.report.wording import plural
from stackcheck_probes.binaries.capability import NO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.inspect.answer import Answer
    from stackcheck.inspect.judgement import Judged
    from stackcheck.inspect.serving import Cell, Row
    from stackcheck.knowledge.gpus import Gpu

_MOST_NAMES, _MOST_FILES = 8, 2


def column(gpu: Gpu) -> str:
    """Return a GPU with what code has to be made for: `L4 (8.9)`."""
    what = gpu.gfx or str(gpu.capability)
    return what if what == gpu.name else f"{gpu.name} ({what})"


def answer_lines(judged: Judged) -> Iterator[str]:
    """Yield one line a GPU, and one on loading where that was judged."""
    for answer in judged.answers if judged.rows or judged.asked else ():
        yield f"{column(answer.gpu)}: {_said(judged, answer)}."
    if judged.contents.loading:
        yield loading_line(gated(judged.contents, judged.gate))


def _said(judged: Judged, answer: Answer) -> str:
    """Say whether a GPU is served: by whom not, how, and what is not known."""
    if answer.word == NO_CODE:
        return "there is no GPU code in it to serve it with"
    if answer.word == NOT_SERVED and not answer.missed:
        return f"served by nothing; {answer.reason}"
    if answer.word == NOT_TOLD and answer.reason:
        return f"not told: {answer.reason}"
    parts = []
    if answer.missed:
        parts.append(f"NOT served: {answer.reason or names(judged.rows, _rows(answer.missed))}")
    if answer.weak:
        lead = "" if answer.missed else "served, but "
        parts.append(f"{lead}less than {judged.gate.at_least}: {names(judged.rows, _rows(answer.weak))}")
    late = "SPIR-V" if answer.gpu.gfx else "PTX"
    by_ptx = f"{plural(answer.by_ptx, 'library')} by {late}" if answer.by_ptx else ""
    driver = f" (driver >= {answer.needs_driver})" if answer.needs_driver else ""
    if answer.word not in (NOT_SERVED, WEAK, NOT_TOLD):
        parts.append(f"served, {by_ptx}{driver}" if by_ptx else "served")
    elif by_ptx:
        parts.append(f"{by_ptx}{driver}")
    if answer.untold:
        parts.append(f"not told: {names(judged.rows, answer.untold)}")
    return "; ".join(parts)


def _rows(pairs: Iterable[tuple[Row, Cell]]) -> list[Row]:
    return [row for row, _ in pairs]


def names(every: Sequence[Row], rows: Iterable[Row]) -> str:
    """Name libraries by package: the files where they are only some of the package's."""
    whole = Counter(row.package for row in every)
    told = [
        package.name
        if len(found) == whole[package]
        else f"{package.name} ({some([row.name for row in found], _MOST_FILES)})"
        for package, found in by_package(rows).items()
    ]
    return some(told, _MOST_NAMES)


def misses(judged: Judged) -> Iterator[Finding]:
    """Yield what does not serve a GPU, for machines; a reader has the lines."""
    for answer in judged.answers:
        name = column(answer.gpu)
        if answer.fails and not answer.missed and not answer.weak:
            title = f"nothing serves {name}"
            yield Finding(
                Outcome.FAIL, "", title, f"{answer.reason}.", name=name, label="no code", shown=False
            )
        elif answer.word == NOT_TOLD:
            text = answer.reason or f"not known of {names(judged.rows, answer.untold)}"
            yield Finding(Outcome.SKIP, "", f"{name} is not told", f"{text}.", name=name, shown=False)
    bad: dict[Row, list[tuple[str, Cell]]] = {}
    for answer in judged.answers:
        for row, cell in (*answer.missed, *answer.weak):
            bad.setdefault(row, []).append((column(answer.gpu), cell))
    for row, cells in bad.items():
        none = all(cell.how == NO for _, cell in cells)
        title = f"{'no code' if none else 'not served as asked'}: {', '.join(gpu for gpu, _ in cells)}"
        text = "; ".join(dict.fromkeys(cell.reason for _, cell in cells))
        yield Finding(Outcome.FAIL, "", title, text, name=row.path, label="no code", shown=False)
