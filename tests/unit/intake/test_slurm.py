"""Scripts for sbatch: the GPUs that a job asks for, the modules that it loads, and what it installs."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from stackcheck.intake import slurm
from stackcheck.intake.project import take
from stackcheck.model.errors import UsageError

REQUIREMENTS = "torch==2.1.0\ntorchvision==0.16.0\n"


def job(*lines: str) -> str:
    return "\n".join(["#!/bin/bash", *lines, ""])


def stated(text: str, folder: Path, key: str) -> list[str]:
    found = slurm.read(text, folder, "run.sbatch")
    return [str(each.value) for one in (found, *found.containers) for each in one.stated if each.key == key]


@pytest.mark.parametrize(
    ("options", "gpus"),
    [
        ("--gres=gpu:a100:4", ["a100"]),
        ("--gres gpu:v100:2", ["v100"]),
        ("--gres=gpu:8", []),
        ("--gres=craynetwork:0,gpu:a100-40gb:1", ["a100-40gb"]),
        ("--gres=gpu:rtx_3090:1(S:0)", ["rtx_3090"]),
        ("--gpus=h100:2", ["h100"]),
        ("--gpus-per-node=nvidia_h100_80gb_hbm3:1", ["nvidia_h100_80gb_hbm3"]),
        ("-p gpu -G l40s:1 # the small ones", ["l40s"]),
        ("-Ga100:2", ["a100"]),
        ('-C "v100|h100"', ["v100", "h100"]),
        ("--constraint=ib&vram32", []),
        ("--gpus=$COUNT", []),
        ("--gres=gpu:a100-80:1", ["a100"]),
    ],
)
def test_the_type_of_a_gpu_stands_in_any_option_that_asks_for_one(
    options: str, gpus: list[str], tmp_path: Path
) -> None:
    assert [each.lower() for each in stated(job(f"#SBATCH {options}"), tmp_path, "gpus")] == gpus


def test_a_word_of_the_cluster_for_a_gpu_and_a_line_that_is_commented_out_ask_for_none(
    tmp_path: Path,
) -> None:
    found = slurm.read(job("##SBATCH --gres=gpu:k80:1", "#SBATCH --gres=gpu:big:1"), tmp_path, "a.sbatch")
    assert not found.stated
    assert [(each.text, each.place.line) for each in found.open] == [
        ("'big' is the cluster's own word for a GPU, so it was not taken: say which with --gpu.", 3)
    ]


@pytest.mark.parametrize(
    ("line", "toolkit"),
    [
        ("module load cuda/12.1", ["12.1"]),
        ("module purge; module load gcc/12.3.0 CUDA/12.1.1-GCC-12.3.0 cuDNN/8.9", ["12.1"]),
        ("ml cudatoolkit/11.8", ["11.8"]),
        ("module load cuda11.8/toolkit/11.8.0", ["11.8"]),
        ("module load devel/cuda/12.4", ["12.4"]),
        ("spack load cuda@12.2.0", ["12.2"]),
        ("V=12.6\nmodule load cuda/$V", ["12.6"]),
        ("module unload cuda/11.7", []),
        ("module load cudnn/8.9.7-cuda12", []),
        ("ml purge", []),
    ],
)
def test_the_cuda_module_is_the_toolkit(line: str, toolkit: list[str], tmp_path: Path) -> None:
    assert stated(job("#SBATCH -G 1", line), tmp_path, "toolkit") == toolkit


def test_what_the_name_of_a_module_does_not_say_is_listed(tmp_path: Path) -> None:
    text = job("#SBATCH -G 1", "module load cuda PyTorch/2.1.2-foss-2023a", "[ $A = 1 ] && ml cuda/11.8")
    found = slurm.read(text, tmp_path, "a.sbatch")
    assert not found.stated
    assert {(each.text[:42], each.place.line) for each in found.open} == {
        ("the module cuda does not say which CUDA to", 3),
        ("torch comes with the module PyTorch/2.1.2-", 3),
        ("'ml cuda/11.8' stands behind a condition t", 4),
    }


def test_the_python_of_a_module_is_that_of_a_job_without_conda(tmp_path: Path) -> None:
    module = "module load Python/3.11.3-GCCcore-12.3.0"
    assert stated(job("#SBATCH -G 1", module), tmp_path, "python") == ["3.11"]
    for activated in ("conda activate x", "source activate x", "source ~/venv/bin/activate"):
        assert stated(job("#SBATCH -G 1", module, activated), tmp_path, "python") == []
    made = job("#SBATCH -G 1", module, "python -m venv venv", "source venv/bin/activate")
    assert stated(made, tmp_path, "python") == ["3.11"]


def test_jobs_say_where_the_requirements_run(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.sh").write_text(job("#SBATCH --gres=gpu:a100:1", "module load cuda/12.1"))
    (tmp_path / "jobs" / "b.sh").write_text(job("#SBATCH --gres=gpu:v100:1", "module load cuda/12.1"))
    (tmp_path / "jobs" / "setup.sh").write_text("pip install torch==1.0\n")
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (taken,) = take([tmp_path])
    assert [each.name for each in taken.stack.gpus] == ["a100", "v100"]
    assert taken.stack.toolkit == "12.1"
    assert {Path(each).name for each in taken.files} == {"a.sh", "b.sh", "requirements.txt"}
    assert not taken.open


def test_two_modules_of_cuda_are_said_once_however_many_jobs_load_them(tmp_path: Path) -> None:
    for name, version in (("a", "12.1"), ("b", "11.8"), ("c", "11.8")):
        (tmp_path / f"{name}.sbatch").write_text(job("#SBATCH -G 1", f"module load cuda/{version}"))
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (taken,) = take([tmp_path])
    assert [each.kind for each in taken.open] == ["contradiction"]


def test_a_job_that_installs_torch_is_a_stack_with_what_it_reads(tmp_path: Path) -> None:
    text = job(
        "#SBATCH --gres=gpu:a100:1",
        "module load Python/3.11.3",
        "pip install torch==2.5.1 --index-url https://download.pytorch.org/whl/cu121",
        "pip install -r requirements.txt",
    )
    (tmp_path / "train.sbatch").write_text(text)
    (tmp_path / "requirements.txt").write_text("timm==1.0.11\n")
    (taken,) = take([tmp_path])
    assert {name: each.version for name, each in taken.stack.packages.items()} == {
        "torch": "2.5.1",
        "timm": "1.0.11",
    }
    assert taken.places["packages.torch"].line == 4
    assert taken.stack.python == "3.11"


def test_a_job_in_an_image_is_a_stack(tmp_path: Path) -> None:
    text = job("#SBATCH -G 1", "#SBATCH --container-image=nvcr.io#nvidia/pytorch:24.03-py3")
    assert stated(text, tmp_path, "image.ready") == ["nvcr.io/nvidia/pytorch:24.03-py3"]
    assert stated(job("#SBATCH -G 1", "apptainer exec --nv ./a.sif x"), tmp_path, "image.ready") == []


def test_what_a_job_asks_for_is_held_against_no_image(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime\n")
    (tmp_path / "run.slurm").write_text(job("#SBATCH --gres=gpu:h100:1"))
    (taken,) = take([tmp_path])
    assert not taken.stack.gpus
    assert [str(each.place) for each in taken.open] == [str(tmp_path / "run.slurm")]


def test_a_job_alone_states_no_package(tmp_path: Path) -> None:
    path = tmp_path / "run.slurm"
    path.write_text(job("#SBATCH --gres=gpu:h100:1"))
    with pytest.raises(UsageError, match="no package is stated here"):
        take([path])


INSTALL = """#!/usr/bin/env bash
set -e
conda create -n gs python=3.10 -y
conda activate gs
pip install torch==2.1.2 torchvision==0.16.2 --index-url https://download.pytorch.org/whl/cu118
pip install -r requirements.txt
if [ "$FLASH" = "true" ]; then
  pip install flash-attn==2.5.6
