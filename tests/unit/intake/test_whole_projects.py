"""Projects as people have them: several below one folder, uv's workspaces, and files that are broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.project import take
from stackcheck.intake.projectfolders import folders_below
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.project import Taken


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder)
    return folder


def taken(files: Mapping[str, str], at: str = ".") -> dict[str, Taken]:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return {each.stack.id: each for each in take([Path(at)])}


def versions(each: Taken) -> dict[str, str]:
    return {name: package.version for name, package in each.stack.packages.items()}


MONO = {
    "pyproject.toml": "[tool.ruff]\nline-length = 100\n",
    "services/api/requirements.txt": "fastapi==0.115.0\n",
    "services/inference/requirements.txt": "torch==2.4.0\n",
    "training/requirements.txt": "torch==2.5.0\n",
    "deep/down/in/requirements.txt": "torch==1.0\n",
    "node_modules/x/requirements.txt": "torch==1.1\n",
    "sandbox/pyvenv.cfg": "home = /usr/bin\n",
    "sandbox/requirements.txt": "torch==1.2\n",
    ".tox/requirements.txt": "torch==1.3\n",
}


def test_projects_below_a_folder_are_a_stack_each_where_they_speak_of_torch() -> None:
    found = taken(MONO)
    assert {name: versions(each) for name, each in found.items()} == {
        "deep-down-in": {"torch": "1.0"},
        "services-inference": {"torch": "2.4.0"},
        "training": {"torch": "2.5.0"},
    }
    assert Path("services/api") in folders_below(Path())


def test_where_none_speaks_of_torch_all_are_stacks() -> None:
    found = taken({"a/requirements.txt": "numpy==2.0.0\n", "b/requirements.txt": "scipy\n"})
    assert [*found] == ["a", "b"]


def test_a_folder_with_a_project_of_its_own_is_that_project() -> None:
    found = taken({"requirements.txt": "numpy\n", "below/requirements.txt": "torch==2.5.0\n"})
    assert [*found] == ["app"]


def test_an_empty_folder_says_what_is_looked_for() -> None:
    with pytest.raises(
        UsageError, match="nothing here that says what is installed, nor in the folders below"
    ):
        taken({"notes/README.md": "x"})


def test_every_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(UsageError) as told:
        taken({"pyproject.toml": "[project\n", "requirements.txt": "-r gone.txt\n", "Pipfile": "[x"})
    first, *rest = str(told.value).splitlines()
    assert first == "3 files cannot be read:"
    assert [line.split(":")[0].strip() for line in rest] == ["Pipfile", "pyproject.toml", "requirements.txt"]


ROOT = """[project]
name = "ws"
dependencies = ["core", "trainer", "lost"]
[tool.uv.workspace]
members = ["packages/*"]
exclude = ["packages/old"]
[tool.uv.sources]
core = { workspace = true }
trainer = { workspace = true }
lost = { workspace = true }
torch = { index = "cu128" }
[[tool.uv.index]]
name = "cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
"""
CORE = '[project]\nname = "core"\nrequires-python = ">=3.12"\ndependencies = ["torch==2.8.0", "trainer"]\n'
CORE += "[tool.uv.sources]\ntrainer = { workspace = true }\n"
TRAINER = '[project]\nname = "Trainer"\ndependencies = ["core", "torchvision==0.23.0"]\n'
OLD = '[project]\nname = "lost"\ndependencies = ["torch==1.0"]\n'
WORKSPACE = {
    "pyproject.toml": ROOT,
    "packages/core/pyproject.toml": CORE,
    "packages/trainer/pyproject.toml": TRAINER,
    "packages/old/pyproject.toml": OLD,
}


def test_a_workspace_is_what_its_members_require_and_no_index_is_asked_for_them() -> None:
    """Each other they require too, without an end; `core` of an index would be a stranger's."""
    (found,) = taken(WORKSPACE).values()
    assert versions(found) == {"torch": "2.8.0", "torchvision": "0.23.0"}
    assert found.stack.packages["torch"].index == "https://download.pytorch.org/whl/cu128"
    assert found.stack.places["packages.torch"] == "packages/core/pyproject.toml:4"
    assert [each.text for each in found.open] == ["lost is a member of the workspace: it was not read."]


def test_a_member_takes_the_sources_of_its_workspace() -> None:
    (found,) = taken(WORKSPACE, "packages/core").values()
    assert versions(found) == {"torch": "2.8.0", "torchvision": "0.23.0"}
    assert found.stack.packages["torch"].index == "https://download.pytorch.org/whl/cu128"


def test_a_project_that_only_lies_below_a_workspace_is_not_its_member() -> None:
    (found,) = taken(WORKSPACE, "packages/old").values()
    assert found.stack.packages["torch"].index is None


