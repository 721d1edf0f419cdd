"""Count the packages of the coverage table whose wrong pin is found, and whose good pin is left alone.

`python -m tests.cases.coverage` prints the numbers, and what every rule says where they are not reached. The
rules see the definition and the tables alone: nothing is resolved, fetched or built.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import parse_stack
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.model.verdict import Verdict

FILE = Path(__file__).with_name("coverage.toml")
_LOUD = frozenset({Outcome.FAIL, Outcome.WARN, Outcome.ERROR})


@dataclass(frozen=True)
class Covered:
    """One package: was the wrong pin found by its rule, was the good one left alone, what was said."""

    dist: str
    found: bool
    silent: bool
    said: tuple[str, ...]


def read() -> dict[str, Any]:
    """Return coverage.toml: `package` rows, and `missing` ones with the reason."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def judge(row: dict[str, Any]) -> Covered:
    """Judge the two stacks of a package."""
    wrong, good = _loud(row, "wrong"), _loud(row, "good")
    found = any(
        each.code == row["rule"] and each.outcome.name == row["outcome"] and row["dist"] in each.message
        for each in wrong
    )
    said = tuple(
        f"{which}: {each.outcome.name} {each.code}: {each.message}"
        for which, verdicts in (("wrong", wrong), ("good", good))
        for each in verdicts
    )
    return Covered(row["dist"], found, not good, said)


def _loud(row: dict[str, Any], which: str) -> Sequence[Verdict]:
    """Return every FAIL, WARN and ERROR on one of the stacks; raise ValueError where it is not a stack."""
    definition = {"id": which, "platform": "linux/amd64", **row[which]}
    stack, faults = parse_stack(definition, file=FILE.name)
    if stack is None:
        raise ValueError("\n".join((row["dist"], *faults)))
    judged = judge_all(rules.before_build(Level.STATED), definition_facts(stack, knowledge.load()))
    return [each for each in judged if each.outcome in _LOUD]


def main() -> None:
    """Print the numbers, and what is not reached."""
    judged = [judge(row) for row in read()["package"]]
    for each in judged:
        if not (each.found and each.silent):
            sys.stdout.write("\n  ".join((each.dist, *each.said)) + "\n")
    both = sum(each.found and each.silent for each in judged)
    missing = len(read()["missing"])
    sys.stdout.write(f"{both} of {len(judged)} packages with pins, {missing} more without\n")


if __name__ == "__main__":
    main()
