"""What several pins require of a package that the stack does not pin."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.model.versions import ranges_meet, spelled
from stackcheck.rules.grading import failed_by
from stackcheck.rules.questions import accepts
from stackcheck.rules.registry import Finding, rule, told_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.packages import Needs


class _Asked(NamedTuple):
    """What a pinned package asks for of another one, and the row that says so."""

    package: Distribution
    wanted: SpecifierSet
    row: Needs

    @property
    def title(self) -> str:
        return f"{self.package.name} {self.package.version}"


@rule("NEEDS104", when=told_of(lambda tables: tables.packages.declared_dists), about="package")
def requirements_meet(env: Environment, tables: Tables) -> list[Finding]:
    """What the pinned packages require of others that the stack does not pin can be had together.

    Two pins may accept each other, and ask for ranges of a third package that have no version in common: a
    resolver refuses them; installed one after the other, the second replaces what the first needs.

    Source: Requires-Dist of the wheels on PyPI (knowledge/told/).
    Example: whisperlivekit 0.2.6 requires triton<3, torch 2.5.1 requires triton==3.1.0.
    Fix: another release of one of the two.
    """
    return [
        _clash(other, one, two)
        for other, asked in sorted(_asked(env, tables).items())
        for one, two in combinations(asked, 2)
        if not ranges_meet(one.wanted, two.wanted)
    ]


def _asked(env: Environment, tables: Tables) -> Mapping[str, list[_Asked]]:
    """Return what is required of each package that is neither stated nor resolved; torch's own rows last."""
    settled = {*env.packages, *(canonicalize_name(Requirement(text).name) for text in env.stack.overrides)}
    found: dict[str, list[_Asked]] = defaultdict(list)
    for package, row in sorted(_rows(env, tables), key=lambda each: (each[0].name == "torch", each[0].name)):
        for other, wanted in row.asked(env.python, env.platform):
            if canonicalize_name(other) not in settled:
                found[canonicalize_name(other)].append(_Asked(package, wanted, row))
    return found


def _rows(env: Environment, tables: Tables) -> Iterator[tuple[Distribution, Needs]]:
    """Yield the pins that are releases on an index, with what they declare."""
    for name in tables.packages.declared_dists & env.packages.keys():
        if (row := env.declared(name)) is not None:
            yield env.packages[name], row


def _clash(other: str, one: _Asked, two: _Asked) -> Finding:
    asks, has = f"{other}{spelled(one.wanted)}", f"{other}{spelled(two.wanted)}"
    return failed_by(
        f"{one.title} requires {asks}, and {two.title} requires {has}: no release is both.",
        (one.row, f"{one.title}: Requires-Dist: {asks}"),
        (two.row, f"{two.title}: Requires-Dist: {has}"),
        expected=asks,
        found=f"{two.title}: {has}",
        hint=f"take another release of {one.package.name} or of {two.package.name}",
    )._replace(subject=one.package.name, question=accepts(other))
