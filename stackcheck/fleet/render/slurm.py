"""Arrays as Slurm job arrays: a folder with a script an array, its tasks, and the agent. Pure.

Sources, checked 2026-11-30: https://slurm.schedmd.com/sbatch.html, https://slurm.schedmd.com/gres.html,
https://apptainer.org/docs/user/main/cli/apptainer_exec.html and https://github.com/NVIDIA/pyxis.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from stackcheck.fleet.render.gpukinds import CPU
from stackcheck.fleet.render.imagerefs import for_enroot
from stackcheck.fleet.render.names import checked
from stackcheck.model.errors import UsageError
from stackcheck_probes.arraytask import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck.fleet.render.arrays import Array

AGENT = "agent.pyz"
_SITE = "/stackcheck"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmOptions:
    """What a job array asks for, in Slurm's own words, and what starts its containers (pyxis is Enroot's).

    `gres` is what a kind of GPU is called there ("gpu:h100"), by its name; without, `gpu:` and the name.
    """

    container: Literal["apptainer", "pyxis"] = "apptainer"
    gpus: int = 1
    cpus: int = 4
    memory: str = "16G"
    time: str = "00:30:00"
    parallel: int = 0
    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    gres: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what sbatch would, and what would not stay in its line."""
        words = {name: getattr(self, name) for name in ("partition", "account", "qos", "constraint")}
        for name, text in words.items():
            if text:
                checked("word of Slurm", text, f"--{name}")
        for name, text in self.gres.items():
            checked("word of Slurm", text, f"--gres {name}=")
        checked("memory of Slurm", self.memory, "--memory")
        checked("time of Slurm", self.time, "--time")
        for option, number, least in (("--count", self.gpus, 1), ("--cpus", self.cpus, 1)):
            if number < least:
                raise UsageError(f"{option} {number}: give a whole number from {least} on.")


def files(arrays: Sequence[Array], agent: bytes, options: SlurmOptions) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the folder that is submitted from: a name and its bytes each."""
    yield AGENT, agent
    for array in arrays:
        yield f"{array.name}.tasks.json", array.document(array.tasks).encode("ascii")
        if array.checks:
            yield f"{array.name}.checks.json", array.document(array.checks).encode("ascii")
        yield f"{array.name}.sbatch", script(array, options).encode("utf-8")


def script(array: Array, options: SlurmOptions) -> str:
    """Return the script of one array: `sbatch NAME.sbatch` in its folder submits it."""
    lines = ["#!/bin/bash", *(f"#SBATCH --{word}" for word in _asked(array, options))]
    lines += [
        "# Made by `stackcheck fleet render slurm`; submit it from the folder that it lies in.",
        "set -euo pipefail",
        "folder=${SLURM_SUBMIT_DIR:?submit this with sbatch}",
        f"image={shlex.quote(_image(array, options))}",
        f'if [ ! -f "$folder/{AGENT}" ]; then',
        f'  echo "$folder/{AGENT} is not there: submit this from its own folder." >&2; exit 2',
        "fi",
        'mkdir -p "$folder/results"',
        "run() {",
        f"  {_call(array, options)}",
        "}",
        *(["run checks"] if array.checks else []),
        "run tasks",
    ]
    return "\n".join(lines) + "\n"


def _asked(array: Array, options: SlurmOptions) -> Iterator[str]:
    """Yield the options of sbatch; each was checked, or is ours."""
    most = min(options.parallel, len(array.tasks))
    yield f"job-name={array.name}"
    yield f"array=0-{len(array.tasks) - 1}{f'%{most}' if most else ''}"
    if array.kind.name != CPU:
        yield f"gres={_gres(array, options)}:{options.gpus}"
    yield "nodes=1"
    yield "ntasks=1"
    yield f"cpus-per-task={options.cpus}"
    yield f"mem={options.memory}"
    yield f"time={options.time}"
    yield "requeue"
    yield f"output={array.name}-%A_%a.log"
    for name in ("partition", "account", "qos", "constraint"):
        if text := getattr(options, name):
            yield f"{name}={text}"


def _gres(array: Array, options: SlurmOptions) -> str:
    stated = options.gres.get(array.kind.name)
    return stated or f"gpu:{array.kind.slug.removeprefix('nvidia-').replace('-', '_')}"


def _image(array: Array, options: SlurmOptions) -> str:
    if array.image.endswith((".sif", ".sqsh")):
        return array.image
    if options.container == "apptainer":
        return f"docker://{array.image}"
    return for_enroot(array.image)


def _call(array: Array, options: SlurmOptions) -> str:
    """Return the line that runs a file of tasks in a container, "$1" being "tasks" or "checks"."""
    own = f'{array.name}."$1".json'
    inner = (
        f"{shlex.quote(array.python)} -B {_SITE}/{AGENT} {COMMAND} {_SITE}/{own} "
        f'--index "$SLURM_ARRAY_TASK_ID" --to {_SITE}/results'
    )
    if options.container == "pyxis":
        return (
            f'srun --container-image="$image" --container-mounts="$folder:{_SITE}" --no-container-mount-home '
            f"--no-container-entrypoint {inner}"
        )
    given = {"nvidia.com/gpu": " --nv", "amd.com/gpu": " --rocm"}.get(array.kind.resource, "")
    return (
        f"srun apptainer exec --containall --no-home --writable-tmpfs{given} "
        f'--bind "$folder:{_SITE}" "$image" {inner}'
    )
