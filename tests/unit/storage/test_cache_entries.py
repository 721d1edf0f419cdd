"""The cache folder: what is in it, what goes for age or size, and what stays while it is made."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from stackcheck.storage.cache_entries import (
    DAY_S,
    KINDS,
    MARKER,
    SWEPT,
    CacheEntry,
    Kind,
    entries,
    remove,
    sweep,
    too_much,
)

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {
    "pages": "pages/ab",
    "metadata": "metadata/ab.json",
    "answers": "resolve/ab/pyproject.toml",
    "wheel-facts": "wheel-facts/3/ab/abcd",
    "imported-names": "imported-names/1/ab/abcd",
    "downloads": "wheels/1/ab",
    "unpacked": f"unpacked/ab/{MARKER}",
    "venvs": f"venvs/ab/{MARKER}",
    "observations": "observations/ab.json",
    "timings": "timings/ab.json",
    "logs": "logs/ab.log",
    "uv": "uv/CACHEDIR.TAG",
}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return a cache with one entry of every kind, each of 10 bytes and used now."""
    for place in PLACES.values():
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.write_text("0123456789")
    return tmp_path


def nobody(_name: str) -> bool:
    return False


def aged(path: Path, days: float) -> None:
    then = time.time() - days * DAY_S
    os.utime(path, (then, then))


def names(found: list[CacheEntry]) -> list[str]:
    return [each.kind.name for each in found]


def test_every_kind_is_found_with_its_size(cache: Path) -> None:
    assert {each.kind.name: each.size_bytes for each in entries(cache)} == dict.fromkeys(PLACES, 10)
    assert PLACES.keys() == {kind.name for kind in KINDS}


def test_half_written_files_are_no_entries(cache: Path) -> None:
    (cache / "pages" / ".cd.x.part").write_text("half")
    assert len(list(entries(cache))) == len(PLACES)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "uv"], ids=lambda kind: kind.name)
def test_what_is_older_than_its_kind_is_kept_goes(cache: Path, kind: Kind) -> None:
    marked = kind.name in {"unpacked", "venvs"}
    place = cache / PLACES[kind.name]
    path = place if marked or kind.name != "answers" else place.parent
    aged(path, kind.days - 1)
    assert sweep(cache, nobody) == []
    aged(path, kind.days + 1)
    (cache / SWEPT).unlink()
    assert names(sweep(cache, nobody)) == [kind.name]
    assert sorted(each.kind.name for each in entries(cache)) == sorted(PLACES.keys() - {kind.name})


def test_of_too_much_the_longest_unused_goes(cache: Path) -> None:
    small = Kind("pages", "pages/*", "", 60, 25)
    for number, name in enumerate(("cd", "ef")):
        (cache / "pages" / name).write_text("0123456789")
        aged(cache / "pages" / name, number + 1)
    over = too_much(entries(cache, [small]), time.time())
    assert [each.path.name for each in over] == ["ef"]


def test_a_sweep_is_made_once_a_day(cache: Path) -> None:
    sweep(cache, nobody)
    aged(cache / PLACES["observations"], 9)
    assert sweep(cache, nobody) == []
    aged(cache / SWEPT, 1.1)
    assert names(sweep(cache, nobody)) == ["observations"]


def test_a_cache_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none", nobody) == []
    assert not (tmp_path / "none").exists()


def test_what_somebody_makes_right_now_stays(cache: Path) -> None:
    every = list(entries(cache))
    gone = remove(every, lambda name: name == "venv-ab")
    assert sorted(names(gone)) == sorted(PLACES.keys() - {"venvs"})
    assert (cache / "venvs" / "ab" / MARKER).is_file()


def test_a_link_in_the_cache_goes_and_what_it_leads_to_stays(cache: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (cache / "venvs" / "link").symlink_to(precious)
    remove(list(entries(cache)), nobody)
    assert (precious / "file").read_text() == "x"
    assert not (cache / "venvs" / "link").is_symlink()
