"""Which files of a folder belong together, and the stacks that they state."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackcheck.intake.project import take
from stackcheck.intake.recognise import kind_of
from stackcheck.model.errors import UsageError


def project(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def taken(folder: Path, **given: Any) -> dict[str, dict[str, str]]:
    """Return the versions of each stack that a folder states."""
    return {
        each.stack.id: {name: package.version for name, package in each.stack.packages.items()}
        for each in take([folder], given)
    }


DOCKER = "FROM debian\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"


def test_a_dockerfile_and_the_requirements_that_it_takes_are_one_stack(tmp_path: Path) -> None:
    folder = project(tmp_path / "My App", {"Dockerfile": DOCKER, "requirements.txt": "torch==2.5.0\n"})
    assert taken(folder) == {"my-app": {"torch": "2.5.0"}}


def test_an_image_without_torch_gets_the_projects_own_files(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "FROM debian\nCOPY . .\nRUN pip install .\n",
        "pyproject.toml": '[project]\ndependencies = ["torch==2.5.0"]\n',
    }
    assert taken(project(tmp_path / "a", files)) == {"a": {"torch": "2.5.0"}}


def test_several_dockerfiles_are_several_stacks(tmp_path: Path) -> None:
    files = {f"docker/Dockerfile.{n}": f"FROM debian\nRUN pip install torch==2.{n}.0\n" for n in (5, 6)}
    assert taken(project(tmp_path / "a", files)) == {
        "a-dockerfile.5": {"torch": "2.5.0"},
        "a-dockerfile.6": {"torch": "2.6.0"},
    }


def test_a_lock_decides_which_versions_a_project_has(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[project]\nrequires-python = "==3.11.*"\ndependencies = ["torch>=2.4"]\n',
        "uv.lock": '[[package]]\nname = "torch"\nversion = "2.5.0"\n[[package]]\nname = "numpy"\nversion = "2.0"\n',
    }
    assert taken(project(tmp_path / "a", files)) == {"a": {"torch": "2.5.0", "numpy": "2.0"}}


def test_each_set_of_optional_packages_with_torch_is_a_stack(tmp_path: Path) -> None:
    text = '[project]\ndependencies = ["numpy"]\n[project.optional-dependencies]\n'
    text += 'cu124 = ["torch==2.5.0+cu124"]\ncpu = ["torch==2.5.0+cpu"]\ndocs = ["sphinx"]\n'
    assert taken(project(tmp_path / "a", {"pyproject.toml": text})) == {
        "a-extra-cu124": {"numpy": "latest", "torch": "2.5.0+cu124"},
        "a-extra-cpu": {"numpy": "latest", "torch": "2.5.0+cpu"},
    }


def test_requirement_files_of_other_purposes_are_left_out_where_one_states_torch(tmp_path: Path) -> None:
    files = {"requirements.txt": "torch==2.5.0\n", "requirements-docs.txt": "sphinx\n"}
    assert taken(project(tmp_path / "a", files)) == {"a": {"torch": "2.5.0"}}


def test_the_call_says_what_the_files_leave_open(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "a",
        {"requirements.txt": "torch==2.5.0\n", "pyproject.toml": '[project]\nrequires-python = ">=3.10"\n'},
    )
    (open_,) = take([folder])
    (settled,) = take([folder], {"python": "3.11", "gpus": ["L4"], "driver": "550.54.15", "platform": None})
    (said,) = open_.stack.unsettled
    assert said.endswith("pyproject.toml:2: Python >=3.10 is a range: say which one with --python.")
    assert settled.stack.unread == ()
    assert (settled.stack.python, settled.stack.driver, settled.stack.gpus[0].name) == (
        "3.11",
        "550.54.15",
        "L4",
    )


def test_files_that_are_named_are_one_stack_and_keep_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(
        tmp_path / "a", {"r.txt": "torch==2.5.0\n", "more/env.yml": "dependencies:\n  - python=3.11\n"}
    )
    monkeypatch.chdir(folder)
    (each,) = take([Path("r.txt"), Path("more/env.yml")])
    assert each.files == ("r.txt", "more/env.yml")
    assert each.stack.places == {"packages.torch": "r.txt:1", "python": "more/env.yml:2"}


def test_a_folder_with_nothing_to_read_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is nothing here that says what is installed.*Name the file"):
        take([tmp_path])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("notes.md", "# Hello\nthis is prose\n", "what this file is cannot be told"),
        ("uv.lock", "package = [", "this is not TOML"),
        (
            "pyproject.toml",
            "a" * 10 + "=" + "[" * 5000,
            "pyproject.toml:1: it is nested deeper than 100 levels",
        ),
        ("environment.yml", "dependencies: [", "this is not YAML"),
        ("environment.yml", "name: x\n", "it has no list of dependencies"),
        ("environment.yml", "a: &a [*a, *a]\ndependencies: 1\n", "environment.yml"),
        ("Pipfile.lock", "[" * 100000, "Pipfile.lock:1: it is nested deeper than 100 levels"),
        ("Pipfile.lock", "[]", "it holds no object"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        take([project(tmp_path, {name: text}) / name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Dockerfile", "dockerfile"), ("gpu.Dockerfile", "dockerfile"), ("Containerfile.cuda", "dockerfile"),
        ("requirements-gpu.txt", "requirements"), ("dev-requirements.in", "requirements"), ("uv.lock", "lock"),
        ("pylock.gpu.toml", "lock"), ("environment_cu118.yaml", "conda"), ("cuda124.toml", "definition"), ("main.py", ""),
    ],
)  # fmt: skip
def test_the_kind_of_a_file_is_told_by_its_name(name: str, kind: str) -> None:
    assert kind_of(Path(name)) == kind
