"""Columns of a table as lines of text, in as many columns of a terminal as there are."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = 2
_LEAST = 5
"""Columns that a cell keeps, however narrow the terminal is."""
_PIECES = re.compile(r"[^-/_, ]*[-/_, ]*")
"""Where a cell may be broken: behind a space, and within an id, a path or an address."""


def lines(rows: Sequence[Sequence[str]], right: int, most: int | None) -> Iterator[list[list[str]]]:
    """Yield for each row its lines, and of each line the cells, padded; from column `right` on to the right.

    `most` is how wide a line may be; None: as wide as it is.
    """
    widths = fitted([max(map(len, column)) for column in zip(*rows, strict=True)], rows, most)
    for row in rows:
        broken = [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
        yield [
            [
                cell.ljust(width) if number < right else cell.rjust(width)
                for number, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            for line in zip_longest(*broken, fillvalue="")
        ]


def fitted(widths: list[int], rows: Sequence[Sequence[str]], most: int | None) -> list[int]:
    """Return the widths, the widest made narrower until a line fits: first where no word is broken."""
    if most is None:
        return widths
    room, widths = most - _GAP * (len(widths) - 1), [*widths]
    words = [
        max(len(piece.rstrip()) for cell in column for piece in _pieces(cell))
        for column in zip(*rows, strict=True)
    ]
    for least in (words, [_LEAST] * len(widths)):
        while sum(widths) > room:
            spare = [(width, number) for number, width in enumerate(widths) if width > max(least[number], 1)]
            if not spare:
                break
            widths[max(spare)[1]] -= 1
    return widths


def _pieces(text: str) -> list[str]:
    return [each for each in _PIECES.findall(text) if each] or [""]


def _broken(text: str, width: int) -> list[str]:
    """Break a text at spaces, hyphens and slashes; a longer piece where it has to be."""
    if len(text) <= width:
        return [text]
    found = [""]
    for piece in _pieces(text):
        if found[-1] and len(found[-1]) + len(piece.rstrip()) > width:
            found.append("")
        found[-1] += piece
        while len(found[-1].rstrip()) > width:
            found[-1:] = [found[-1][:width], found[-1][width:]]
    return [each.rstrip() for each in found]
