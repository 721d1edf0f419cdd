"""What a project offers as a choice is a stack each: requirement files for other hosts, extras with an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.project import Taken, take

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = """[project]
name = "tuner"
dependencies = ["torch==2.9.1"]
[project.optional-dependencies]
host = ["torch==2.9.1"]
gpu = ["torch==2.9.1"]
same = ["torch==2.9.1", "ninja"]
[tool.uv.sources]
torch = [{ index = "host", extra = "host" }, { index = "gpu", extra = "gpu" }]
[[tool.uv.index]]
name = "host"
url = "https://download.pytorch.org/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "gpu"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
"""


def project(folder: Path, **files: str) -> dict[str, Taken]:
    where = folder / "tuner"
    for name, text in files.items():
        path = where / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {each.stack.id: each for each in take([where])}


def torch(taken: Taken) -> tuple[str, str | None]:
    package = taken.stack.packages["torch"]
    return package.version, package.index


def test_a_source_of_an_extra_holds_for_that_extra_alone(tmp_path: Path) -> None:
    found = project(tmp_path, **{"pyproject.toml": SOURCES})
    assert {name: torch(each)[1] for name, each in found.items()} == {
        "tuner": None,
        "tuner-extra-host": "https://download.pytorch.org/whl/cpu",
        "tuner-extra-gpu": "https://download.pytorch.org/whl/cu128",
    }


def test_requirement_files_with_another_torch_are_stacks_of_their_own(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        **{
            "requirements/cpu.txt": "-r base.txt\n--extra-index-url https://download.pytorch.org/whl/cpu\ntorch==2.8.0",
            "requirements/gpu.txt": "-r base.txt\ntorch==2.8.0\n",
            "requirements/base.txt": "numpy==2.1.0\n",
        },
    )
    assert {name: set(each.stack.packages) for name, each in found.items()} == {
        "tuner-cpu.txt": {"torch", "numpy"},
        "tuner-gpu.txt": {"torch", "numpy"},
    }
    assert not [each for one in found.values() for each in one.stack.contradictions]


def test_a_minimal_set_is_not_laid_over_the_project_s_own(tmp_path: Path) -> None:
    own = '[project]\nname = "tuner"\ndependencies = ["torch>=2.2", "torchaudio>=2.2"]\n'
    found = project(tmp_path, **{"pyproject.toml": own, "requirements-min.txt": "torch==2.2.0\n"})
    assert {name: torch(each)[0] for name, each in found.items()} == {
        "tuner": ">=2.2",
        "tuner-requirements-min.txt": "2.2.0",
    }


@pytest.mark.parametrize(
    "files",
    [
        {"setup.cfg": "[options]\ninstall_requires = torch>=2\n", "requirements.txt": "torch==2.2.0\n"},
        {"requirements.txt": "torch==2.2.0\n", "requirements-dev.txt": "-r requirements.txt\npytest\n"},
        {"requirements.txt": "torch==2.2.0\n", "requirements-train.txt": "torch==2.2.0\nwandb\n"},
    ],
)
def test_files_that_agree_and_the_main_one_with_the_project_are_one_stack(
    tmp_path: Path, files: dict[str, str]
) -> None:
    found = project(tmp_path, **files)
    assert {name: torch(each)[0] for name, each in found.items()} == {"tuner": "2.2.0"}


@pytest.mark.parametrize("folder", ["docker", "Docker", "dockerfile", "dockerfiles", ".docker"])
def test_a_dockerfile_in_a_folder_of_its_own_is_read(tmp_path: Path, folder: str) -> None:
    found = project(tmp_path, **{f"{folder}/Dockerfile": "FROM debian\nRUN pip install torch==2.2.0\n"})
    assert [torch(each)[0] for each in found.values()] == ["2.2.0"]
