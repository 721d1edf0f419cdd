"""Stacks that take a moment and leave a mark: a smoke test in the interpreter that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SMOKE = """\
import os, pathlib, sys, time
marks = pathlib.Path({marks!r})
(marks / f"{{sys.argv[1]}}-{{time.time_ns()}}").write_text(os.environ.get("TEAM_WORD", ""))
time.sleep({seconds})
"""
STACK = """\
[[stack]]
id = "{name}"
accelerator = "{accelerator}"
{gpus}
[stack.probes]
want = ["system", "nvidia_driver"]
[stack.ignore]
DRIVER301 = "a GPU that is made up has no libcuda"
[[stack.smoke]]
name = "wait"
script = "wait.py"
args = ["{name}"]
timeout_s = 60

"""


def write(folder: Path, count: int, seconds: float) -> dict[str, tuple[str, ...]]:
    """Write `count` stacks, a third for a T4, a third for an H100, a third for the CPU; return their GPUs."""
    marks = folder / "marks"
    (folder / "matrices").mkdir(parents=True)
    marks.mkdir()
    (folder / "matrices" / "wait.py").write_text(SMOKE.format(marks=str(marks), seconds=seconds))
    gpus: dict[str, tuple[str, ...]] = {}
    text = ""
    for number in range(count):
        kind = ("T4", "H100", "")[number % 3]
        name = f"{(kind or 'cpu').lower()}-{number:02}"
        gpus[name] = (kind,)
        stated = f'gpus = ["{kind}"]' if kind else ""
        text += STACK.format(name=name, gpus=stated, accelerator="cuda" if kind else "cpu")
    (folder / "matrices" / "made.toml").write_text(text)
    return gpus


def start(folder: Path, *words: str, **environ: str) -> subprocess.Popen[str]:
    """Start `stackcheck fleet` in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "stackcheck", "fleet", *words],
        cwd=folder,
        env={**os.environ, "STACKCHECK_CACHE": str(folder / "cache" / "driver"), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `stackcheck fleet` in a folder to its end."""
    process = start(folder, *words, **environ)
    out, err = process.communicate(timeout=240)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def at_work(folder: Path, words: Sequence[str] = ("agent.pyz",)) -> list[str]:
    """Return the processes that work below a folder."""
    listed = subprocess.run(["ps", "-wweo", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    return [
        line
        for line in listed.stdout.splitlines()
        if str(folder) in line and " Z" not in line and any(word in line for word in words)
    ]
