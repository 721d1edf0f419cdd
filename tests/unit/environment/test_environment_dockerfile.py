"""What a Dockerfile states of a stack: a fact of it is judged like one of the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck import rules
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Level
from stackcheck.rules.registry import judge_all
from stackcheck.steps.claiming import claimed

if TYPE_CHECKING:
    from pathlib import Path


def loud(folder: Path, text: str, **fields: Any) -> dict[str, str]:
    """Return code -> outcome of what is no PASS."""
    (folder / "Dockerfile").write_text(text)
    file = str(folder / "stack.toml")
    stated = {"id": "case", "accelerator": "cuda", "file": file, "image": {"dockerfile": "Dockerfile"}}
    facts = claimed(Stack.model_validate({**stated, **fields}))
    verdicts = judge_all(rules.before_build(Level.STATED), facts)
    return {each.code: each.outcome.name for each in verdicts if each.outcome.name in {"FAIL", "WARN"}}


FLASH = {"torch": "2.3.1", "flash-attn": {"version": "2.5.8", "from": "source"}}
BASE = "FROM pytorch/pytorch:2.3.1-cuda12.1-cudnn8-devel\n"


def test_the_torch_of_its_base_image_is_held_against_the_gpus(tmp_path: Path) -> None:
    assert loud(tmp_path, BASE, gpus=["RTX 5090"])["ARCH101"] == "FAIL"
    assert "ARCH101" not in loud(tmp_path, BASE, gpus=["A100"])


def test_its_arch_list_is_that_of_the_builds(tmp_path: Path) -> None:
    text = f'{BASE}ENV TORCH_CUDA_ARCH_LIST="7.0;8.6"\n'
    packages = {"torch": "2.3.1", "detectron2": {"version": "0.6", "from": "source"}}
    assert loud(tmp_path, text, gpus=["H100"], packages=packages)["ARCH103"] == "FAIL"
    assert "ARCH103" not in loud(tmp_path, text, gpus=["RTX 3090"], packages=packages)


def test_its_compiler_is_held_against_the_toolkit(tmp_path: Path) -> None:
    packages = {"torch": "2.3.1", "detectron2": {"version": "0.6", "from": "source"}}
    assert loud(tmp_path, f"{BASE}ENV CC=/usr/bin/gcc-14\n", packages=packages)["TOOLKIT102"] == "FAIL"
    assert "TOOLKIT102" not in loud(tmp_path, f"{BASE}ENV CC=gcc-11\n", packages=packages)


def test_a_line_without_build_isolation_sees_torch(tmp_path: Path) -> None:
    isolated = f"{BASE}RUN pip install flash-attn==2.5.8\n"
    assert loud(tmp_path, isolated, packages=FLASH)["BUILD102"] == "WARN"
    in_place = f"{BASE}RUN pip install --no-build-isolation 'flash-attn==2.5.8' && true\n"
    assert "BUILD102" not in loud(tmp_path, in_place, packages=FLASH)


def test_what_the_stack_states_counts(tmp_path: Path) -> None:
    text = f'{BASE}ENV TORCH_CUDA_ARCH_LIST="7.0"\nENV CC=gcc-14\nRUN pip install -e . "odd\n'
    packages = {"torch": "2.3.1", "detectron2": {"version": "0.6", "from": "source"}}
    found = loud(tmp_path, text, gpus=["H100"], arch_list=["9.0"], host_compiler="gcc 11", packages=packages)
    assert not {"ARCH103", "TOOLKIT102"} & found.keys()
