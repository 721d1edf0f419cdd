"""Which steps of a build the cache serves and which a change rebuilds, told before anything is built.

What a build was made from travels as a label of its image, so that the next build can be compared with it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.images.dockersteps import Parts, Step

Kept: TypeAlias = Mapping[str, Sequence["Parts"]]
"""What the cache knows of an earlier build: the parts of its steps, by stage."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One step of a build to come: `why` it runs again, "" while the cache has it."""

    step: Step
    why: str

    @property
    def rebuilt(self) -> bool:
        """Tell whether the step runs again."""
        return bool(self.why)


def keep(steps: Iterable[Step]) -> dict[str, list[Parts]]:
    """Return what is remembered of a build."""
    kept: dict[str, list[Parts]] = defaultdict(list)
    for step in steps:
        kept[step.stage].append(step.parts)
    return dict(kept)


def forecast(kept: Kept, steps: Sequence[Step]) -> tuple[Forecast, ...]:
    """Compare a build to come with an earlier one: which steps run again, and why.

    A step runs again when something that it is made from differs, or when one before it in its stage, or the
    stage that it takes from, does.
    """
    cold: dict[str, Step] = {}
    place: dict[str, int] = defaultdict(int)
    told = []
    for step in steps:
        number = place[step.stage]
        place[step.stage] += 1
        why = _why(step, kept.get(step.stage), number, cold)
        if why:
            cold.setdefault(step.stage, step)
        told.append(Forecast(step, why))
    return tuple(told)


def _why(step: Step, known: Sequence[Parts] | None, number: int, cold: Mapping[str, Step]) -> str:
    if first := cold.get(step.stage):
        return f"it follows line {first.line}"
    if source := next((stage for stage in step.takes if stage in cold), None):
        return f"it takes from the stage {source}, which runs again"
    if known is None:
        return "no earlier build of it is known"
    if number >= len(known):
        return "it is new"
    earlier = known[number]
    names = dict.fromkeys([*step.parts, *earlier])
    # The id of an image that is not here is not known; that is no change.
    known_image = "image" in step.parts and "image" in earlier
    changed = [
        name
        for name in names
        if step.parts.get(name) != earlier.get(name) and (name != "image" or known_image)
    ]
    if not changed:
        return ""
    return f"its {' and '.join(changed)} changed" if "text" not in changed else "its text changed"


def first_rebuilt(told: Iterable[Forecast]) -> Forecast | None:
    """Return the step at which a build leaves the cache, None when nothing runs again."""
    return next((each for each in told if each.rebuilt), None)


def to_label(kept: Kept) -> str:
    """Return it as the text of an image label."""
    return json.dumps(
        {stage: [dict(parts) for parts in rows] for stage, rows in kept.items()}, sort_keys=True
    )


def from_label(text: str) -> Kept:
    """Read the label of an image; one that is no such text is an earlier build of which nothing is known."""
    try:
        found = json.loads(text)
        return {str(stage): [dict(parts) for parts in rows] for stage, rows in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
