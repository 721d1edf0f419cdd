"""Time the reading of a project's own files: python tests/benchmarks/project_files.py

Each figure is the least of several runs. Asked: `check .` offline over a project of 10 files, 30 times the
CPU of an empty interpreter; a uv.lock of 400 packages in 0.2 s; a folder with 10,000 other files in 0.5 s.
Beside `check .` stand the reading alone, the imports alone, and the same command over one requirement file,
which asks uv as well.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.intake.project import take

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
INDEX = "https://download.pytorch.org/whl/cu124"
FILES = {
    "Dockerfile": "FROM nvidia/cuda:12.4.1-devel-ubuntu22.04\nCOPY . /app\nWORKDIR /app\n"
    f"RUN pip install torch==2.5.0 --index-url {INDEX}\nRUN pip install -r requirements.txt\n",
    "requirements.txt": "torchvision==0.20.0\nnumpy==1.26.4\n"
    + "".join(f"part-{n}==1.{n}\n" for n in range(60)),
    "requirements-dev.txt": "pytest\nruff\n",
    "constraints.txt": "numpy<2\n",
    "pyproject.toml": '[project]\nname = "app"\nrequires-python = ">=3.10"\ndependencies = ["torch>=2.4"]\n',
    "setup.cfg": "[options]\ninstall_requires =\n  numpy\n",
    "environment.yml": "dependencies:\n  - python=3.11\n  - pytorch=2.5.0\n  - pip:\n"
    + "".join(f"    - part-{n}==1.{n}\n" for n in range(60)),
    "docker-compose.yml": "services:\n  train:\n    build: .\n    gpus: all\n",
    "deploy/train.yaml": "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: train\n"
    "    image: app:1\n    resources: {limits: {nvidia.com/gpu: 1}}\n",
    "cog.yaml": "build:\n  gpu: true\n  cuda: '12.4'\n  python_packages: [torch==2.5.0]\n",
}


def lock(packages: int) -> str:
    """Return a uv.lock of so many packages, each with ten wheels."""
    wheel = (
        '    {{ url = "https://files.example.org/{n}-{w}.whl", hash = "sha256:'
        + "a" * 64
        + '", size = 1 }},\n'
    )
    rows = (
        f'[[package]]\nname = "part-{n}"\nversion = "1.{n}"\n'
        'source = { registry = "https://pypi.org/simple" }\n'
        "wheels = [\n" + "".join(wheel.format(n=n, w=w) for w in range(10)) + "]\n\n"
        for n in range(packages)
    )
    return 'version = 1\nrequires-python = ">=3.10"\n\n' + "".join(rows)


def cpu(command: list[str], folder: Path) -> float:
    """Return the least CPU of a command and what it starts, in seconds."""
    found = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=False, cwd=folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


def wall(call: Callable[[], object]) -> float:
    """Return the least time of a call, in seconds."""
    found = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    """Print one line a figure."""
    with tempfile.TemporaryDirectory() as base:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ.update(PYTHONPYCACHEPREFIX=f"{base}/compiled", XDG_CACHE_HOME=f"{base}/cache")
        project = Path(base, "project")
        for name, text in FILES.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text, encoding="utf-8")
        _check(project)
        locked = Path(base, "locked")
        locked.mkdir()
        (locked / "uv.lock").write_text(lock(400), encoding="utf-8")
        print(f"a uv.lock of 400 packages: {wall(lambda: take([locked / 'uv.lock'])):.3f} s, asked 0.2")
        full = Path(base, "full")
        full.mkdir()
        for number in range(10_000):
            (full / f"photo{number}.jpeg").touch()
        (full / "requirements.txt").write_text("torch==2.5.0\n", encoding="utf-8")
        print(f"a folder with 10,000 other files: {wall(lambda: take([full])):.3f} s, asked 0.5")


def _check(project: Path) -> None:
    python = [sys.executable]
    empty = cpu([*python, "-c", "pass"], project)
    print(f"load {os.getloadavg()[0]:.2f}; python -c pass: {empty:.3f} s of CPU")
    reads = "from pathlib import Path; from stackcheck.intake.project import take; take([Path('.')])"
    check = [*python, "-m", "stackcheck", "check"]
    for label, command in (
        ("reading alone", [*python, "-c", reads]),
        ("imports of check alone", [*python, "-c", "import stackcheck.pipeline"]),
        ("check . --offline", [*check, ".", "--offline", "-q"]),
        ("check requirements.txt --offline", [*check, "requirements.txt", "--offline", "-q"]),
    ):
        spent = cpu(command, project)
        print(f"{label}: {spent:.3f} s of CPU, {spent / empty:.1f} times an empty interpreter")


if __name__ == "__main__":
    main()
