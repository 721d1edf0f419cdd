"""Files that a definition or a project's files name stay in their repository, unless the call allows more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake import catalog
from stackcheck.model.errors import UsageError
from stackcheck.storage.confinement import anywhere, repository_of

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '[[stack]]\nid = "one"\npython = "3.11"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository beside which lies what is nobody's business."""
    root = tmp_path / "repo"
    for folder in (root / ".git", root / "matrices", root / "docker", tmp_path / "private"):
        folder.mkdir(parents=True)
    (root / "docker" / "Dockerfile").write_text("FROM python:3.11\n")
    (tmp_path / "private" / "Dockerfile").write_text("FROM python:3.11\n")
    (tmp_path / "private" / "more.txt").write_text("torch==2.5.0\n")
    monkeypatch.chdir(root)
    return root


OUTSIDE = {
    "a path upwards": ('image = {{ dockerfile = "../../private/Dockerfile" }}', "image.dockerfile"),
    "a whole path": ('image = {{ dockerfile = "{private}/Dockerfile" }}', "image.dockerfile"),
    "a context": (
        'image = {{ dockerfile = "../docker/Dockerfile", context = "{private}" }}',
        "image.context",
    ),
    "a manifest": (
        'image = {{ dockerfile = "../docker/Dockerfile", manifest = "/etc/passwd" }}',
        "image.manifest",
    ),
    "find-links": ('index = {{ find_links = ["{private}"] }}', "index.find_links"),
    "a file URL": ('index = {{ find_links = ["file://{private}"] }}', "index.find_links"),
    "an index": ('index = {{ url = "{private}" }}', "index.url"),
    "a wheel": (
        'packages = {{ six = {{ path = "{private}/six-1.0-py3-none-any.whl" }} }}',
        "packages.six.path",
    ),
    "a link": ('image = {{ dockerfile = "linked/Dockerfile" }}', "image.dockerfile"),
}


@pytest.mark.parametrize(("line", "key"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_leads_out_of_the_repository_is_refused_and_the_call_may_allow_it(
    project: Path, line: str, key: str
) -> None:
    private = project.parent / "private"
    (private / "six-1.0-py3-none-any.whl").write_bytes(b"")
    (project / "matrices" / "linked").symlink_to(private)
    file = project / "matrices" / "one.toml"
    file.write_text(HEAD + line.format(private=private) + "\n")
    with pytest.raises(UsageError) as caught:
        catalog.find([str(file)])
    assert f"::one: {key}: " in str(caught.value)
    assert f"leads out of {project}, to which the file that names it belongs. --allow-outside" in str(
        caught.value
    )
    with anywhere(allowed=True):
        assert [stack.id for stack in catalog.find([str(file)])] == ["one"]


def test_what_lies_in_the_repository_is_taken_from_wherever_it_is_named(project: Path) -> None:
    file = project / "matrices" / "one.toml"
    file.write_text(f'{HEAD}image = {{ dockerfile = "../docker/Dockerfile", context = ".." }}\n')
    assert [stack.id for stack in catalog.find([str(file)])] == ["one"]


def test_files_of_a_project_include_only_their_own(project: Path) -> None:
    (project / "requirements.txt").write_text("-r ../private/more.txt\n")
    with pytest.raises(UsageError, match=r"\.\./private/more\.txt: this leads out of "):
        catalog.find(["requirements.txt"])
    with anywhere(allowed=True):
        assert catalog.find(["requirements.txt"])[0].version("torch") is not None


def test_a_file_that_the_call_itself_names_may_be_a_link_to_anywhere(project: Path) -> None:
    (project / "requirements.txt").symlink_to(project.parent / "private" / "more.txt")
    assert catalog.find(["requirements.txt"])[0].version("torch") is not None


@pytest.mark.parametrize("key", ["dockerfile", "manifest"])
def test_a_pipe_is_refused_before_anybody_waits_for_it(project: Path, key: str) -> None:
    os.mkfifo(project / "matrices" / "pipe")
    file = project / "matrices" / "one.toml"
    file.write_text(f'{HEAD}image = {{ {key} = "pipe" }}\n')
    with pytest.raises(UsageError, match=f"image.{key}: .*this is a pipe, not a file that can be read"):
        catalog.find([str(file)])


def test_find_links_that_have_no_end_are_refused(project: Path) -> None:
    file = project / "matrices" / "one.toml"
    (project / "matrices" / "zero").symlink_to("/dev/zero")
    file.write_text(f'{HEAD}index = {{ find_links = ["zero"] }}\n')
    with (
        anywhere(allowed=True),
        pytest.raises(UsageError, match="this is a device, not a file that can be read"),
    ):
        catalog.find([str(file)])


def test_a_home_is_nobody_s_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "downloads" / "matrices"
    folder.mkdir(parents=True)
    assert repository_of(folder / "one.toml") == tmp_path / "downloads"
    assert repository_of(tmp_path / "one.toml") == tmp_path
