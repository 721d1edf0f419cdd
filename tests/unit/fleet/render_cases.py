"""What is rendered in tests, and the golden files: `python -m tests.unit.fleet.render_cases` writes them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.fleet.render import k8s, queues, slurm, yamltext
from stackcheck.fleet.render.arrays import Array, Wish, arrays
from stackcheck.fleet.render.gpukinds import kind_of
from stackcheck.fleet.render.pods import PodOptions, toleration
from stackcheck.intake.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATA = Path(__file__).parents[2] / "data/fleet"
AGENT = b"the agent, for which eighteen bytes stand here"
REF = f"registry.example:5000/team/app@sha256:{'1' * 64}"
OTHER = f"registry.example:5000/team/other:2.5@sha256:{'2' * 64}"
RUNNER = f"registry.example:5000/team/stackcheck@sha256:{'3' * 64}"
POD = PodOptions()
FULL = PodOptions(
    namespace="gpu-checks",
    gpus=2,
    groups=(109, 44),
    claim="stackcheck-results",
    pull_secrets=("registry-login",),
    tolerations=(toleration("team=vision:NoSchedule"),),
    secrets={"UV_INDEX_TEAM_PASSWORD": ("index-login", "password")},
)
JOB = k8s.JobOptions()


def stack(name: str = "one", **fields: Any) -> Stack:
    given = {"id": name, "python": "3.11", "probes": {"want": ["torch_build"]}, **fields}
    return Stack.model_validate(given)


def made(*stacks: Stack, **wish: Any) -> tuple[Array, ...]:
    given = {"images": {each.id: REF for each in stacks}, "labels": {}, "gpus": ["H100"], **wish}
    return arrays(stacks, Wish(**given))


TWO = (stack("one"), stack("two", image={"python": "/opt/venv/bin/python"}), stack("three"))


def jobs() -> list[dict[str, Any]]:
    """Two images, two kinds of GPU and a start check, answers to the log."""
    images = {"one": REF, "two": OTHER, "three": REF}
    found = made(*TWO, images=images, gpus=["H100", "8.9"], start_check=True)
    return list(k8s.objects(found, AGENT, POD, k8s.JobOptions(parallel=1)))


def kueue() -> list[dict[str, Any]]:
    """Admitted by Kueue, answers to a claim, with everything that a pod can be given."""
    found = made(*TWO[:1], gpus=["A100", "MI300X", "8.9"])
    claim = k8s.claim("stackcheck-results", "5Gi", "ReadWriteMany", "fast", FULL)
    kinds = [array.kind for array in found]
    return [
        claim,
        *queues.kueue_setup(kinds, "gpu-checks", 4, FULL),
        *k8s.objects(found, AGENT, FULL, k8s.JobOptions(queue="gpu-checks", retries=2)),
    ]


def drift() -> list[dict[str, Any]]:
    wish = k8s.DriftOptions(image=RUNNER, schedule="17 3 * * *", project="project", stacks=("one", "two"))
    return list(k8s.drift(wish, AGENT, FULL, JOB))


def ray() -> list[dict[str, Any]]:
    wish = queues.RayOptions(image=RUNNER, version="2.49.0", words=("cuda124*", "it's"), workers=2)
    return [queues.ray_job([kind_of("H100", {}), kind_of("T4", {})], wish, PodOptions(claim="results"))]


def apptainer() -> str:
    return slurm.script(made(*TWO, start_check=True)[0], slurm.SlurmOptions(parallel=2, partition="gpu"))


def pyxis() -> str:
    found = made(stack("one"), images={"one": OTHER})
    return slurm.script(found[0], slurm.SlurmOptions(container="pyxis", gres={"H100": "gpu:hopper"}, gpus=2))


DOCUMENTS: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
    "jobs.yaml": jobs,
    "kueue.yaml": kueue,
    "drift.yaml": drift,
    "ray.yaml": ray,
}


def _dumped(make: Callable[[], list[dict[str, Any]]]) -> str:
    return yamltext.dump(make())


GOLDEN: Mapping[str, Callable[[], str]] = {
    **{name: partial(_dumped, make) for name, make in DOCUMENTS.items()},
    "apptainer.sbatch": apptainer,
    "pyxis.sbatch": pyxis,
}

if __name__ == "__main__":
    for name, make in GOLDEN.items():
        (DATA / name).write_text(make(), encoding="utf-8")
