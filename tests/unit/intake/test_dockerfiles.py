"""Dockerfiles: what the last stage holds, in the order of its steps, with lines and what was not understood."""

from pathlib import Path

import pytest

from stackcheck.intake import dockerfiles
from stackcheck.intake.stated import Found


def read(text: str, folder: Path = Path("/nothing")) -> Found:
    return dockerfiles.read(text, folder, "Dockerfile")


def values(found: Found) -> dict[str, object]:
    return {each.key: each.value for each in found.stated}


def lines(found: Found) -> dict[str, str]:
    return {each.key: str(each.place) for each in found.stated}


def left(found: Found) -> list[str]:
    return [f"{each.place}: {each.text}" for each in found.open]


def test_a_base_image_with_a_build_argument_is_stated_with_its_python() -> None:
    found = read("ARG V=3.11\nFROM python:${V}-slim\n")
    assert values(found) == {"image.base": "python:3.11-slim", "python": "3.11"}
    assert lines(found)["image.base"] == "Dockerfile:2"


def test_an_index_of_one_call_is_that_of_its_packages() -> None:
    found = read(
        "FROM debian\nRUN pip install torch==2.5.0 \\\n  torchvision==0.20.0 \\\n"
        "  --index-url https://download.pytorch.org/whl/cu124\nRUN pip install ninja\n"
    )
    index = "https://download.pytorch.org/whl/cu124"
    assert values(found)["packages.torch"] == {"version": "2.5.0", "index": index}
    assert values(found)["packages.ninja"] == {"version": "latest"}
    assert lines(found)["packages.torchvision"] == "Dockerfile:3"


def test_the_last_stage_counts_and_what_it_is_built_on() -> None:
    found = read(
        "FROM nvidia/cuda:12.4.1-devel AS build\nENV CUDA_HOME=/usr/local/cuda\nRUN pip install torch==2.5.0\n"
        "FROM debian AS other\nRUN pip install torch==1.0\nFROM build\nRUN pip install numpy==2.0\n"
    )
    assert values(found) == {
        "image.base": "nvidia/cuda:12.4.1-devel",
        "env.CUDA_HOME": "/usr/local/cuda",
        "packages.torch": {"version": "2.5.0"},
        "packages.numpy": {"version": "2.0"},
    }


def test_a_later_install_of_another_version_takes_the_place_of_the_first() -> None:
    found = read("FROM debian\nRUN pip install torch==2.5.0\nRUN pip install torch==2.6.0\n")
    assert values(found)["packages.torch"] == {"version": "2.6.0"}
    assert left(found) == ["Dockerfile:3: torch 2.6.0 takes the place of 2.5.0 of Dockerfile:2."]
    assert found.open[0].kind == "replaced"


@pytest.mark.parametrize("later", ["torch", "'torch>=2.4'", "torch==2.5.0", "'torch~=2.5'"])
def test_a_later_install_that_is_content_leaves_what_is_there(later: str) -> None:
    found = read(f"FROM debian\nRUN pip install torch==2.5.0\nRUN pip install {later}\n")
    assert (values(found)["packages.torch"], found.open) == ({"version": "2.5.0"}, ())


def test_a_requirement_file_is_read_where_it_was_copied(tmp_path: Path) -> None:
    (tmp_path / "req").mkdir()
    (tmp_path / "req" / "gpu.txt").write_text("\ntorch==2.5.0\n", encoding="utf-8")
    for copy, name in (
        ("COPY req/gpu.txt /app/r.txt", "/app/r.txt"),
        ("WORKDIR /app\nCOPY req/gpu.txt .", "gpu.txt"),
        ("WORKDIR /app\nCOPY . .", "req/gpu.txt"),
        ("WORKDIR /app\nCOPY req req/", "req/gpu.txt"),
        ("COPY req/ /tmp/", "/tmp/gpu.txt"),
    ):
        found = read(f"FROM debian\n{copy}\nRUN pip install -r {name}\n", tmp_path)
        assert lines(found).get("packages.torch") == "req/gpu.txt:2", copy


def test_a_requirement_file_that_is_not_in_the_context_is_said(tmp_path: Path) -> None:
    found = read("FROM debian\nRUN curl -O https://x/r.txt && pip install -r r.txt\n", tmp_path)
    said = "r.txt is not among the files of the build context, so it was not read."
    assert left(found) == [f"Dockerfile:2: {said}"]


