"""Time the rules over stacks whose torch is loose: python tests/benchmarks/loose_stacks.py [N]

What a loose torch takes is judged by PIN104, which asks the other rules about the stack with that torch
pinned. The same shapes are judged with torch pinned and loose, in this process and in turn, so that their
ratio holds on a busy machine: CPU of this process, the least of three runs each.
"""

from __future__ import annotations

import sys
import time
from itertools import product
from typing import Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.rules import load_all
from stackcheck.rules.alike import Alike

STACKS = 360
RUNS = 3
_GPUS = (("T4",), ("A100",), ("H100", "L4"), ("RTX 3090",), ("B200",))
_PYTHONS = ("3.10", "3.11", "3.12")
_NUMPYS = ("1.26.4", "2.1.3")
_PACKAGES: tuple[dict[str, str], ...] = ({}, {"transformers": "4.48.0"}, {"torchvision": "latest"})
_INDEXES: tuple[dict[str, Any], ...] = ({}, {"extra": ["https://download.pytorch.org/whl/cu124"]})


def stacks(count: int, torch: str) -> list[Stack]:
    """Return `count` stacks, each of another name, of 180 shapes."""
    shapes = list(product(_GPUS, _PYTHONS, _NUMPYS, _PACKAGES, _INDEXES))
    return [_stack(number, torch, *shapes[number % len(shapes)]) for number in range(count)]


def _stack(
    number: int, torch: str, gpus: tuple[str, ...], python: str, numpy: str, more: Any, index: Any
) -> Stack:
    packages = {"torch": torch, "numpy": numpy, **more}
    fields = {"gpus": gpus, "python": python, "packages": packages, "index": index}
    return Stack.model_validate({"id": f"loose-{number}", "platform": "linux/amd64", **fields})


def seconds(judged: list[Stack]) -> float:
    """Return the CPU that judging takes, with nothing kept from before."""
    tables, alike = knowledge.load(), Alike()
    rules = [each for each in load_all() if {*each.needs} <= {"stack", "env", "tables"}]
    before = time.process_time()
    for stack in judged:
        alike.judge(rules, definition_facts(stack, tables))
    return time.process_time() - before


def main() -> None:
    """Print the CPU of both kinds, and their ratio."""
    count = int(sys.argv[1]) if sys.argv[1:] else STACKS
    kinds = {each: stacks(count, each) for each in ("2.6.0", ">=2.1")}
    seconds(kinds[">=2.1"][:20])  # tables are loaded, modules compiled
    found = {torch: min(seconds(each) for _ in range(RUNS)) for torch, each in kinds.items()}
    pinned, loose = found.values()
    print(f"{count} stacks: pinned {pinned:.2f} s, loose {loose:.2f} s of CPU, ratio {loose / pinned:.2f}")


if __name__ == "__main__":
    main()
