"""Dockerfiles as strangers write them: stages that hand on an environment, clones, folders that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake import dockerfiles

if TYPE_CHECKING:
    from stackcheck.intake.stated import Found

CU124 = "https://download.pytorch.org/whl/cu124"


def read(text: str, folder: Path = Path("/nothing")) -> Found:
    return dockerfiles.read(text, folder, "Dockerfile")


def values(found: Found) -> dict[str, object]:
    return {each.key: each.value for each in found.stated}


def left(found: Found) -> list[str]:
    return [each.text for each in found.open]


@pytest.mark.parametrize(
    ("made", "copied"),
    [
        ("RUN python3 -m venv /opt/env && pip install torch==2.5.1", "/opt/env /opt/env"),
        ("ENV VIRTUAL_ENV=/srv/env\nRUN pip install torch==2.5.1", "/srv/env /srv/env"),
        ("WORKDIR /app\nRUN uv venv && uv pip install torch==2.5.1", "/app /app"),
        ("RUN pip install --prefix=/install torch==2.5.1", "/install /usr/local"),
        ("RUN pip install --target /deps torch==2.5.1", "/deps /deps"),
        (
            "RUN pip install torch==2.5.1",
            "/usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/",
        ),
        ("RUN pip install torch==2.5.1", "/opt/conda /opt/conda"),
    ],
)
def test_what_one_stage_installs_is_in_the_stage_that_copies_its_environment(made: str, copied: str) -> None:
    found = read(f"FROM debian AS build\n{made}\nFROM debian\nCOPY --from=build {copied}\n")
    assert values(found)["packages.torch"] == {"version": "2.5.1"}


@pytest.mark.parametrize("copied", ["/usr/local/bin/tool /usr/local/bin/", "/app/dist /srv", "/etc/a /etc/a"])
def test_a_single_tool_of_another_stage_brings_no_packages(copied: str) -> None:
    found = read(
        f"FROM debian AS build\nRUN pip install torch==2.5.1\nFROM debian\nCOPY --from=build {copied}\n"
    )
    assert "packages.torch" not in values(found)


def test_the_torch_of_the_image_that_a_stage_is_built_on_comes_along() -> None:
    found = read(
        "FROM pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime AS build\nFROM debian\n"
        "COPY --from=build /opt/conda /opt/conda\n"
    )
    assert values(found)["packages.torch"] == {"version": "2.5.1"}


@pytest.mark.parametrize("target", ["/app", "/app/", ".", "/tmp", "/root"])
def test_a_file_that_is_copied_into_a_folder_is_found_there(tmp_path: Path, target: str) -> None:
    (tmp_path / "gpu.txt").write_text("torch==2.5.1\n", encoding="utf-8")
    where = {"/tmp": "cd /tmp && ", "/root": "cd /root && "}.get(target, "")
    found = read(
        f"FROM debian\nWORKDIR /app\nCOPY gpu.txt {target}\nRUN {where}pip install -r gpu.txt", tmp_path
    )
    assert (values(found)["packages.torch"], left(found)) == ({"version": "2.5.1"}, [])


def test_a_project_of_somebody_else_that_is_cloned_and_installed_is_named() -> None:
    found = read(
        "FROM debian\nRUN git clone -b v2 --depth 1 https://example.org/lab/flow.git && cd flow && "
        "pip install -r requirements.txt && pip install .\nRUN pip install /flow\n"
    )
    tail = (
        "lies in a clone of https://example.org/lab/flow.git, which is not fetched here, so it was not read."
    )
    assert left(found) == [f"requirements.txt {tail}", f". {tail}", f"/flow {tail}"]


@pytest.mark.parametrize("how", ["name", "folder", "remote"])
def test_a_dockerfile_that_clones_its_own_project_installs_what_lies_beside_it(
    tmp_path: Path, how: str
) -> None:
    folder = tmp_path / ("Sky-Net" if how == "folder" else "work")
    (folder / ".git").mkdir(parents=True)
    name = "sky-net" if how == "name" else "other"
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\ndependencies = ["torch==2.5.1"]\n', encoding="utf-8"
    )
    remote = "https://example.org/lab/sky_net.git" if how == "remote" else "https://example.org/fork/x"
    (folder / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {remote}\n', encoding="utf-8")
    found = read(
        "FROM debian\nRUN git clone https://example.org/lab/sky_net\nWORKDIR /sky_net\nRUN pip install -e .\n",
        folder,
    )
    assert (values(found)["packages.torch"], left(found)) == ({"version": "2.5.1"}, [])


@pytest.mark.parametrize(
    ("run", "python", "program"),
    [
        ("python3.10 -m pip install torch==2.5.1", "3.10", "python3.10"),
        ("pip3.9 install torch==2.5.1", "3.9", "python3.9"),
        ("uv pip install --python 3.12 torch==2.5.1", "3.12", None),
        ("/opt/py/bin/python3.11 -m pip install torch==2.5.1", "3.11", "/opt/py/bin/python3.11"),
    ],
)
def test_the_interpreter_that_an_install_names_is_the_stack_s(
    run: str, python: str, program: str | None
) -> None:
    found = values(read(f"FROM nvidia/cuda:12.4.1-devel-ubuntu20.04\nRUN {run}\n"))
    assert (found["python"], found.get("image.python")) == (python, program)


def test_conda_brings_a_python_of_its_own_into_an_image(tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text("dependencies: [python=3.9, pytorch=2.1.0]\n", encoding="utf-8")
    found = values(
        read("FROM ubuntu:20.04\nCOPY env.yml /env.yml\nRUN conda env update -f /env.yml\n", tmp_path)
    )
    assert (found["python"], found["image.python"]) == ("3.9", "python")
