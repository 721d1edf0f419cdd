"""What one target serves otherwise than another: libraries gained, lost and changed, answers, bytes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.inspect.sizes import sizes
from stackcheck_probes.probes.distributions import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.inspect.judgement import Judged
    from stackcheck.inspect.serving import Row

GAINED, LOST, CHANGED, SAME = "gained", "lost", "changed", "same"
_HASH = re.compile(r"[-.][0-9a-f]{8}(?=\.|$)")
"""What auditwheel puts into the names of libraries that a wheel carries."""
_TAG = re.compile(r"\.(cpython-[^.]*|abi3)(?=\.)")
_CUDA = re.compile(r"-(cu|rocm)\d+$")


@dataclass(frozen=True, slots=True)
class Pair:
    """One library before and after; None where it is not there."""

    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """Return the library as it is now, or was last."""
        row = self.after or self.before
        assert row is not None  # noqa: S101 - a pair has one of the two
        return row

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Return for each GPU how the library served it before and after, "" where it is not there."""
        count = len(self.row.cells)
        before = [each.word for each in self.before.cells] if self.before else [""] * count
        after = [each.word for each in self.after.cells] if self.after else [""] * count
        return tuple(zip(before, after, strict=True))

    @property
    def bytes(self) -> tuple[int, int]:
        """Return the bytes of GPU code before and after (`sizes.Size.bytes`)."""
        return _bytes(self.before), _bytes(self.after)

    @property
    def change(self) -> str:
        """Return in a word what became of the library's service; other bytes alone are no change."""
        if self.before is None:
            return GAINED
        if self.after is None:
            return LOST
        return CHANGED if any(old != new for old, new in self.words) else SAME


@dataclass(frozen=True, slots=True)
class Difference:
    """A target against an earlier one. sizes: (code, bytes before, bytes after)."""

    before: Judged
    after: Judged
    pairs: tuple[Pair, ...]
    sizes: tuple[tuple[str, int, int], ...]

    @property
    def answers(self) -> tuple[tuple[str, str], ...]:
        """Return the word of the answer for each GPU, before and after."""
        both = zip(self.before.answers, self.after.answers, strict=True)
        return tuple((old.word, new.word) for old, new in both)


def compare(before: Judged, after: Judged) -> Difference:
    """Compare two targets that were held against the same GPUs."""
    order = (LOST, CHANGED, GAINED, SAME)
    pairs = sorted(
        _pairs(before.rows, after.rows), key=lambda pair: (order.index(pair.change), pair.row.path)
    )
    old, new = (
        {(s.code, s.unpacked): s.bytes for s in sizes(r.code for r in j.rows)} for j in (before, after)
    )
    codes = sorted({*old, *new}, key=lambda key: (-abs(new.get(key, 0) - old.get(key, 0)), key))
    return Difference(
        before,
        after,
        tuple(pairs),
        tuple((code, old.get((code, packed), 0), new.get((code, packed), 0)) for code, packed in codes),
    )


def _bytes(row: Row | None) -> int:
    return sum(each.bytes for each in sizes([row.code])) if row else 0


def _pairs(before: Sequence[Row], after: Sequence[Row]) -> Iterable[Pair]:
    """Match libraries by path, then by package and name without versions; two lone files are one library."""
    old, new = {row.path: row for row in before}, {row.path: row for row in after}
    if len(old) == len(new) == 1:
        return [Pair(before[0], after[0])]
    pairs = [Pair(old.pop(path), new.pop(path)) for path in [*old] if path in new]
    ours, theirs = _by_key(old.values()), _by_key(new.values())
    pairs += [Pair(old.pop(ours[key].path), new.pop(theirs[key].path)) for key in ours if key in theirs]
    return [*pairs, *(Pair(row, None) for row in old.values()), *(Pair(None, row) for row in new.values())]


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """Return rows by what stays the same over versions, without those of which it is not unique."""
    keyed = [((_CUDA.sub("", canonical(row.package.name)), stem(row.name)), row) for row in rows]
    counts = Counter(key for key, _ in keyed)
    return {key: row for key, row in keyed if counts[key] == 1}


def stem(name: str) -> str:
    """Return a library's name without version, hash and Python tag.

    >>> stem("libnvjpeg.02b6d700.so.12"), stem("_C.cpython-311-x86_64-linux-gnu.so")
    ('libnvjpeg', '_C')
    """
    return _HASH.sub("", _TAG.sub("", name.partition(".so")[0] + ".")).rstrip(".")