def test_a_variable_that_nothing_sets_is_said() -> None:
    found = read("FROM debian\nARG A=2.5.0\nARG B\nRUN pip install torch==$A torchvision==$B\n")
    assert values(found)["packages.torch"] == {"version": "2.5.0"}
    said = "'torchvision==$B' holds a variable that is not known here, so it was not read."
    assert left(found) == [f"Dockerfile:4: {said}"]


def test_builds_without_isolation_and_variables_of_pip_are_stated() -> None:
    found = read(
        "FROM debian\nENV PIP_EXTRA_INDEX_URL=https://e/simple TORCH_CUDA_ARCH_LIST='8.0;9.0' EDITOR=vi\n"
        "RUN pip install flash-attn==2.7.0 --no-build-isolation\n"
    )
    assert values(found) == {
        "image.base": "debian",
        "index.extra": "https://e/simple",
        "env.TORCH_CUDA_ARCH_LIST": "8.0;9.0",
        "packages.flash-attn": {"version": "2.7.0"},
        "no_build_isolation": "flash-attn",
    }


def test_a_heredoc_is_a_script() -> None:
    found = read("FROM debian\nRUN <<EOF\npip install torch==2.5.0\npip install numpy\nEOF\n")
    assert lines(found)["packages.torch"] == "Dockerfile:3"
    assert "packages.numpy" in lines(found)


def test_packages_of_conda_are_stated() -> None:
    found = read(
        "FROM condaforge/miniforge3\nRUN mamba install -y pytorch=2.1.0 pytorch-cuda=11.8 -c pytorch\n"
    )
    assert values(found)["packages.torch"] == {"version": "2.1.0", "from": "conda"}
    assert values(found)["cuda"] == "11.8"


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_variables_that_a_run_sets_itself_are_known() -> None:
    found = read("FROM debian\nARG V=1.0\nRUN V=2.5.0; \\\n  pip install torch==$V\n")
    assert (values(found)["packages.torch"], lines(found)["packages.torch"]) == (
        {"version": "2.5.0"},
        "Dockerfile:4",
    )


def test_a_case_over_a_build_argument_chooses_the_index() -> None:
    text = """FROM debian
ARG CUDA_VERSION=12.4.1
RUN case "$CUDA_VERSION" in \\
      12.6*) CU=126 ;; \\
      12.4*) CU=124 ;; \\
    esac && pip install torch==2.5.0 --index-url https://download.pytorch.org/whl/cu${CU}
"""
    assert values(read(text))["packages.torch"] == {
        "version": "2.5.0", "index": "https://download.pytorch.org/whl/cu124",
    }  # fmt: skip


def test_an_install_behind_an_open_condition_is_said_and_not_taken() -> None:
    found = read('FROM debian\nRUN if [ -n "$X" ]; then pip install torch==1.0; fi; pip install numpy==2.0\n')
    assert "packages.torch" not in values(found)
    assert left(found) == [
        "Dockerfile:2: 'pip install torch==1.0' stands behind a condition that the file does not answer, "
        "so it was not read."
    ]


def test_a_script_of_the_context_is_read_one_deep(tmp_path: Path) -> None:
    script = "#!/bin/sh\nset -e\nV=2.5.0\npip install torch==$V\nbash inner.sh\n"
    project(tmp_path, install_sh=script, inner_sh="pip install torch==1.0\n")
    for call in (
        "bash install.sh",
        "./install.sh",
        "sh -e /app/install.sh",
        "chmod +x install.sh && . ./install.sh",
    ):
        found = read(f"FROM debian\nWORKDIR /app\nCOPY . .\nRUN {call}\n", tmp_path)
        assert lines(found)["packages.torch"] == "install.sh:4", call
        assert left(found) == ["install.sh:5: inner.sh is called by a script, so it was not read."]
        assert "install.sh" in found.reads


def test_a_script_that_is_not_in_the_context_is_said_unless_it_installs_conda() -> None:
    found = read("FROM debian\nRUN bash Miniconda3-latest-Linux-x86_64.sh -b && bash setup.sh\n")
    assert left(found) == [
        "Dockerfile:2: setup.sh is not among the files of the build context, so it was not read."
    ]


def test_a_script_that_is_given_as_text_is_read() -> None:
    assert "packages.torch" in values(read('FROM debian\nRUN bash -lc "pip install torch==2.5.0"\n'))


PYPROJECT = """[project]
requires-python = "==3.11.*"
dependencies = ["torch>=2.4"]
[project.optional-dependencies]
gpu = ["xformers==0.0.28.post2"]
"""
UV_LOCK = '[[package]]\nname = "torch"\nversion = "2.5.0"\n'


