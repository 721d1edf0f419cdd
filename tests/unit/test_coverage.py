"""Widely used compiled packages: a known wrong pin is found before a build, a known good one is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.coverage import judge, read

ROWS = read()
NAMED = 76
"""How many packages the coverage table names."""
REACHED = 74


@pytest.mark.parametrize("row", ROWS["package"], ids=lambda row: row["dist"])
def test_the_wrong_pin_is_found_and_the_good_one_is_left_alone(row: dict[str, Any]) -> None:
    judged = judge(row)
    assert judged.found, f"no {row['outcome']} of {row['rule']} on the wrong pin\n" + "\n".join(judged.said)
    assert judged.silent, "\n".join(judged.said)


def test_every_package_of_the_table_stands_once_with_pins_or_with_the_reason_why_not() -> None:
    names = [row["dist"] for kind in ("package", "missing") for row in ROWS[kind]]
    assert len(names) == len(set(names)) == NAMED
    assert len(ROWS["package"]) == REACHED
    assert all(row["why"] for row in ROWS["missing"])


def test_every_pin_has_a_source_and_the_two_stacks_differ() -> None:
    for row in ROWS["package"]:
        assert row["source"], row["dist"]
        assert row["wrong"] != row["good"], row["dist"]
