"""A home that cannot be written, and a disk that is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stackcheck.storage.writable import not_written, settle_cache


def test_a_home_that_can_be_written_changes_nothing(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert settle_cache(environ) == ""
    assert environ == {"HOME": str(tmp_path)}


@pytest.fixture
def no_home(tmp_path: Path) -> str:
    """Return a home below which nobody, root among them, can make a folder."""
    (tmp_path / "home").write_text("a file")
    return str(tmp_path / "home")


def test_without_a_home_the_cache_is_temporary_uv_s_lies_in_it_and_that_is_said_once(no_home: str) -> None:
    environ = {"HOME": no_home}
    warning = settle_cache(environ)
    made = Path(environ["STACKCHECK_CACHE"])
    assert warning == (
        f"{no_home}/.cache/stackcheck cannot be written (Not a directory): what this run keeps lies in {made}, "
        "and goes with it. Name a folder that is yours in STACKCHECK_CACHE."
    )
    assert made.is_dir()
    assert environ["UV_CACHE_DIR"] == str(made / "uv")
    assert settle_cache(environ) == ""


def test_with_a_cache_of_its_own_only_uv_s_moves_below_it(no_home: str, tmp_path: Path) -> None:
    environ = {"HOME": no_home, "STACKCHECK_CACHE": str(tmp_path / "mine")}
    assert settle_cache(environ) == ""
    assert environ["UV_CACHE_DIR"] == str(tmp_path / "mine" / "uv")


def test_a_uv_cache_that_was_stated_stays(no_home: str, tmp_path: Path) -> None:
    environ = {"HOME": no_home, "STACKCHECK_CACHE": str(tmp_path), "UV_CACHE_DIR": "/stated"}
    assert settle_cache(environ) == ""
    assert environ["UV_CACHE_DIR"] == "/stated"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Make room (`stackcheck cache clean`"),
        (errno.EDQUOT, "Make room (`stackcheck cache clean`"),
        (errno.EROFS, "Name a folder that is yours"),
        (errno.EACCES, "Name a folder that is yours"),
    ],
)
def test_the_advice_is_for_the_fault(number: int, advice: str) -> None:
    told = not_written(Path("/cache"), OSError(number, os.strerror(number)))
    assert told.startswith(f"/cache cannot be written ({os.strerror(number)}). {advice}")