def test_an_installed_project_states_what_its_files_do(tmp_path: Path) -> None:
    project(tmp_path, pyproject_toml=PYPROJECT, uv_lock=UV_LOCK)
    start = "FROM debian\nWORKDIR /app\nCOPY . .\n"
    for run, torch, extra in (
        ("RUN uv sync --frozen", "2.5.0", False),
        ("RUN uv sync --extra gpu", "2.5.0", True),
        ("RUN pip install .", ">=2.4", False),
        ("RUN pip install -e '.[gpu]'", ">=2.4", True),
        ("RUN uv pip install -r pyproject.toml", ">=2.4", False),
        ("RUN cd / && pip install /app", ">=2.4", False),
    ):
        found = read(f"{start}{run}\n", tmp_path)
        stated = values(found)
        assert (stated["packages.torch"], "packages.xformers" in stated) == ({"version": torch}, extra), run
        assert (found.open, "pyproject.toml" in found.reads) == ((), True), run


def test_files_that_a_mount_binds_are_there_for_its_run(tmp_path: Path) -> None:
    project(tmp_path, pyproject_toml=PYPROJECT, uv_lock=UV_LOCK)
    mounts = " ".join(f"--mount=type=bind,source={n},target={n}" for n in ("uv.lock", "pyproject.toml"))
    found = read(f"FROM debian\nWORKDIR /app\nRUN {mounts} uv sync --no-install-project\n", tmp_path)
    assert values(found)["packages.torch"] == {"version": "2.5.0"}


def test_a_project_that_is_not_in_the_context_is_said() -> None:
    said = "uv installs a project that is not in the build context, so it was not read."
    assert left(read("FROM debian\nRUN uv sync\n")) == [f"Dockerfile:2: {said}"]


def test_an_environment_of_conda_is_read_where_it_was_copied(tmp_path: Path) -> None:
    project(tmp_path, env_yml="dependencies:\n  - python=3.10\n  - pytorch=2.1.0\n")
    found = read(
        "FROM condaforge/miniforge3\nCOPY env.yml /tmp/\nRUN conda env create -f /tmp/env.yml\n", tmp_path
    )
    assert (values(found)["python"], lines(found)["packages.torch"]) == ("3.10", "env.yml:3")


def test_several_files_and_patterns_of_a_copy_are_found(tmp_path: Path) -> None:
    project(tmp_path, a_txt="torch==2.5.0\n", b_txt="numpy==2.0\n")
    for copy in ("COPY a.txt b.txt /r/", "COPY *.txt /r/", 'COPY ["a.txt", "b.txt", "/r/"]'):
        found = read(f"FROM debian\n{copy}\nRUN pip install -r /r/a.txt -r /r/b.txt\n", tmp_path)
        assert {"packages.torch", "packages.numpy"} <= values(found).keys(), copy


def test_a_build_may_name_arguments_target_and_context(tmp_path: Path) -> None:
    text = "ARG V=1.0\nFROM debian AS a\nARG V\nRUN pip install torch==$V\nFROM debian\nRUN pip install torch==0.1\n"
    found = dockerfiles.read(text, tmp_path, "Dockerfile", dockerfiles.Build({"V": "2.5.0"}, "a"))
    assert values(found)["packages.torch"] == {"version": "2.5.0"}


INDEX = "https://download.pytorch.org/whl"


@pytest.mark.parametrize(
    ("steps", "torch", "said"),
    [
        (
            f"RUN pip install torch==2.5.0 --index-url {INDEX}/cu124\n"
            f"RUN pip install --force-reinstall --no-deps torch==2.5.0 --index-url {INDEX}/cpu\n",
            "2.5.0",
            f"Dockerfile:3: torch 2.5.0 from {INDEX}/cpu takes the place of that from {INDEX}/cu124 of Dockerfile:2.",
        ),
        (
            f"RUN pip install torch==2.5.0 --index-url {INDEX}/cu124\nRUN pip install xformers==0.0.27\n",
            "2.3.1",
            "Dockerfile:3: xformers 0.0.27 requires torch==2.3.1: it takes the place of torch 2.5.0 of Dockerfile:2.",
        ),
        (
            f"RUN pip install torch==2.5.0 --index-url {INDEX}/cu124\nRUN pip install -U torch\n",
            "latest",
            "Dockerfile:3: torch latest takes the place of 2.5.0 of Dockerfile:2.",
        ),
    ],
)
def test_a_step_that_replaces_torch_is_said_with_its_line(steps: str, torch: str, said: str) -> None:
    found = read(f"FROM debian\n{steps}")
    assert left(found) == [said]
    assert (found.open[0].kind, found.stated[1].value["version"]) == ("replaced", torch)


