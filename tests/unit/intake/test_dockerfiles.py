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
