"""Time the tables and the rules over them, in one run: python tests/benchmarks/tables.py [STACKS]

Start-up is a fresh interpreter that imports and proves every table. Checking is every 1xx rule over many
stacks (10,000 unless stated), from the rows of a definition to verdicts, on one core, each judged alone
(`check` judges once what stacks have in common: `many_stacks.py`). Asked are 0.15 s and 2,000 stacks a
second; CPU time is printed beside wall time, because on a busy machine only the first is ours, and beside it
the start of a bare interpreter, because that machine is slower for both.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Level
from stackcheck.rules import before_build
from stackcheck.rules.registry import judge_all
from tests.benchmarks.many_stacks import measured

EVERY_TABLE = """
import time
wall, cpu = time.perf_counter(), time.process_time()
from stackcheck.knowledge import Tables, load
known = load()
for name in dir(Tables):
    if not name.startswith("_"):
        getattr(known, name)
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
ONE_STACK = """
import sys, time
from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake import catalog
from stackcheck.model.verdict import Level
from stackcheck.rules import before_build
from stackcheck.rules.registry import judge_all
(stack,) = catalog.find([sys.argv[1]])
rules, known = before_build(Level.STATED), knowledge.load()
def judging():
    start = time.process_time()
    judge_all(rules, definition_facts(stack, known))
    return time.process_time() - start
first = judging()
print(first - min(judging() for _ in range(5)))
"""
"""What the first judgement of a stack takes more than a later one: the tables that it needs."""
GPUS = ["T4", "A100", "A10", "L4", "H100", "B200", "V100", "RTX 5090", "8.6"]
TAGS = ["", "", "+cu118", "+cu121", "+cu124", "+cu126", "+cu128", "+cu130", "+cpu"]
DRIVERS = ["535.104.05", "550.54.15", ">=525", "580.65.06", "R570"]


def main(arguments: list[str]) -> None:
    """Print both figures."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as pip installs it: compiled once, not in each process
    startup(1)
    wall, cpu = startup()
    with tempfile.TemporaryDirectory() as place:
        bare = min(measured([sys.executable, "-c", "pass"], Path(place)).cpu for _ in range(15))
    print(
        f"start-up with all tables: {wall:.3f} s wall, {cpu:.3f} s CPU (asked 0.15 s), {cpu / bare:.1f} times"
    )
    print(f"the start of a bare interpreter, {bare * 1000:.1f} ms CPU")
    for stack in ("cpu-torch213", "cuda130-torch211"):
        loading = min(float(_printed(ONE_STACK, stack)) for _ in range(7))
        print(f"what {stack} needs of the tables: {loading * 1000:.1f} ms CPU (asked 60 ms)")
    count = int(arguments[0]) if arguments else 10_000
    rows = generated(count)
    rules = before_build(Level.STATED)
    known = knowledge.load()
    judge(rules, Stack.model_validate(rows[0]), known)
    begin_wall, begin_cpu = time.perf_counter(), time.process_time()
    stacks = [Stack.model_validate(row) for row in rows]
    parsed_cpu = time.process_time()
    verdicts = sum(judge(rules, stack, known) for stack in stacks)
    wall, cpu = time.perf_counter() - begin_wall, time.process_time() - begin_cpu
    judging = cpu - (parsed_cpu - begin_cpu)
    print(f"{len(rules)} rules over {count} stacks: {verdicts} verdicts")
    print(f"judging: {count / judging:.0f} stacks/s of CPU time (asked 2,000)")
    both = f"{count / cpu:.0f} stacks/s of CPU time, {count / wall:.0f} of wall time"
    print(f"with reading the definitions: {both}")


def startup(runs: int = 7) -> tuple[float, float]:
    """Return the median wall and CPU seconds of a fresh interpreter that loads every table."""
    taken = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", EVERY_TABLE], check=True, capture_output=True, text=True, env=os.environ
        )
        taken.append([float(each) for each in done.stdout.split()])
    return statistics.median(each[0] for each in taken), statistics.median(each[1] for each in taken)


def _printed(code: str, *arguments: str) -> str:
    """Return what a fresh interpreter prints."""
    return subprocess.check_output([sys.executable, "-c", code, *arguments], text=True)


def judge(rules: Any, stack: Stack, known: knowledge.Tables) -> int:
    """Return how many verdicts the rules give."""
    return len(judge_all(rules, definition_facts(stack, known)))


def generated(count: int) -> list[dict[str, Any]]:
    """Return rows of stacks, right and wrong, the same in every run."""
    chance = random.Random(20261120)  # noqa: S311 - a benchmark, no secret
    known = knowledge.load().torch
    return [_row(number, chance, known) for number in range(count)]


def _row(number: int, chance: random.Random, known: Any) -> dict[str, Any]:
    torch = chance.choice(known.releases)
    fitting = [row for row in known.companions if row.accepts(torch.torch)]
    companion = chance.choice(fitting or known.companions)
    packages: dict[str, Any] = {
        "torch": f"{torch.torch}{chance.choice(TAGS)}",
        companion.name: str(companion.version),
        "numpy": chance.choice(["1.26.4", "2.0.0", "<2"]),
    }
    if chance.random() < 0.3:
        packages |= {"spconv-cu124": "2.3.8", "cumm-cu124": chance.choice(["0.7.11", "0.8.2"])}
    if chance.random() < 0.3:
        packages["mmcv"] = {"version": "2.1.0", "from": "source"}
    return {
        "id": f"stack-{number}",
        "python": chance.choice(["3.9", "3.10", "3.11", "3.12"]),
        "platform": chance.choice(["linux/amd64", "linux/arm64", "windows/amd64"]),
        "cuda": chance.choice(["11.8", "12.1", "12.4", "13.0"]),
        "toolkit": chance.choice(["11.8", "12.4", "12.8"]),
        "driver": chance.choice(DRIVERS),
        "gpus": chance.sample(GPUS, 3),
        "arch_list": chance.choice([["8.0", "9.0"], ["9.0+PTX"], ["7.5", "8.6", "12.0"]]),
        "packages": packages,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
