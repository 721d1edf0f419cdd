"""The set of public projects' files: its form, that each statement stands where it says, and how values compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.project import Taken
from stackcheck.intake.stack import parse_stack
from stackcheck.intake.stated import Place
from tests.cases.projects import HERE, _same, _state, digest, read, statement

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = read(HERE)


@pytest.mark.parametrize("row", PROJECTS, ids=lambda row: row["name"])
def test_each_statement_stands_on_a_line_of_the_project(row: dict[str, Any]) -> None:
    home = HERE / "projects" / row["name"]
    places = [(each.file, each.line) for each in map(statement, row["understood"])]
    if row["verdict"] != "PASS":
        assert row["about"]
        file, _, line = row["at"].rpartition(":")
        places.append((file, int(line)))
    for file, line in places:
        lines = (home / file).read_text(encoding="utf-8").splitlines()
        assert 1 <= line <= len(lines), f"{file}:{line}"
        assert lines[line - 1].strip(), f"{file}:{line}"


def test_the_set_has_many_kinds_and_a_source_for_each() -> None:
    assert len({row["kind"] for row in PROJECTS}) >= 10
    assert {row["name"] for row in PROJECTS} == {path.name for path in (HERE / "projects").iterdir()}
    assert all(row["evidence"] and row["why"] and len(row["commit"]) == 40 for row in PROJECTS)


@pytest.mark.parametrize(
    ("key", "asked", "found", "same"),
    [
        ("packages.torch", ">=2.0.0,<3", "<3.0.0,>=2.0", True),
        ("packages.torch", "2.4", "2.4.0", True),
        ("packages.torch", "2.4.0", "2.4.1", False),
        ("packages.torch", "latest", ">=2.4", False),
        ("python", "3.10", "==3.10.*", False),
        ("python", "3.9", "3.9.18", True),
        ("arch_list", "7.0;8.6+PTX", "8.6+PTX 7.0", True),
        ("image", "nvidia/cuda:12.4.1", "nvidia/cuda:12.4.0", False),
        ("index.extra", "https://example.org/whl/", "https://example.org/whl", True),
    ],
)
def test_values_compare_by_meaning(key: str, asked: str, found: str, same: bool) -> None:
    assert _same(key, asked, found) is same


def test_a_statement_is_understood_missed_or_wrong() -> None:
    row = {"packages": {"torch": {"version": "2.5.0"}}}
    stack, _ = parse_stack({"id": "x", **row}, file="f")
    assert stack is not None
    taken = Taken(stack, ("f",), row, {"packages.torch": Place("f", 3)})
    assert _state(statement("packages.torch = 2.5.0 @ f:3"), taken) == "at line"
    assert _state(statement("packages.torch = 2.5.0 @ f:9"), taken) == "read"
    assert _state(statement("packages.torch = 2.5.1 @ f:3"), taken) == "wrong: 2.5.0"
    assert _state(statement("packages.numpy = 2.0 @ f:3"), taken) == "missed"


def test_the_digest_follows_content_and_not_time(tmp_path: Path) -> None:
    (tmp_path / "projects" / "a").mkdir(parents=True)
    (tmp_path / "projects.toml").write_text("x", encoding="utf-8")
    file = tmp_path / "projects" / "a" / "f"
    file.write_text("1", encoding="utf-8")
    first = digest(tmp_path)
    file.touch()
    assert digest(tmp_path) == first
    file.write_text("2", encoding="utf-8")
    assert digest(tmp_path) != first
