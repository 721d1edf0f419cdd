"""What a quiet night costs, in one run: python tests/benchmarks/drift.py [PACKAGES] [RUNS]

A stack of 60 packages on a local index, its lock and its accepted baseline, nothing moved: the whole
command in a process of its own, beside `stackcheck --version` and uv resolving the same pins alone. The
least of several runs each, taken in turn; the first run of all fills the caches and is not counted. Prints
seconds and ratios; nothing here is a timed test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stackcheck.intake.catalog import load
from stackcheck.resolve.question import question_of
from stackcheck.resolve.resolver import Options
from stackcheck.resolve.uvinput import uv_input
from stackcheck.resolve.uvrun import compile_args, find_uv, project_folder, run_uv
from tests.integration.index.conftest import running
from tests.integration.index.server import IndexServer, make_wheel

GOAL_S = 3.0


def write_project(folder: Path, server: IndexServer, packages: int) -> None:
    """Put a chain of packages, each with 30 releases, on the index, and a stack that pins the first."""
    for number in range(packages):
        needs = (f"bench-{number + 1}>=1",) if number + 1 < packages else ()
        server.add("main", *(make_wheel(f"bench-{number}", f"1.{minor}", *needs) for minor in range(30)))
    (folder / "matrices").mkdir()
    (folder / "matrices" / "bench.toml").write_text(
        '[[stack]]\nid = "bench"\npython = "3.11"\nplatform = "linux/amd64"\nglibc = "2.36"\n'
        f'index = {{ url = "{server.simple("main")}" }}\npackages = {{ "bench-0" = "1.29" }}\n'
    )


def timed(folder: Path, environ: dict[str, str], *words: str) -> float:
    """Time one command in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    return seconds


def uv_alone(folder: Path, options: Options) -> float:
    """Time uv with the very question that stackcheck asks."""
    (stack,) = load([folder / "matrices"])
    asked = uv_input(question_of(stack), options.environ, offline=False)
    args = compile_args(asked.args, "pylock.toml")
    place = project_folder(options.cache_folder, asked.project)
    answer = run_uv(find_uv(), args, cwd=place, env=asked.env, timeout_s=600)
    assert answer.code == 0, answer.stderr
    return answer.seconds


def main(arguments: list[str]) -> None:
    packages, runs = (int(each) for each in (*arguments, *("60", "7")[len(arguments) :]))
    with tempfile.TemporaryDirectory() as name, running() as server:
        folder = Path(name)
        write_project(folder, server, packages)
        own = {"HOME": name, "STACKCHECK_CACHE": f"{name}/cache", "STACKCHECK_STATE": f"{name}/state"}
        environ = {**os.environ, **own, "UV_CACHE_DIR": f"{name}/uv"}
        options = Options(cache=folder / "cache", environ=environ)
        timed(folder, environ, "lock", "bench")
        timed(folder, environ, "drift", "bench", "--accept", "the first baseline")
        before = len(server.requests)
        timed(folder, environ, "drift", "bench")
        asked = len(server.requests) - before
        rows = [
            (
                timed(folder, environ, "--version"),
                uv_alone(folder, options),
                timed(folder, environ, "drift", "bench"),
            )
            for _ in range(runs)
        ]
        start, uv, drift = (min(column) for column in zip(*rows, strict=True))
        print(
            f"{packages} packages, nothing moved: drift {drift:.3f} s ({drift / GOAL_S:.2f} of the "
            f"{GOAL_S:g} s it may take), uv alone {uv:.3f} s ({drift / uv:.1f} x), "
            f"start {start:.3f} s ({drift / start:.1f} x); {asked} requests a night"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
