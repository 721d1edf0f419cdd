"""The rule about nightly builds: PyTorch's index keeps them for some weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import nightly_day
from stackcheck.rules.registry import Finding, failed, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from stackcheck.environment import Environment
    from stackcheck.environment.sources import Source
    from stackcheck.knowledge.dated import Dated
    from stackcheck.model.facts import Facts

_KEPT = 60
"""Builds of one package that the nightly index shows: the newest ones, one a day at most."""
_SURE = timedelta(days=2 * _KEPT)
"""After so long a build is gone, also where every second night had none."""
_LAW = Evidence(
    f"the nightly index shows the newest {_KEPT} builds of a package",
    "KEEP_THRESHOLD in s3_management/manage.py of pytorch/test-infra @027dd134993438 (checked 2026-11-30)",
)


def _has_nightlies(facts: Facts) -> bool:
    env = facts["env"]
    return "dated" in facts and any(each.exact and each.exact.dev for each in env.packages.values())


@rule("INDEX104", when=_has_nightlies, about="package")
def nightly_is_kept(env: Environment, dated: Dated) -> list[Finding]:
    """A pinned nightly build is still on PyTorch's nightly index.

    The index shows the newest 60 builds of each package; an installer does not find what is older ("could not
    find a version that satisfies the requirement"), and what was drawn in beside it is gone too. A build from
    another place is not judged.

    Source: s3_management/manage.py of https://github.com/pytorch/test-infra
    Example: torch 2.6.0.dev20241113+rocm6.2 two months later.
    Fix: a release, or a nightly of these days whose wheel you keep on an index of your own.
    """
    found: list[Finding] = []
    for name, each in env.packages.items():
        day = nightly_day(each.exact) if each.exact else None
        places = env.taken_from(name)
        if day is None or each.locked is not None or not any(place.kind == "pytorch" for place in places):
            continue
        age, what = dated.today - day, f"{name} {each.exact}"
        if age <= timedelta(days=_KEPT):
            found.append(passed(f"{what} is {age.days} days old, and the nightly index keeps that.", _LAW))
            continue
        found.append(_old(name, what, day, age, sure=_is_pytorchs(places)))
    return found


def _is_pytorchs(places: Iterable[Source]) -> bool:
    """Tell PyTorch's own index from a mirror, which may keep more."""
    return all("download.pytorch.org/" in place.url for place in places if place.kind == "pytorch")


def _old(name: str, what: str, day: date, age: timedelta, *, sure: bool) -> Finding:
    gone = age > _SURE and sure
    return (failed if gone else warned)(
        f"{what} was built {age.days} days ago and {'is no longer' if gone else 'may no longer be'} on "
        "PyTorch's nightly index.",
        _LAW,
        expected=f"one of the newest {_KEPT} builds",
        found=f"a build of {day}",
        hint="take a release, or a newer nightly, and keep its wheel on an index of your own",
        about=name,
    )
