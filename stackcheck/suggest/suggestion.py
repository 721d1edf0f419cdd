"""A suggestion: the changes that make a stack good, what each is for, and what they leave in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict
    from stackcheck.suggest.change import Path


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the definition, before and after.

    `needed_for` is what fails without it, all the other changes made: code and message of each verdict.
    `source` is where the fact behind the first of them can be read.
    """

    path: Path
    before: Any
    after: Any
    needed_for: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What was found for one stack.

    `changes` are empty for a stack that is good already, and where nothing was found; `stack` is the stack
    with them made. `failed` are the FAILs of the stack as it is; `remaining` those that the best attempt
    could not lift (none when `proven`). `doubts` are warnings and gaps that the changes bring. `tried` counts
    the stacks that were judged; `exhausted` says that no candidate was left, `smallest` that no smaller set
    of the candidates does it.
    """

    stack: Stack
    failed: tuple[Verdict, ...]
    changes: tuple[Change, ...] = ()
    remaining: tuple[Verdict, ...] = ()
    doubts: tuple[Verdict, ...] = ()
    tried: int = 0
    exhausted: bool = False
    smallest: bool = False

    @property
    def proven(self) -> bool:
        """Tell whether the rules were run over the changed stack and none failed."""
        return not self.remaining
