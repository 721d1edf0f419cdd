"""Scripts of job arrays: what is refused, and what Slurm's tools call an image."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.fleet.render import slurm
from stackcheck.fleet.render.imagerefs import for_enroot
from stackcheck.model.errors import UsageError
from tests.unit.fleet.render_cases import AGENT, OTHER, REF, made, stack

PLAIN = slurm.SlurmOptions()


@pytest.mark.parametrize(
    ("reference", "enroot"),
    [
        (REF, f"registry.example:5000#team/app@sha256:{'1' * 64}"),
        (OTHER, f"registry.example:5000#team/other@sha256:{'2' * 64}"),
        ("team/app:1.0", "team/app:1.0"),
        ("ubuntu", "ubuntu"),
        ("localhost/app:1", "localhost#app:1"),
        ("/images/app.sqsh", "/images/app.sqsh"),
    ],
)
def test_enroot_has_a_hash_behind_the_registry_and_no_tag_beside_a_digest(
    reference: str, enroot: str
) -> None:
    assert for_enroot(reference) == enroot


def test_the_folder_holds_the_agent_and_for_each_array_its_tasks_and_its_script() -> None:
    arrays = made(stack("one"), gpus=["H100", "T4"], labelled=False)
    files = dict(slurm.files(arrays, AGENT, PLAIN))
    names = [array.name for array in arrays]
    assert [*files] == [
        "agent.pyz", *(f"{name}.{end}" for name in names for end in ("tasks.json", "sbatch")),
    ]  # fmt: skip
    assert files["agent.pyz"] == AGENT


def test_a_gpu_needs_no_label_where_slurm_finds_the_node() -> None:
    (array,) = made(stack("one"), gpus=["RTX 4090"], labelled=False)
    assert "#SBATCH --gres=gpu:rtx_4090:1" in slurm.script(array, PLAIN)


def test_the_cpu_asks_for_no_gres_and_amd_for_rocm() -> None:
    (array,) = made(stack("one"), gpus=["cpu"], labelled=False)
    assert "--gres" not in slurm.script(array, PLAIN)
    assert "--nv" not in slurm.script(array, PLAIN)
    (array,) = made(stack("one"), gpus=["MI300X"], labelled=False)
    assert " --rocm " in slurm.script(array, PLAIN)


def test_a_file_is_an_image_where_slurm_runs_it() -> None:
    hostile = "/images/$(touch x)'`a`.sif"
    (array,) = made(stack("one"), images={"one": hostile}, files=True)
    assert "image='/images/$(touch x)'\"'\"'`a`.sif'" in slurm.script(array, PLAIN)
    with pytest.raises(UsageError):
        made(stack("one"), images={"one": hostile})


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (
            "partition",
            "gpu\n#SBATCH --uid=0",
            "--partition 'gpu #SBATCH --uid=0': this is not a word of Slurm",
        ),
        ("account", "a b", "--account 'a b'"),
        ("memory", "lots", "--memory 'lots': this is not a memory of Slurm, such as 16G."),
        ("time", "soon", "--time 'soon': this is not a time of Slurm, such as 00:30:00."),
        ("gres", {"H100": "gpu h"}, "--gres H100='gpu h'"),
        ("gpus", 0, "--count 0: give a whole number from 1 on."),
    ],
)
def test_what_would_not_stay_in_its_line_is_refused(field: str, value: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        slurm.SlurmOptions(**{field: value})
    assert str(caught.value).startswith(said)
