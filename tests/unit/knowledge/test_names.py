"""Rows of names that packages import: written, read again, and asked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest
from packaging.version import Version

from stackcheck.knowledge import names
from stackcheck.knowledge.folders import Folder
from stackcheck.model.errors import TableError

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 30)
GONE = names.Names(
    target="hub",
    versions="1.0..1.2",
    lacks="0.26.0..0.30.0",
    gone=True,
    newest=True,
    what="hub:cached",
    at="user/a.py:3",
    nearest="0.25.2",
    file="user-1.2.whl",
    source="read",
    checked=DAY,
)


def table(folder: Path, *rows: names.Names) -> names.NamesTable:
    place = folder / "names"
    place.mkdir(parents=True)
    releases = [Version("1.0"), Version("1.2"), Version("2.0")]
    (place / "user.toml").write_text(names.render("user", releases, rows, DAY))
    return names.load((Folder(folder),))


def test_what_is_written_is_read_again_with_its_source(tmp_path: Path) -> None:
    read = table(tmp_path, GONE)
    assert read.packages == {"user"}
    (row,) = read.of("user").rows
    for key in names.KEYS:
        assert getattr(row, key) == getattr(GONE, key)
    assert (
        "user-1.2.whl of https://pypi.org/project/user/ and wheels of https://pypi.org/project/hub/"
        in row.cited
    )
    assert read.of("another") == names.NamesOf()


def test_a_row_is_about_the_releases_between_those_that_were_read(tmp_path: Path) -> None:
    known = table(tmp_path, GONE).of("user")
    assert [len(known.about(Version(each))) for each in ("0.9", "1.0", "1.1+cu124", "1.2", "1.3")] == [
        0,
        1,
        1,
        1,
        0,
    ]
    (row,) = known.rows
    assert [row.reaches(Version(each)) for each in ("0.25.2", "0.26.0", "0.28", "0.31")] == [
        False,
        True,
        True,
        True,
    ]
    assert known.free_of("hub", Version("0.27"), Version("1.0")) == Version("2.0")
    assert known.free_of("hub", Version("0.27"), Version("2.0")) is None


@pytest.mark.parametrize("span", ["1.0", "2.0..1.0"])
def test_a_range_that_is_none_is_a_fault_with_its_line(tmp_path: Path, span: str) -> None:

    read = table(tmp_path, msgspec.structs.replace(GONE, lacks=span))
    with pytest.raises(TableError, match=r"user\.toml:\d+: names: lacks: .* is not a range"):
        read.of("user")


def test_every_shipped_row_can_be_read() -> None:
    read = names.load()
    assert "diffusers" in read.packages
    for name in read.packages:
        known = read.of(name)
        assert known.rows
        assert {row.last for row in known.rows} <= set(map(str, known.releases))
    assert sum(path.stat().st_size for path in names.FOLDER.glob("*.toml")) < 1 << 20
