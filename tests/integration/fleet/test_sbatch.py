"""Job arrays, parsed by Debian's own slurm: a controller with a made-up configuration, and no node."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from stackcheck.fleet.render import slurm
from tests.unit.fleet.render_cases import AGENT, TWO, made, stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slurm

CONFIGURATION = """\
ClusterName=made-up
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={port_of_nodes}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmctldParameters=cloud_dns
SuspendTime=3600
SuspendProgram=/bin/true
ResumeProgram=/bin/true
NodeName=h[1-2] CPUs=16 RealMemory=64000 Gres=gpu:h100:4 Feature=hopper State=CLOUD
NodeName=t[1-2] CPUs=16 RealMemory=64000 Gres=gpu:t4:4 Feature=turing State=CLOUD
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a controller of its own; return the environment in which Slurm's commands ask it."""
    assert shutil.which("slurmctld"), "this test needs slurmctld"
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    user = os.environ.get("USER") or "root" if os.getuid() else "root"
    text = CONFIGURATION.format(folder=folder, port=free_port(), port_of_nodes=free_port(), user=user)
    (folder / "slurm.conf").write_text(text)
    env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    with (folder / "out").open("wb") as log:
        process = subprocess.Popen(["slurmctld", "-D", "-i"], env=env, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while subprocess.run(["sinfo", "-h"], env=env, capture_output=True, check=False).returncode:
            assert process.poll() is None, (folder / "out").read_text()
            assert time.monotonic() < end, (folder / "slurmctld.log").read_text()
            time.sleep(0.2)
        yield env
    finally:
        process.terminate()
        process.wait(30)


def sbatch(env: dict[str, str], folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "x.sbatch").write_text(script)
    command = ["sbatch", *words, "x.sbatch"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_sbatch_takes_an_array_and_finds_a_node_for_it(controller: dict[str, str], tmp_path: Path) -> None:
    for kind, node in (("H100", "h"), ("T4", "t")):
        (array,) = made(*TWO[::2], gpus=[kind], labelled=False)
        done = sbatch(controller, tmp_path, slurm.script(array, slurm.SlurmOptions()), "--test-only")
        assert done.returncode == 0, done.stderr
        assert f"on nodes {node}1 in partition gpu" in done.stderr


def test_what_sbatch_understood_is_what_was_meant(controller: dict[str, str], tmp_path: Path) -> None:
    asked = slurm.SlurmOptions(gpus=2, cpus=3, memory="8G", time="01:30:00", parallel=1, constraint="hopper")
    (array,) = made(*TWO[::2], gpus=["H100"], labelled=False)
    done = sbatch(controller, tmp_path, slurm.script(array, asked), "--parsable", "--hold")
    assert done.returncode == 0, done.stderr
    job = done.stdout.strip()
    shown = subprocess.run(
        ["scontrol", "show", "job", job], env=controller, capture_output=True, text=True, check=True
    )
    subprocess.run(["scancel", job], env=controller, check=True)
    for fact in (
        f"JobName={array.name}", "ArrayTaskId=0-1%1", "TimeLimit=01:30:00", "CPUs/Task=3",
        "MinMemoryNode=8G", "Features=hopper", "TresPerNode=gres:gpu:h100:2", "Requeue=1", "NumTasks=1",
        f"StdOut={tmp_path}/{array.name}-{job}_",
    ):  # fmt: skip
        assert fact in shown.stdout, shown.stdout


def test_a_gpu_that_no_node_has_is_refused_so_the_check_is_real(
    controller: dict[str, str], tmp_path: Path
) -> None:
    (array,) = made(stack(), gpus=["B200"], labelled=False)
    done = sbatch(controller, tmp_path, slurm.script(array, slurm.SlurmOptions()), "--test-only")
    assert done.returncode == 1
    assert "Requested node configuration is not available" in done.stderr


@pytest.mark.parametrize("container", ["apptainer", "pyxis"])
def test_the_script_itself_runs_its_tools_with_what_was_rendered(container: str, tmp_path: Path) -> None:
    """The tools are stand-ins that write down how they were called; bash is the real one."""
    (array,) = made(*TWO[::2], gpus=["H100"], labelled=False, start_check=True)
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name, content in slurm.files([array], AGENT, slurm.SlurmOptions(container=container)):  # type: ignore[arg-type]
        (folder / name).write_bytes(content)
    stand_in = tmp_path / "bin" / "srun"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@" --- >>"$CALLS"\n')
    stand_in.chmod(0o755)
    env = {
        "PATH": f"{stand_in.parent}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"),
        "SLURM_SUBMIT_DIR": str(folder), "SLURM_ARRAY_TASK_ID": "1",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", f"{array.name}.sbatch"], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    checks, tasks, _ = (tmp_path / "calls").read_text().split("---\n")
    assert tasks == checks.replace(f"{array.name}.checks.json", f"{array.name}.tasks.json")
    assert tasks.endswith(
        "python3\n-B\n/stackcheck/agent.pyz\ntask\n"
        f"/stackcheck/{array.name}.tasks.json\n--index\n1\n--to\n/stackcheck/results\n"
    )
    assert (f"--bind\n{folder}:/stackcheck\n" in tasks) == (container == "apptainer")
    assert (f"--container-mounts={folder}:/stackcheck\n" in tasks) == (container == "pyxis")
    (folder / "agent.pyz").unlink()
    done = subprocess.run(
        ["bash", f"{array.name}.sbatch"], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith("agent.pyz is not there: submit this from its own folder.\n")
