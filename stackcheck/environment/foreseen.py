"""What ranges, `latest` and pins without a build take, by the releases that are known: no resolver is asked.

An installer takes the newest release that a range admits and that has a wheel for the Python and platform; of
several builds of one release the one whose local version is the highest (PEP 440), and of several indexes
what `torchplaces` says. What was released after the tables were read is not known here: a choice that no
later release can change is `closed`.

Source: https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers
(checked 2026-11-30).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcheck.environment.images import kept_image
from stackcheck.environment.torchplaces import (
    Candidate,
    for_python,
    is_stable_page,
    may_be_rocm,
    not_known,
    searched,
    torches_at,
    where_taken,
)
from stackcheck.model.markers import holds
from stackcheck.model.versions import same_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment.distribution import Distribution
    from stackcheck.environment.environment import Environment
    from stackcheck.environment.sources import Source
    from stackcheck.environment.torchplaces import Installer
    from stackcheck.knowledge.torch import Release


@dataclass(frozen=True, slots=True)
class Taken:
    """What a distribution that no version is stated of takes: `version`, None where nothing known fits.

    asked: its range as stated. index: the place that has it where several are searched. why: what decides,
    as a clause. closed: no release that is still unknown can change it. source: where that can be read.
    lacks: what nothing known in the range does, as a clause: "has a wheel for macos/amd64".
    """

    name: str
    asked: str
    version: Version | None
    index: str = ""
    why: str = ""
    closed: bool = False
    source: str = ""
    lacks: str = ""


def foreseen(env: Environment, installer: Installer = "pip") -> tuple[Taken, ...]:
    """Return what the loose packages of a stack take, torch first; empty where a resolver was asked.

    A package is left out where a place is asked that the tables do not speak of, and where another package
    refuses its newest release: then a resolver weighs older ones against each other.
    """
    if not _is_open(env):
        return ()
    loose = [each for each in env.packages.values() if _is_loose(each, env)]
    chosen: dict[str, Taken] = {}
    for each in sorted(loose, key=lambda each: each.name != "torch"):
        pinned = {name: one.version for name, one in chosen.items() if one.version}
        taken = _take(each, env, pinned, searched(env, installer))
        if taken is not None:
            chosen[each.name] = taken
    return tuple(chosen.values())


def unforeseen(env: Environment) -> Source | None:
    """Return a place that a loose torch may come from, and of which the tables do not say what it has."""
    torch = env.stated.get("torch")
    if torch is None or torch.exact is not None or not _is_open(env) or not _is_loose(torch, env):
        return None
    return not_known(searched(env))


def _is_open(env: Environment) -> bool:
    """Tell whether nobody has decided yet what is taken: no resolver, and no image that keeps what it has."""
    return env.resolution is None and kept_image(env.stack, env.tables) is None


def _is_loose(each: Distribution, env: Environment) -> bool:
    marker = each.package.marker
    if not each.stated or each.origin not in (None, "wheel") or each.package.direct:
        return False
    if marker and not holds(marker, python=env.python, platform=env.platform):
        return False
    return each.exact is None or _without_build(each, env)


def _without_build(each: Distribution, env: Environment) -> bool:
    """Tell a pinned torch that is taken from the page where all builds of a release stand."""
    pin = each.exact
    if each.name != "torch" or pin is None or pin.local or pin.is_prerelease:
        return False
    stated = [place for place in env.sources("torch") if place.stated]
    return bool(stated) and all(is_stable_page(place) for place in stated)


def _take(
    each: Distribution, env: Environment, chosen: Mapping[str, Version], places: Sequence[Source]
) -> Taken | None:
    accepted = _accepted(each, env)
    known = torches_at(places, env) if each.name == "torch" else _releases(each.name, env)
    if known is None:
        return None
    newest, able = known
    fitting = sorted(
        (one for one in able if accepted.contains(one.version.public)),
        key=lambda one: one.version,
        reverse=True,
    )
    if not fitting:
        return _nothing(each, env, accepted, places)
    best = next((one for one in fitting if _pinned_accept(each.name, one.version, env)), fitting[0])
    held = best != fitting[0]
    if may_be_rocm(best, env) or not _others_accept(each.name, best.version, env, chosen, held=held):
        return None
    # A release above the newest that is known would be taken too, unless something rules that one out.
    closed = best.version.release < newest.release
    return Taken(
        each.name,
        each.package.version,
        best.version,
        *where_taken(best, places, env),
        closed,
        _source(each.name, best, env),
    )


def _accepted(each: Distribution, env: Environment) -> SpecifierSet:
    """Return what a range, the stack's own requirements, constraints and overrides leave of a package."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - few stacks are loose

    overrides = _ranges(env.stack.overrides, each.name)
    if overrides:
        return SpecifierSet(",".join(overrides))
    texts = (*env.stack.requires, *env.stack.constraints)
    return SpecifierSet(",".join(filter(None, (str(each.specifier), *_ranges(texts, each.name)))))


