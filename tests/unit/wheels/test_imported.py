"""What was seen of the names that a set of wheels imports: kept under its identity, or not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.wheels.imported import NOTHING, keep_names, kept_names

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "a" * 64, "b" * 64
SEEN = {**NOTHING, "looked_at": ["app"]}


def test_what_was_kept_comes_back_for_its_own_set_alone(tmp_path: Path) -> None:
    environ = {"STACKCHECK_CACHE": str(tmp_path)}
    assert kept_names(ONE, environ) is None
    assert keep_names(ONE, SEEN, environ)
    assert (kept_names(ONE, environ), kept_names(TWO, environ)) == (SEEN, None)


def test_a_file_that_is_damaged_or_of_another_set_is_not_there(tmp_path: Path) -> None:
    environ = {"STACKCHECK_CACHE": str(tmp_path)}
    keep_names(ONE, SEEN, environ)
    keep_names(TWO, NOTHING, environ)
    one, two = (next(tmp_path.glob(f"*/*/*/{name}")) for name in (ONE, TWO))
    two.write_bytes(one.read_bytes())
    assert kept_names(TWO, environ) is None
    one.write_bytes(one.read_bytes().replace(b"app", b"apq"))
    assert kept_names(ONE, environ) is None
