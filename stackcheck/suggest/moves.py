"""Moves of one package to another version: which are offered, which is the nearest, and which is far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.suggest.candidates import Generator, Reach
from stackcheck.suggest.change import value_at
from stackcheck.suggest.learned import RESOLVES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.suggest.change import Edit, Path
    from stackcheck.suggest.learned import Learned

FAR = 8
"""How many other changes are rather made than one major step down."""


def is_movable(package: Package | None) -> bool:
    """Tell whether another version of a package can be taken: a wheel of an index, not a place of its own."""
    return package is not None and package.origin in (None, "wheel") and not package.direct


def step(now: Version, other: Version) -> tuple[int, int, int, bool]:
    """Return how far a version is from another: by major, minor and micro, then a newer one first."""
    return (
        abs(other.major - now.major),
        abs(other.minor - now.minor),
        abs(other.micro - now.micro),
        other < now,
    )


def is_far_down(now: Version, other: Version) -> bool:
    """Tell a major step down: a lower major version, or of a package before 1.0 less than half the minor."""
    if other.major == now.major == 0:
        return other.minor * 2 < now.minor
    return other.major < now.major


def far_steps(edit: Mapping[Path, Any], original: Stack) -> int:
    """Count the major steps down in an edit."""
    moved = [(value_at(original, path), after) for path, after in edit.items() if path[0] == "packages"]
    pinned = [(b.exact, a.exact) for b, a in moved if b is not None and a is not None]
    return sum(is_far_down(now, other) for now, other in pinned if now and other)


def offered(learned: Learned) -> Generator:
    """Return the generator of the versions that the resolver takes instead of those that it refuses."""

    def edits(env: Environment, tables: Tables) -> Iterator[Edit]:  # noqa: ARG001 - one signature
        for failure in learned.standing(env.stack):
            for name in failure.names:
                package = env.stack.packages.get(name)
                if package is None or not is_movable(package):
                    continue
                for version in learned.offers.get((name, package.version), ()):
                    yield {("packages", name): package.model_copy(update={"version": str(version)})}

    return Generator(f"{__name__}.offered", (RESOLVES,), Reach.PACKAGE, edits)