fi
"""


@pytest.mark.parametrize("name", ["install.sh", "setup_env.sh", "scripts/install_dependencies.sh"])
def test_a_script_that_installs_is_read_where_no_other_file_states_torch(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(INSTALL)
    (tmp_path / "requirements.txt").write_text("timm==1.0.11\n")
    (taken,) = take([tmp_path])
    assert {key: each.version for key, each in taken.stack.packages.items()} == {
        "torch": "2.1.2",
        "torchvision": "0.16.2",
        "timm": "1.0.11",
    }
    assert taken.stack.python == "3.10"
    assert [each.place.line for each in taken.open] == [8]
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS)
    (taken,) = take([tmp_path])
    assert taken.stack.packages["torch"].version == "2.1.0"


def test_a_script_of_that_name_that_installs_no_torch_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "env.sh").write_text("export CUDA_HOME=/usr/local/cuda\nmodule load cuda/12.1\n")
    (tmp_path / "requirements.txt").write_text("timm==1.0.11\n")
    (taken,) = take([tmp_path])
    assert taken.stack.toolkit is None
    assert not taken.open


def test_a_script_that_installs_torch_on_a_condition_says_so(tmp_path: Path) -> None:
    text = "while true; do shift; done\nif [ $NEW = 1 ]; then\n  conda install pytorch==2.4.0\nfi\n"
    (tmp_path / "setup.sh").write_text(text)
    with pytest.raises(
        UsageError, match=r"setup\.sh:3: 'conda install pytorch==2\.4\.0' stands behind a condition"
    ):
        take([tmp_path])
    (tmp_path / "requirements.txt").write_text("timm==1.0.11\n")
    (taken,) = take([tmp_path])
    assert [each.place.line for each in taken.open] == [3]


def test_optional_packages_without_torch_do_not_hide_what_a_workflow_installs(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[options.extras_require]\ndev =\n    pytest\n")
    (tmp_path / "install.sh").write_text("pip install torch==2.5.1\n")
    assert [each.stack.version("torch") for each in take([tmp_path])] == [Version("2.5.1")]
