"""Laws of drift: nothing differs from itself, order does not matter, accepting ends every difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.drift import Gap, Key, Seen, Snapshot, change_classes, diff
from stackcheck.drift.facts import carried, from_rows, to_rows
from stackcheck.drift.report import compare

if TYPE_CHECKING:
    import random

pytestmark = pytest.mark.property

PAIRS = sorted({(row.area, row.aspect) for row in change_classes.load().rows})
VALUES = st.sampled_from(["1.0", "1.1", "yes", "no", "listed", "not listed", "FAIL", "PASS", "none"])
SUBJECTS = st.sampled_from(["a", "b", "c"])
KEYS = st.tuples(st.sampled_from(PAIRS), SUBJECTS).map(lambda each: Key(each[0][0], each[1], each[0][1]))
GAPS = st.builds(
    Gap,
    area=st.sampled_from([area for area, _ in PAIRS]),
    subject=st.sampled_from(["", "a", "b"]),
    aspect=st.sampled_from(["", *sorted({aspect for _, aspect in PAIRS})]),
    reason=st.sampled_from(["down", "not asked"]),
    fault=st.booleans(),
)
FACTS = st.dictionaries(KEYS, st.builds(Seen, VALUES, st.sampled_from(["", "a note"])), max_size=20)
SNAPSHOTS = st.builds(Snapshot, FACTS, st.frozensets(GAPS, max_size=6))


@given(SNAPSHOTS)
def test_nothing_has_moved_from_a_snapshot_to_itself(a: Snapshot) -> None:
    assert diff(a, a) == ()


@given(SNAPSHOTS, SNAPSHOTS, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(a: Snapshot, b: Snapshot, dice: random.Random) -> None:
    def shuffled(each: Snapshot) -> Snapshot:
        rows = list(each.facts.items())
        dice.shuffle(rows)
        return Snapshot(dict(rows), each.gaps)

    assert diff(shuffled(a), shuffled(b)) == diff(a, b)


@given(SNAPSHOTS, SNAPSHOTS)
def test_what_moved_one_way_moved_back_the_other_way(a: Snapshot, b: Snapshot) -> None:
    there = {(c.area, c.where, c.aspect, c.before, c.after) for c in diff(a, b)}
    back = {(c.area, c.where, c.aspect, c.after, c.before) for c in diff(b, a)}
    assert there == back


@given(SNAPSHOTS, SNAPSHOTS)
def test_every_change_has_a_row_and_was_seen_by_both_sides(a: Snapshot, b: Snapshot) -> None:
    for change in diff(a, b):
        key = Key(change.area, change.where, change.aspect)
        assert change.rank in change_classes.CLASSES
        assert change.what
        assert change.why
        assert change.do
        assert a.knows(key)
        assert b.knows(key)


@given(SNAPSHOTS, SNAPSHOTS)
def test_once_accepted_nothing_of_today_is_a_change(a: Snapshot, b: Snapshot) -> None:
    assert diff(carried(a, b), b) == ()


@given(SNAPSHOTS, SNAPSHOTS)
def test_accepting_forgets_nothing_that_today_did_not_look_at(a: Snapshot, b: Snapshot) -> None:
    kept = carried(a, b)
    for key, seen in a.facts.items():
        if not b.knows(key):
            assert kept.facts[key] == seen
    for key in a.facts.keys() | b.facts.keys():
        assert kept.knows(key) == (a.knows(key) or b.knows(key))


@given(SNAPSHOTS)
def test_a_snapshot_survives_the_file(a: Snapshot) -> None:
    assert from_rows(to_rows(a)) == a


@given(SNAPSHOTS, SNAPSHOTS)
def test_a_report_of_gaps_alone_is_never_good(a: Snapshot, b: Snapshot) -> None:
    report = compare("s", a, b)
    if not report.compared or report.faults:
        assert report.exit_code() in (1, 3)
    if report.unchecked:
        assert report.exit_code(strict=True) != 0
