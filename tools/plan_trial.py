"""Plan a list of wishes against the real index, and hold each requirements file against `uv pip compile`.

    python tools/plan_trial.py > reports/plan-trial.md

It needs PyPI; what other indexes do not answer is in the table as not proven.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from uv import find_uv_bin

WISHES = (
    "torch==2.8 cuda==12.8 --gpu L4,B200 --with spconv,mmcv,torch-scatter,flash-attn --python 3.12",
    "--gpu V100 --with xformers",
    "--gpu B200 --with vllm --driver 580",
    "torch==2.9 --gpu H100 --with torchvision,torchaudio",
    "--driver 550 --gpu A100 --with transformers,accelerate",
    "torch==2.7 'numpy<2'",
    "--with torchcodec,torchao --python 3.11",
    "torch==2.5 --with xformers,bitsandbytes --gpu A10G",
    "torch==2.8 --platform linux/arm64 --gpu GH200 --with torchvision",
    "'torch>=2.4' --gpu 'GTX 1080 Ti' --driver 550",
    "torch==2.8 --with lightning,peft,torchmetrics --python 3.11",
    "torch==2.6 --with spconv,flash-attn --gpu A100,H100",
    "torch==2.8 --with spconv --python 3.14",
    "torch==2.15 --driver 470",
    "torch==2.8 cuda==12.6 --gpu B200",
    "torch==2.99",
    "torch==2.8 cuda==12.6 --gpu L4",
    "torch==2.8 --with torch-scatter --no-build",
)
_PLATFORMS = {"linux/amd64": "x86_64-manylinux_2_39", "linux/arm64": "aarch64-manylinux_2_39"}


def planned(words: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `stackcheck plan`."""
    command = [sys.executable, "-m", "stackcheck", "plan", *shlex.split(words), "-q", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def compiled(requirements: str, python: str, platform: str) -> str:
    """Return what `uv pip compile` says of a requirements file: that it resolves, or its first words."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements, encoding="utf-8")
        command = [find_uv_bin(), "pip", "compile", "-q", "--python-version", python]
        command += ["--python-platform", _PLATFORMS[platform], "--no-header", "--no-annotate", str(file)]
        environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        return f"fails: {done.stderr.strip()[:160]}"
    return f"resolves, {len([line for line in done.stdout.splitlines() if '==' in line])} packages"


def row(words: str) -> tuple[str, ...]:
    """Return one line of the table."""
    start = time.monotonic()
    done = planned(words, "--format", "json")
    seconds = time.monotonic() - start
    made: dict[str, Any] = json.loads(done.stdout)
    parts = shlex.split(words)
    platform = parts[parts.index("--platform") + 1] if "--platform" in parts else "linux/amd64"
    uv = "-"
    if made["proven"]:
        requirements = planned(words, "--format", "requirements").stdout
        uv = compiled(requirements, made["python"], platform)
    return (f"`{words}`", str(done.returncode), _said(made), _why(made), uv, f"{seconds:.0f} s")


def _said(made: dict[str, Any]) -> str:
    if not made["found"]:
        return "nothing was found that fits: " + ", ".join(
            f"`{each['wish']}`" for each in made["exclude_each_other"]
        )
    packages = [
        f"{each['name']} {each['version']}{' (source)' if each['built'] else ''}" for each in made["packages"]
    ]
    proof = "" if made["proven"] else "not proven: "
    return f"{proof}Python {made['python']}: {', '.join(packages)}"


def _why(made: dict[str, Any]) -> str:
    changes = [f"{'.'.join(each['path'])}: {each['before']} -> {each['after']}" for each in made["changes"]]
    ways = [
        f"without `{each['wish']}`: "
        + (
            ", ".join(f"{'.'.join(c['path'])} {c['after']}" for c in each["without"] or ())
            or "the rest stands"
        )
        for each in made["exclude_each_other"]
    ]
    return "; ".join((*made["gave_way"], *changes, *ways)).replace("|", "/")


HEAD = """# Plans of wishes, tried on {day}

`python tools/plan_trial.py` makes this table against PyPI. The machine that it was made on reaches no other
index: what only download.pytorch.org or data.pyg.org has is not proven here (exit code 3), or is built from
source, and says so. `uv pip compile` was given the requirements file of each proven plan, for its Python and
platform. Seconds are those of a first run on two busy cores; an index that does not answer costs 10 of them.

| wish | exit | what came out | what had to give way | `uv pip compile` | time |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Print the table."""
    sys.stdout.write(HEAD.format(day=datetime.now(UTC).date()))
    for words in WISHES:
        sys.stdout.write(f"| {' | '.join(each.replace('|', '/') for each in row(words))} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
