"""What the probe says of installed packages that import names which are not there, and what the rule says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck_probes.probes.import_names import run
from tests.unit.probes.numpy_fixtures import install
from tests.unit.rules.harness import seen_said

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck_probes.facts.packages import ImportNames

HUB = {"hub/__init__.py": b"from .download import fetch", "hub/download.py": b"fetch = 1"}
USER = {"user/__init__.py": b"from .parts import x", "user/parts.py": b"\nfrom hub import gone\nx = 1"}
SAID = "user 1.0 imports gone from hub (user/parts.py:2), which hub 2.0 does not have: importing user fails."


def look(
    site: Path, user: dict[str, bytes], hub: dict[str, bytes], requires: str = "torch>=2"
) -> ImportNames:
    install(site, "hub", (), hub, version="2.0")
    install(site, "user", (requires, "hub"), user, version="1.0")
    return run({"sys_path": [str(site)]})


@pytest.mark.parametrize("requires", ["torch>=2", "torch ; extra == 'models'"])
def test_a_name_that_is_not_there_is_told_with_its_line(tmp_path: Path, requires: str) -> None:
    found = look(tmp_path, USER, HUB, requires)
    assert found["missing"] == [
        {
            "distribution": "user",
            "version": "1.0",
            "root": "user",
            "of": "hub",
            "of_version": "2.0",
            "what": "hub:gone",
            "at": "user/parts.py:2",
        }
    ]
    facts: dict[str, Any] = {"import_names": found}
    assert ("WARN", SAID) in seen_said("NEEDS301", facts)


def test_what_is_there_passes(tmp_path: Path) -> None:
    found = look(tmp_path, USER, {**HUB, "hub/gone.py": b""})
    assert (found["missing"], found["looked_at"]) == ([], ["user"])
    assert seen_said("NEEDS301", {"import_names": found}) == [
        ("PASS", "The files of user import no name that is seen to be missing beside them.")
    ]


LEFT_OUT = ("SKIP", "what importing user takes from others was not read, or not all of it.")


def test_of_files_that_are_not_there_nothing_is_known(tmp_path: Path) -> None:
    look(tmp_path, USER, HUB)
    (tmp_path / "user" / "parts.py").unlink()
    found = run({"sys_path": [str(tmp_path)]})
    assert (found["missing"], found["looked_at"], found["left_out"]) == ([], [], ["user"])
    assert seen_said("NEEDS301", {"import_names": found}) == [LEFT_OUT]


def test_a_file_that_is_no_python_of_this_python_leaves_its_package_unchecked(tmp_path: Path) -> None:
    """Of two modules at the top the last one alone decided whether everything was read."""
    user = {"first.py": b"def (", "second.py": b"import hub"}
    found = look(tmp_path, user, HUB)
    assert (found["looked_at"], found["left_out"]) == ([], ["user"])


def test_a_package_of_more_modules_than_are_read_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that was cut at the limit passed as if all of it had been read."""
    assert look(tmp_path / "whole", {**USER, "user/parts.py": b"x = 1"}, HUB)["looked_at"] == ["user"]
    for module in ("imports.needs", "probes.import_names"):
        monkeypatch.setattr(f"stackcheck_probes.{module}.MAX_MODULES", 1)
    found = look(tmp_path / "cut", USER, HUB)
    assert (found["missing"], found["looked_at"], found["left_out"]) == ([], [], ["user"])
    assert seen_said("NEEDS301", {"import_names": found}) == [LEFT_OUT]


def test_what_a_module_makes_as_it_runs_is_not_told(tmp_path: Path) -> None:
    found = look(tmp_path, USER, {"hub/__init__.py": b"exec('gone = 1')"})
    assert (found["missing"], found["looked_at"], found["untold"]) == ([], ["user"], ["user"])
    assert look(tmp_path / "there", USER, {"hub/__init__.py": b"gone = 1"})["untold"] == []


def test_a_distribution_without_anything_to_import_is_in_neither_list(tmp_path: Path) -> None:
    found = look(tmp_path, {"share/data.txt": b""}, HUB)
    assert (found["looked_at"], found["left_out"]) == ([], [])


def test_a_package_that_has_nothing_to_do_with_torch_is_not_looked_at(tmp_path: Path) -> None:
    assert look(tmp_path, USER, HUB, "requests")["looked_at"] == []


def test_a_module_that_two_distributions_bring_is_nobodys(tmp_path: Path) -> None:
    install(tmp_path, "other-hub", (), HUB)
    assert look(tmp_path, USER, HUB)["missing"] == []


def test_signatures_count_where_python_evaluates_them(tmp_path: Path) -> None:
    user = {"user/__init__.py": b"import hub\ndef f() -> hub.gone: ..."}
    site = tmp_path / "lib/python3.13/site-packages"
    assert [row["what"] for row in look(site, user, HUB)["missing"]] == ["hub:gone"]
    assert look(tmp_path / "lib/python3.14/site-packages", user, HUB)["missing"] == []
    assert look(tmp_path, user, HUB)["missing"] == []


def test_what_there_was_no_room_for_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcheck_probes.probes.import_names.MAX_READ", -1)
    found = look(tmp_path, USER, HUB)
    assert found["left_out"] == ["user"]
    assert seen_said("NEEDS301", {"import_names": found}) == [LEFT_OUT]