@pytest.mark.parametrize(
    "steps",
    [
        "RUN pip install torch==2.5.0\nRUN pip install xformers==0.0.27 --no-deps\n",
        "RUN pip install torch==2.5.0\nRUN pip install xformers==0.0.28.post2\n",
        "RUN pip install torch==2.5.0 torchvision==0.20.0\n",
        f"RUN pip install torch==2.5.0 --index-url {INDEX}/cu124\nRUN pip install torch==2.5.0\n",
        "ENTRYPOINT pip install torch==1.0\nCMD pip install torch==1.0\nRUN pip install torch==2.5.0\n",
    ],
)
def test_a_step_that_leaves_torch_is_no_finding(steps: str) -> None:
    found = read(f"FROM debian\n{steps}")
    assert (found.open, values(found)["packages.torch"]["version"]) == ((), "2.5.0")  # type: ignore[index]


def test_the_torch_of_the_base_image_is_what_is_there_first() -> None:
    base = "FROM pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime\n"
    assert read(f"{base}RUN pip install 'torch>=2.4' numpy==1.26.4\n").open == ()
    assert left(read(f"{base}RUN pip install torch==2.6.0\n")) == [
        "Dockerfile:2: torch 2.6.0 takes the place of 2.5.1 of Dockerfile:1."
    ]


@pytest.mark.parametrize(
    ("before", "page"),
    [
        ("FROM pytorch/pytorch:2.1.0-cuda12.1-cudnn8-devel", "cu121/torch2.1.0"),
        ("FROM a\nRUN pip install torch==2.1.2+cu118", "cu118/torch2.1.0"),
        ("FROM a\nRUN pip install torch==2.1.2+cpu", "cpu/torch2.1.0"),
        (
            "FROM a\nRUN pip install torch==2.1.2 --index-url https://download.pytorch.org/whl/cu118",
            "cu118/torch2.1.0",
        ),
        ("FROM a\nRUN pip install torch==2.1.2", "cu121/torch2.1.0"),
    ],
)
def test_mim_takes_mmcv_from_the_page_of_the_torch_that_is_there(before: str, page: str) -> None:
    rows = values(read(f"{before}\nRUN pip install -U openmim && mim install mmcv==2.1.0 mmdet==3.3.0"))
    url = f"https://download.openmmlab.com/mmcv/dist/{page}/index.html"
    assert rows["packages.mmcv"] == {"version": "2.1.0", "find_links": url}
    assert rows["packages.mmdet"] == {"version": "3.3.0"}


def test_mim_without_a_known_torch_is_said() -> None:
    found = read("FROM a\nRUN mim install mmcv==2.1.0")
    assert values(found)["packages.mmcv"] == {"version": "2.1.0"}
    assert left(found) == [
        "Dockerfile:2: mim takes mmcv from a page for the torch that is there, which the file does not say."
    ]


def test_a_setup_py_that_is_run_is_said() -> None:
    found = read("FROM a\nRUN git clone https://example.org/y && cd y && python setup.py install")
    assert left(found) == [
        "Dockerfile:2: setup.py lies in a clone of https://example.org/y, which is not fetched here, so it was not "
        "read."
    ]


def test_a_build_that_a_variable_names_is_a_version_and_a_question() -> None:
    found = read(
        "FROM debian\nRUN V=$(cat /v) && pip install torch==2.1.2+cu${V} "
        "--extra-index-url https://download.pytorch.org/whl/cu${V}\n"
    )
    assert values(found) == {"image.base": "debian", "packages.torch": {"version": "2.1.2"}}
    assert left(found) == [
        "Dockerfile:2: which build of torch 'torch==2.1.2+cu${V}' names hangs on a variable that is not known "
        "here.",
        "Dockerfile:2: the address https://download.pytorch.org/whl/cu${V} holds a variable that is not known "
        "here.",
    ]


def test_wheels_that_an_earlier_step_made_are_said() -> None:
    assert left(read("FROM debian\nRUN pip install --no-index ./*.whl\n")) == [
        "Dockerfile:2: which files ./*.whl means is known when the image is built, so it was not read."
    ]


