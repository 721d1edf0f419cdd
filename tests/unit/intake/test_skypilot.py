"""Tasks of SkyPilot: GPUs, image, and what their setup installs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck.intake import skypilot
from stackcheck.intake.project import take
from stackcheck.model.errors import UsageError

TASK = """name: tune
resources:
  accelerators: {asked}
workdir: .
setup: |
  pip install -r requirements.txt
  pip install torch==2.5.1 --index-url https://download.pytorch.org/whl/cu124
run: python train.py
"""


@pytest.mark.parametrize(
    ("asked", "gpus"),
    [
        ("A100:8", ["A100"]),
        ("{L4: 1}", ["L4"]),
        ("[A100-80GB:4, H100:2]", ["A100-80GB", "H100"]),
        ("L4", ["L4"]),
    ],
)
def test_a_task_asks_for_gpus_in_one_of_four_ways(asked: str, gpus: list[str], tmp_path: Path) -> None:
    (task,) = skypilot.read(TASK.format(asked=asked), tmp_path, "tune.yaml").containers
    assert [each.value for each in task.stated if each.key == "gpus"] == gpus


def test_a_task_of_a_folder_is_found_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "tune.yaml").write_text(TASK.format(asked="L4:1"), encoding="utf-8")
    (tmp_path / "other.yaml").write_text("lr: 0.1\nresources: few\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("numpy==1.26.4\n", encoding="utf-8")
    (taken,) = take([tmp_path])
    assert {Path(each).name for each in taken.files} == {"tune.yaml", "requirements.txt"}
    assert taken.stack.packages["torch"].version == "2.5.1"
    assert taken.stack.packages["numpy"].version == "1.26.4"
    assert [each.name for each in taken.stack.gpus] == ["L4"]


def test_an_image_of_docker_is_the_machine_s(tmp_path: Path) -> None:
    text = "resources:\n  image_id: docker:pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime\nrun: python a.py\n"
    (task,) = skypilot.read(text, tmp_path, "a.yaml").containers
    assert {each.key: each.value for each in task.stated}["image.ready"].startswith("pytorch/pytorch:2.5.1")


def test_a_gpu_that_nobody_knows_is_said_and_not_taken(tmp_path: Path) -> None:
    text = "resources:\n  accelerators: XYZ-9:1\nrun: a\n"
    (task,) = skypilot.read(text, tmp_path, "a.yaml").containers
    assert [each.text for each in task.open] == ["'XYZ-9' is not a GPU that is known, so it was not taken."]


def test_another_yaml_is_not_a_task(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a task of SkyPilot"):
        skypilot.read("a: 1\n", tmp_path, "a.yaml")
