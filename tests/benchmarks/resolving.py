"""What resolving costs on top of uv itself, in one run: python tests/benchmarks/resolving.py STACK [RUNS]

Both sides resolve the same pins with the same cache and arguments: uv alone writes its own lock, `resolve`
gives packages, indexes and dependencies as well. The least of several runs each, taken in turn; the first
run of all fills the caches and is not counted. Prints seconds and the ratio; nothing here is a timed test.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.intake.catalog import find
from stackcheck.resolve.locking import resolution_facts
from stackcheck.resolve.question import question_of
from stackcheck.resolve.resolver import Options, Resolution, resolve
from stackcheck.resolve.uvinput import uv_input
from stackcheck.resolve.uvrun import compile_args, find_uv, project_folder, run_uv

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


def uv_alone(stack: Stack, options: Options) -> float:
    """Time uv with the very question that stackcheck asks."""
    asked = uv_input(question_of(stack), options.environ, offline=options.offline)
    folder = project_folder(options.cache_folder, asked.project)
    args = compile_args(asked.args, "pylock.toml")
    answer = run_uv(find_uv(), args, cwd=folder, env=asked.env, timeout_s=600)
    assert answer.code == 0, answer.stderr
    return answer.seconds


def whole(stack: Stack, options: Options) -> float:
    """Time resolve()."""
    start = time.perf_counter()
    found = resolve(stack, options)
    assert isinstance(found, Resolution), found
    return time.perf_counter() - start


def facts(stack: Stack, options: Options) -> float:
    """Time all facts of the 2xx rules."""
    start = time.perf_counter()
    resolution_facts(stack, options, options.cache_folder / "locks")
    return time.perf_counter() - start


def main(arguments: list[str]) -> None:
    [stack], runs = find(arguments[:1]), int(arguments[1]) if len(arguments) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        online = Options(cache=Path(folder))
        whole(stack, online)
        for name, options in (("with the network", online), ("offline", replace(online, offline=True))):
            rows = [
                (uv_alone(stack, options), whole(stack, options), facts(stack, options)) for _ in range(runs)
            ]
            uv, ours, all_facts = (min(column) for column in zip(*rows, strict=True))
            print(
                f"{name}: uv {uv:.3f} s, resolve {ours:.3f} s ({ours / uv:.2f} x, {ours - uv:+.3f} s), "
                f"all facts {all_facts:.3f} s"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
