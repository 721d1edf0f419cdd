"""A definition that is written from files says what the files say: a law over many of them."""

import tomllib
from pathlib import Path

import pytest

from stackcheck.intake import catalog
from stackcheck.intake.project import take
from stackcheck.intake.written_out import definition_text
from tests.unit.intake.test_project import project

UV = """
[project]
requires-python = ">=3.10"
dependencies = ["torch==2.7.0", "flash-attn", "detectron2 ; sys_platform == 'linux'"]
[tool.uv]
override-dependencies = ["numpy<2"]
no-build-isolation-package = ["flash-attn"]
[[tool.uv.index]]
url = "https://house.example/simple"
[tool.uv.sources]
detectron2 = { git = "https://github.com/facebookresearch/detectron2", rev = "abc123" }
"""
PROJECTS = {
    "dockerfile": {
        "Dockerfile": 'FROM python:3.11-slim\nENV TORCH_CUDA_ARCH_LIST="8.0;9.0"\nCOPY r.txt .\n'
        "RUN pip install -r r.txt --extra-index-url https://download.pytorch.org/whl/cu124\n",
        "r.txt": 'torch==2.5.0+cu124\nray[default]>=2,<3 ; python_version < "3.13"\n',
    },
    "uv": {"pyproject.toml": UV},
    "conda": {
        "environment.yml": "dependencies:\n- python=3.10\n- pytorch=2.1.0\n- pip:\n  - 'we\"ird==1'\n  - ninja==1\n"
    },
    "extras": {
        "pyproject.toml": '[project.optional-dependencies]\na = ["torch==2.5.0"]\nb = ["torch==2.6.0"]\n'
    },
}


@pytest.mark.parametrize("name", PROJECTS)
def test_a_definition_written_from_files_states_the_same_stacks(name: str, tmp_path: Path) -> None:
    folder = project(tmp_path / name, PROJECTS[name])
    read = take([folder], {"gpus": ["L4"]})
    target = folder / "matrices" / "x.toml"
    target.parent.mkdir()
    target.write_text(definition_text(read, target.parent), encoding="utf-8")
    written = catalog.load([target])
    kept = {
        "id",
        "python",
        "packages",
        "index",
        "env",
        "gpus",
        "no_build_isolation",
        "overrides",
        "constraints",
    }
    assert [each.model_dump(include=kept) for each in written] == [
        each.stack.model_dump(include=kept) for each in read
    ]
    for each in written:
        assert each.image.dockerfile in (None, "../Dockerfile")
        assert not each.image.dockerfile or (target.parent / each.image.dockerfile).is_file()


def test_each_line_says_where_it_came_from_and_what_is_open_is_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path / "app", {"requirements.txt": "torch==2.5.0\nx==${V}\n"})
    monkeypatch.chdir(folder)
    text = definition_text(take([Path("requirements.txt")]), Path())
    lines = text.splitlines()
    assert 'torch = "2.5.0"  # requirements.txt:1' in lines
    assert "# requirements.txt:2: the variable ${V} is not known here, so 'x==${V}' was not read." in lines
    assert sum(line.startswith(("# python =", "# gpus =", "# driver =")) for line in lines) == 3
    assert tomllib.loads(text)["stack"][0]["id"] == "app"


def test_a_path_is_relative_to_the_definition(tmp_path: Path) -> None:
    folder = project(tmp_path / "app", {"requirements.txt": "./wheels/x-1.0-py3-none-any.whl\n"})
    (stack,) = tomllib.loads(definition_text(take([folder]), folder / "matrices"))["stack"]
    assert stack["packages"] == {"x": {"path": "../wheels/x-1.0-py3-none-any.whl"}}
