"""Expected failures: compared by code and by what they are about."""

from __future__ import annotations

import pytest

from stackcheck.model.expected import Failure, compared, parse_expected

A, A_TORCH, A_MMCV, B = Failure("A101"), Failure("A101", "torch"), Failure("A101", "mmcv"), Failure("B101")


@pytest.mark.parametrize(
    ("entries", "failed", "missing", "surplus"),
    [
        ((), (), (), ()),
        (("A101",), (A_TORCH,), (), ()),
        (("A101:torch",), (A_TORCH,), (), ()),
        (("A101:mmcv",), (A_TORCH,), ("A101:mmcv",), (A_TORCH,)),
        (("A101",), (A_TORCH, A_MMCV), (), (A_TORCH,)),
        (("A101", "A101"), (A_TORCH, A_MMCV), (), ()),
        (("A101", "A101:mmcv"), (A_TORCH, A_MMCV), (), ()),
        (("A101", "B101"), (A,), ("B101",), ()),
        ((), (B,), (), (B,)),
    ],
)
def test_failures_are_held_against_code_and_subject(
    entries: tuple[str, ...],
    failed: tuple[Failure, ...],
    missing: tuple[str, ...],
    surplus: tuple[Failure, ...],
) -> None:
    seen = compared(entries, failed, frozenset())
    assert (seen.missing, seen.surplus) == (missing, surplus)
    assert seen.exact is (not missing and not surplus)
    assert seen.met == frozenset(failed) - frozenset(surplus)


def test_what_was_not_checked_did_not_fail_to_fail() -> None:
    seen = compared(("A101", "B101:torch"), (A,), frozenset({"B101"}))
    assert (seen.missing, seen.unchecked, seen.exact) == ((), ("B101:torch",), True)


def test_an_entry_is_read_and_written_alike() -> None:
    assert [str(parse_expected(text)) for text in ("A101", " A101 : torch ")] == ["A101", "A101:torch"]