def test_pip_keeps_no_companion_that_the_torch_of_the_same_call_does_not_suit() -> None:
    first = "FROM debian\nRUN pip install torch==1.11.0 torchvision==0.12.0\n"
    found = read(f"{first}RUN pip install torch==1.12.1 torchvision\n")
    assert values(found)["packages.torchvision"] == {"version": "latest"}
    assert ["torch 1.12.1 takes the place" in each for each in left(found)] == [True]
    found = read(f"{first}RUN pip install torch==1.12.1\n")
    assert values(found)["packages.torchvision"] == {"version": "0.12.0"}


@pytest.mark.parametrize(
    ("image", "torch", "more"),
    [
        (
            "rocm/pytorch:rocm6.2_ubuntu22.04_py3.10_pytorch_release_2.3.0",
            "2.3.0",
            {"accelerator": "rocm"},
        ),
        ("rocm/pytorch:rocm6.1_ubuntu20.04_py3.9_pytorch_2.1.2", "2.1.2", {"accelerator": "rocm"}),
        ("nvcr.io/nvidia/l4t-pytorch:r35.2.1-pth2.0-py3", "2.0.0", {"platform": "linux/arm64"}),
    ],
)
def test_images_of_amd_and_for_jetson_say_what_they_are_for(
    image: str, torch: str, more: dict[str, str]
) -> None:
    found = read(f"FROM {image}\nRUN pip install torch timm==1.0.11\n")
    assert values(found) == {"image.base": image, "packages.timm": {"version": "1.0.11"}, **more}
    replaced = read(f"FROM {image}\nRUN pip install torch==2.6.0\n")
    assert left(replaced) == [f"Dockerfile:2: torch 2.6.0 takes the place of {torch} of Dockerfile:1."]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.py", "from setuptools import setup\nsetup(name='se3-transformer', version='1')\n"),
        ("setup.cfg", "[metadata]\nversion = 1\nname = se3_transformer\n[options]\n"),
        ("pyproject.toml", "[project]\nname = 'SE3-Transformer'\nversion = '1'\n"),
    ],
)
def test_a_project_that_is_installed_from_the_context_is_asked_of_no_index(
    tmp_path: Path, name: str, text: str
) -> None:
    project(tmp_path, **{f"se3/{name}": text, "requirements.txt": "se3-transformer\ntimm==1.0.11\n"})
    found = read("FROM debian\nCOPY . /app\nRUN pip install /app/se3 -r /app/requirements.txt\n", tmp_path)
    assert values(found) == {"image.base": "debian", "packages.timm": {"version": "1.0.11"}}
    alone = read("FROM debian\nCOPY . /app\nRUN pip install -r /app/requirements.txt\n", tmp_path)
    assert "packages.se3-transformer" in values(alone)


def test_an_image_that_a_variable_names_is_a_question() -> None:
    found = read("ARG IMAGE\nFROM $IMAGE AS base\nRUN pip install torch==2.5.1\n")
    assert values(found) == {"packages.torch": {"version": "2.5.1"}}
    assert left(found) == ["Dockerfile:2: the image $IMAGE hangs on a variable that is not known here."]


def test_a_folder_is_installed_as_a_folder_where_it_is_editable(tmp_path: Path) -> None:
    project(tmp_path, **{"pyproject.toml": "[project]\nname = 'petals'\ndependencies = ['torch==2.5.1']\n"})
    found = read("FROM debian\nWORKDIR /home\nCOPY . petals/\nRUN pip install -e petals[dev]\n", tmp_path)
    assert values(found)["packages.torch"] == {"version": "2.5.1"}
    assert left(found) == []


@pytest.mark.parametrize("named", ["python~=3.10", "python", "conda-forge::python>=3.9"])
def test_the_interpreter_of_conda_is_not_that_of_the_image(named: str) -> None:
    found = read(f"FROM ubuntu:20.04\nRUN conda install {named} pip && pip install torch==2.5.1\n")
    assert values(found)["image.python"] == "python"
    assert "python" not in values(found)


def test_a_dockerfile_in_a_folder_that_clones_its_project_reads_the_project(tmp_path: Path) -> None:
    home = tmp_path / "dreams"
    project(home, **{"requirements.txt": "timm==1.0.11\n", "docker/Dockerfile": ""})
    text = (
        "FROM debian\nRUN git clone https://github.com/a/dreams.git\nWORKDIR /dreams\n"
        "RUN pip install torch==2.5.1 -r requirements.txt\n"
    )
    found = dockerfiles.read_alone(text, home / "docker", "docker/Dockerfile")
    assert values(found)["packages.timm"] == {"version": "1.0.11"}
    assert found.reads == ("requirements.txt",)