def _ranges(texts: Iterable[str], name: str) -> list[str]:
    found = (Requirement(text) for text in texts)
    return [str(one.specifier) for one in found if canonicalize_name(one.name) == name and not one.marker]


def _releases(name: str, env: Environment) -> tuple[Version, list[Candidate]] | None:
    """Return the newest release of a package on PyPI, and those with a wheel for the Python and platform.

    None where it is searched elsewhere, or where its releases are not known.
    """
    if not env.only_pypi(name):
        return None
    tables, python = env.tables, env.python
    package = tables.measured.package(name)
    rows = tables.packages.declared(name, _everything())
    declared = [version for version, _ in rows]
    newest = tables.packages.newest.get(name)
    known = {*declared, *(row.version for row in package.rows)} if package else {*declared}
    known |= {newest.version} if newest else set()
    final = [version for version in known if not version.is_prerelease and not version.local]
    if not final:
        return None
    refused = {version for version, row in rows if python is not None and not row.takes(python)}
    able = [version for version in final if version not in refused]
    if package is not None:
        measured = [package.row(version) for version in able]
        able = [
            row.version
            for row in measured
            if row and not row.yanked and row.pairs(env.platform)
            if python is None or row.serves(python, env.platform)
        ]
    return max(final), [Candidate(version) for version in able]


def _everything() -> SpecifierSet:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - few stacks are loose

    return SpecifierSet()


def _nothing(
    each: Distribution, env: Environment, accepted: SpecifierSet, places: Sequence[Source]
) -> Taken | None:
    """Say that no known torch in a range has a wheel here, where the range names one that exists."""
    named = [row for row in env.tables.torch.releases if accepted.contains(row.torch.public)]
    if each.name != "torch" or not named:
        return None
    there = [row for row in named if row.python.get(env.platform)]
    if not there:
        return _none_there(each, env, named[-1])
    if any(for_python(row.python[env.platform], env.python) for row in there):
        return _none_at(each, env, places)
    last = there[-1]
    pythons = ", ".join(last.python[env.platform])
    python = Version(env.python or "0")
    too_old = all(python < Version(word.rstrip("t+")) for word in last.python[env.platform])
    why = f"torch {last.torch}, the newest of them, has wheels for Python {pythons}"
    closed = too_old and last.torch == env.tables.torch.newest.torch
    lacks = "has a wheel for the Python of the stack"
    return Taken("torch", each.package.version, None, "", why, closed, last.cited, lacks)


def _none_there(each: Distribution, env: Environment, last: Release) -> Taken:
    """Say that no release in a range has a wheel for the platform; a later one might have."""
    why = f"torch {last.torch}, the newest of them, has wheels for {', '.join(last.python)}"
    closed = last.torch != env.tables.torch.newest.torch
    return Taken(
        "torch", each.package.version, None, "", why, closed, last.cited, f"has a wheel for {env.platform}"
    )


