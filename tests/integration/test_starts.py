"""Starts on hosts that are made up in a folder: the answer, its cause and its advice."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.starts import hosts
from tests.starts.cases import CANNOT, CASES
from tests.starts.starting import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.starts.hosts import Case, Tools


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a folder that every user may enter, as pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="stackcheck-starts-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def tools(folder: Path) -> Tools:
    if shutil.which("gcc") is None:
        pytest.skip("gcc makes the management library, and is not here")
    return hosts.make_tools(folder)


@pytest.mark.parametrize("case", [each for each in CASES if not each.cannot], ids=lambda case: case.id)
def test_a_start_is_judged_as_it_should_be(case: Case, folder: Path, tools: Tools) -> None:
    if case.host.cached and not hosts.can_write_caches():
        pytest.skip("`ldconfig -r` needs root")
    assert hosts.differences(case, start(case, folder / "host", tools)) == []


@pytest.mark.parametrize("case", CANNOT, ids=lambda case: case.id)
def test_what_no_start_can_see_is_still_not_seen(case: Case, folder: Path, tools: Tools) -> None:
    found = hosts.differences(case, start(case, folder / "host", tools))
    assert found, "it is seen now: take it out of what cannot be judged, and out of docs/entrypoint.md"


def test_there_are_enough_starts_and_each_names_its_source() -> None:
    assert len([case for case in CASES if not case.cannot]) >= 120
    assert len({case.id for case in CASES}) == len(CASES)
    assert [case.id for case in CASES if not case.source] == []