COMPOSE = """services:
  train:
    build: { context: . }
    deploy: { resources: { reservations: { devices: [{ driver: nvidia, capabilities: [gpu] }] } } }
"""
DEVCONTAINER = """{ "dockerComposeFile": "../compose.yml", "service": "train", // opens it
  "hostRequirements": { "gpu": true } %s }
"""


def test_a_devcontainer_that_opens_a_service_is_that_service() -> None:
    files = {"compose.yml": COMPOSE, "Dockerfile": "FROM debian\nRUN pip install torch==2.5.0\n"}
    found = taken({**files, ".devcontainer/devcontainer.json": DEVCONTAINER % ""})
    assert [*found] == ["app"]
    more = ', "postCreateCommand": "pip install xformers==0.0.28"'
    found = taken({".devcontainer/devcontainer.json": DEVCONTAINER % more})
    assert [*found] == ["app-train", "app-devcontainer"]
    assert not any(".." in name for each in found.values() for name in each.files)


FROM_ABOVE = "FROM debian\nCOPY requirements.txt src/ ./\nRUN pip install -r requirements.txt\n"


def test_a_dockerfile_in_a_folder_is_built_from_the_folder_that_has_what_it_copies() -> None:
    above = {"docker/Dockerfile": FROM_ABOVE, "requirements.txt": "torch==2.5.0\n", "src/x.py": ""}
    (found,) = taken(above).values()
    assert versions(found) == {"torch": "2.5.0"}
    assert found.stack.image.context == ".."
    assert [each.text for each in found.open] == []
    assert found.files == ("docker/Dockerfile", "requirements.txt")


def test_a_dockerfile_that_has_what_it_copies_beside_it_is_built_there() -> None:
    beside = {"docker/Dockerfile": FROM_ABOVE, "docker/requirements.txt": "torch==2.6.0\n"}
    (found,) = taken({**beside, "requirements.txt": "numpy\n"}).values()
    assert versions(found) == {"torch": "2.6.0"}
    assert found.stack.image.context is None


def test_a_dockerfile_that_is_named_alone_reads_nothing_of_another_repository(project: Path) -> None:
    (project / ".git").rmdir()
    (found,) = taken(
        {"docker/Dockerfile": FROM_ABOVE, "requirements.txt": "torch==2.5.0\n"}, "docker"
    ).values()
    assert versions(found) == {}
    assert found.stack.image.context is None


def test_files_of_a_folder_of_requirements_need_no_name_of_their_own() -> None:
    found = taken({"requirements/base.txt": "torch==2.5.0\n", "requirements/dev.in": "-r base.txt\npytest\n"})
    assert {name: versions(each) for name, each in found.items()} == {
        "app": {"torch": "2.5.0", "pytest": "latest"}
    }


CONDA = "channels: [pytorch]\ndependencies:\n  - python=3.10\n  - pytorch=2.4.1\n  - pytorch-cuda=12.4\n"
SETUP = "[project]\nname = 'app'\nversion = '1'\ndependencies = ['torch>=2.0', 'timm==1.0.11']\n"


def test_an_image_that_calls_no_conda_has_nothing_of_an_environment_of_conda() -> None:
    docker = "FROM nvidia/cuda:11.8.0-devel-ubuntu22.04\nCOPY . .\nRUN ./install.sh\n"
    found = taken({"environment.yml": CONDA, "pyproject.toml": SETUP, "Dockerfile": docker})
    assert {name: (each.stack.cuda, each.stack.image.base) for name, each in found.items()} == {
        "app": (None, "nvidia/cuda:11.8.0-devel-ubuntu22.04"),
        "app-environment.yml": ("12.4", None),
    }
    assert versions(found["app"])["torch"] == ">=2.0"


def test_a_folder_an_image_below_docker_is_read_from_the_project() -> None:
    found = taken(
        {
            "requirements.txt": "timm==1.0.11\n",
            "docker/gpu/Dockerfile": "FROM debian\nCOPY requirements.txt .\nRUN pip install torch==2.5.1 -r requirements.txt\n",
            "docker/rocm/Dockerfile": "FROM debian\nRUN pip install torch==2.4.1+rocm6.1\n",
        }
    )
    assert {name: versions(each) for name, each in found.items()} == {
        "app-gpu-dockerfile": {"torch": "2.5.1", "timm": "1.0.11"},
        "app-rocm-dockerfile": {"torch": "2.4.1+rocm6.1"},
    }


def test_files_that_state_no_package_say_what_of_them_is_computed() -> None:
    text = "from setuptools import setup\nimport x\nsetup(install_requires=x.needs())\n"
    with pytest.raises(UsageError) as refused:
        taken({"setup.py": text})
    assert str(refused.value) == (
        ".: no package that could be judged is stated here, in setup.py.\n"
        "  setup.py:3: install_requires is computed when setup.py runs, so it was not read."
    )
