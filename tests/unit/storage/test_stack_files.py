"""Where locks and reports of a stack are kept."""

from pathlib import Path

import pytest

from stackcheck.intake import catalog
from stackcheck.intake.stack import Stack
from stackcheck.storage import stack_files
from stackcheck.storage.stack_files import beside, lock_path, project_folder, report_path


def of(file: str, name: str = "a") -> Stack:
    return Stack(id=name, file=file)


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("matrices/own.toml", "."),
        ("/p/matrices/own.toml", "/p"),
        ("own.toml", "."),
        ("requirements.txt", "."),
        ("/p/service/Dockerfile", "/p/service"),
        ("docker/Dockerfile.gpu", "docker"),
        ("", "."),
    ],
)
def test_what_belongs_to_a_stack_lies_beside_matrices_else_beside_its_file(file: str, folder: str) -> None:
    assert beside(of(file)) == Path(folder)


def test_a_lock_and_a_report_are_named_by_the_id() -> None:
    assert lock_path(of("matrices/x.toml", "v1.5")) == Path("locks/pylock.v1-5.toml")
    assert lock_path(of("matrices/x.toml"), Path("/other")) == Path("/other/pylock.a.toml")
    assert report_path(of("/p/service/Dockerfile")) == Path("/p/service/reports/a.json")


def test_nothing_is_kept_beside_the_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "project" / ".venv" / "stackcheck"
    monkeypatch.setattr(stack_files, "SHIPPED", (package / "matrices", package.parent / "matrices"))
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    for shipped in (package / "matrices" / "x.toml", package.parent / "matrices" / "x.toml"):
        monkeypatch.chdir(tmp_path / "project" / "src")
        assert beside(of(str(shipped))) == tmp_path / "project"
        monkeypatch.chdir(tmp_path / "project")
        assert beside(of(str(shipped))) == Path()
    assert beside(of(".venv/stackcheck/matrices/x.toml")) == Path()  # as files below are shown


def test_a_project_is_the_nearest_folder_upwards_that_says_so(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "stackcheck.toml").touch()
    assert project_folder(inner) == tmp_path / "a"
    (inner / ".git").mkdir()
    assert project_folder(inner) == inner


def test_a_folder_matrices_of_another_kind_does_not_hide_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "bcsstk01.toml").write_text("rows = 48\n", encoding="utf-8")
    assert catalog.folders() != [Path("matrices")]
    (tmp_path / "matrices" / "own.toml").write_text('[[stack]]\nid = "a"\n', encoding="utf-8")
    assert catalog.folders() == [Path("matrices")]