def _none_at(each: Distribution, env: Environment, places: Sequence[Source]) -> Taken | None:
    """Say that the one index that an installer asks has no release in a range; a later one it might have."""
    known = torches_at(places, env)
    newest = max((one.version for one in known[1]), default=None) if known else None
    if newest is None or len(places) > 1:
        return None
    last = env.tables.torch.release(newest)
    first = ", the first index that has torch" if len(searched(env)) > 1 else ""
    return Taken(
        "torch", each.package.version, None, places[0].url,
        f"{newest} is the newest{f' for Python {env.python}' if env.python else ''} there",
        newest.release < env.tables.torch.newest.torch.release,
        last.cited if last else "",
        f"is at {places[0].shown}{first}",
    )  # fmt: skip


def _source(name: str, best: Candidate, env: Environment) -> str:
    tables, version = env.tables, best.version
    row = (
        (tables.torch.release(version) if name == "torch" else None)
        or tables.measured.row(name, version)
        or tables.packages.declared_by(name, version)
        or tables.packages.newest.get(name)
    )
    return row.cited if row else ""


def _pinned_accept(name: str, version: Version, env: Environment) -> bool:
    """Tell whether no pinned package refuses a version by its METADATA: a resolver has no other to take."""
    return all(
        _admits(other.name, other.exact, name, version, env)
        for other in env.packages.values()
        if other.exact is not None and other.name != name
    )


def _others_accept(
    name: str, version: Version, env: Environment, chosen: Mapping[str, Version], *, held: bool
) -> bool:
    """Tell whether the METADATA of nobody else in the stack refuses a version, as far as they are known.

    held: a pinned package leaves no newer one, so that loose others follow where one of their releases can.
    """
    for other in env.packages.values():
        if other.name == name:
            continue
        pin = other.exact or chosen.get(other.name)
        known = _releases(other.name, env) if pin is None else None
        able = [one.version for one in known[1]] if known else []
        pins = [pin] if pin else able if held else [max(able)] if able else [known[0]] if known else []
        fits = (
            _admits(other.name, one, name, version, env) and _admits(name, version, other.name, one, env)
            for one in pins
        )
        if pins and not any(fits):
            return False
    return True


def _admits(name: str, pin: Version, other: str, version: Version, env: Environment) -> bool:
    """Tell whether one version of a package accepts a version of another one, by METADATA."""
    return all(
        accepted.contains(version.public, prereleases=True) for accepted in _needs(name, pin, other, env)
    )


def _needs(name: str, pin: Version, other: str, env: Environment) -> Iterator[SpecifierSet]:
    declared = env.tables.packages.declared_by(name, pin)
    if declared is not None and other in declared.needs:
        yield declared.needs[other]
    row = env.tables.measured.row(name, pin)
    for each in row.required(other) if row else ():
        marker = str(each.marker or "")
        if not marker or holds(marker, python=env.python, platform=env.platform) is True:
            yield each.specifier
    if other == "torch":
        yield from (
            one.torch
            for one in env.tables.torch.companions
            if one.name == name and same_release(one.version, pin) and one.torch is not None
        )


def unread(env: Environment, names: Iterable[str]) -> tuple[str, ...]:
    """Return the packages of which it is not known what they require: they may hold others back.

    What is compiled against the torch that is there takes any, and a loose companion follows torch.
    """
    mine = {*names, "torch"}
    return tuple(
        each.name for each in env.packages.values() if each.name not in mine and not _is_read(each, env)
    )


def _is_read(each: Distribution, env: Environment) -> bool:
    tables, pin = env.tables, each.exact
    if each.name in tables.packages.torch_imports and env.builds(each.name):
        return True
    companions = [one for one in tables.torch.companions if one.name == each.name]
    if pin is None:
        return bool(companions) or _releases(each.name, env) is not None
    row = tables.measured.row(each.name, pin)
    return (
        tables.packages.declared_by(each.name, pin) is not None
        or bool(row and row.wheel)
        or any(same_release(one.version, pin) for one in companions)
    )
