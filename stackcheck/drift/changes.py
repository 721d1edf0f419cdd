"""`diff`: what has moved between two snapshots, classified. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.drift import change_classes
from stackcheck.drift.facts import Key, Seen

if TYPE_CHECKING:
    from stackcheck.drift.facts import Gap, Snapshot

BREAKS = frozenset({"breaks-next-build", "breaks-running"})


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that moved; `before` or `after` is None for what was not there.

    `rank` is its class: breaks-next-build, breaks-running, changes-behaviour or benign.
    """

    area: str
    where: str
    aspect: str
    what: str
    before: str | None
    after: str | None
    rank: str
    why: str
    do: str
    note: str = ""

    @property
    def breaks(self) -> bool:
        """Tell whether this change makes `stackcheck drift` fail."""
        return self.rank in BREAKS


def diff(baseline: Snapshot, fresh: Snapshot) -> tuple[Change, ...]:
    """Return what moved, the worst first; what either side did not look at is left out.

    Laws: `diff(a, a) == ()`; the order in which facts were gathered does not matter.
    """
    known = change_classes.load()
    moved: dict[Key, Change] = {}
    for key in baseline.facts.keys() | fresh.facts.keys():
        before, after = baseline.facts.get(key), fresh.facts.get(key)
        same = before and after and before.value == after.value
        if not same and baseline.knows(key) and fresh.knows(key):
            moved[key] = _change(key, before, after, known)
    told = (change for key, change in moved.items() if not _goes_without_saying(key, moved, known))
    return tuple(sorted(told, key=_order))


def unchecked(baseline: Snapshot, fresh: Snapshot) -> tuple[Gap, ...]:
    """Return what was not compared, and why: the gaps of today, then those of the baseline."""
    return (*sorted(fresh.gaps), *sorted(baseline.gaps - fresh.gaps))


def _change(key: Key, before: Seen | None, after: Seen | None, known: change_classes.Kinds) -> Change:
    values = before.value if before else None, after.value if after else None
    kind = known.of(key.area, key.aspect, *values)
    note = (after or before or Seen("")).note
    return Change(key.area, key.subject, key.aspect, kind.title, *values, kind.rank, kind.why, kind.do, note)


def _goes_without_saying(key: Key, moved: dict[Key, Change], known: change_classes.Kinds) -> bool:
    presence = known.presence(key.area)
    return key.aspect != presence and Key(key.area, key.subject, presence) in moved


def _order(change: Change) -> tuple[int, str, str, str]:
    return change_classes.CLASSES.index(change.rank), change.area, change.where, change.aspect
