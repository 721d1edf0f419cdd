"""Rules about single compiled packages that ask what was measured of their wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge.unstated import holding
from stackcheck.model.evidence import Outcome
from stackcheck.rules.grading import cite, failed_by, wheel_was_found
from stackcheck.rules.questions import WORKS
from stackcheck.rules.registry import Finding, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Distribution, Environment
    from stackcheck.environment.sources import Source
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.measured import Measured, MeasuredPackage
    from stackcheck.model.facts import Facts

_TRIO = frozenset({"torch", "torchvision", "torchaudio"})
"""Judged by the rules of torch itself."""
_ONE_ABI = Version("2.7")
"""The first torch of which every official build uses the C++11 ABI (knowledge/told/torch.toml)."""
_AMD64 = "linux/amd64"
_RUNTIMES = ("nvidia-cuda-runtime", "nvidia-cublas", "cuda-toolkit")


def _is_measured(facts: Facts) -> bool:
    return not (facts["tables"].measured.names - _TRIO).isdisjoint(facts["env"].packages)


def _measured(
    env: Environment, tables: Tables, *, siblings: bool = False, lacking: bool = False, beside: bool = False
) -> Iterator[tuple[Distribution, MeasuredPackage, Measured]]:
    """Yield the distributions of a stack that may be the wheels which were measured, with their rows.

    `siblings`: also builds of the same release on the index of the project that makes it. `lacking`: also
    those that are built because none of their wheels fits. `beside`: also those that another place than
    PyPI may have as well.
    """
    for name, each in sorted(env.packages.items()):
        package = tables.measured.package(name) if name not in _TRIO else None
        if each.exact is None or package is None or not each.is_wheel or each.built_for:
            continue
        if env.builds(name) and not (lacking and env.lacks_wheel(name)):
            continue
        row = package.row(each.exact)
        place = env.elsewhere(name)
        served = place is None or (siblings and _is_sibling(name, place, env))
        served = served or (beside and any(one.kind == "pypi" for one in env.taken_from(name)))
        if row is not None and served:
            yield each, package, row


def _is_sibling(name: str, place: Source, env: Environment) -> bool:
    """Tell whether a project publishes another build of its release there, and the name tells no torch."""
    made = env.made_for(name)
    return place.kind == "project" and (made is None or made.torch is None)


@rule("WHEEL104", when=_is_measured, about="package")
def loads_with_torch(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled packages find the symbols that they need in the stack's torch.

    A library that is linked against torch names the functions that it calls. torch renames and removes them
    from release to release, and METADATA often names no torch, or only the oldest: a resolver accepts what
    fails at import with `undefined symbol`. Symbols are necessary and not sufficient: this says what can be
    loaded. Where METADATA pins torch with `==`, or the project excludes it, the rules on requirements answer.

    Source: the undefined symbols of the wheels on PyPI against what each release of torch exports there
    (`stackcheck learn`; knowledge/measured/).
    Example: sgl-kernel 0.3.21 with torch 2.8.0; torchtext 0.18.0 with torch 2.4.0.
    Fix: the release of the package that was compiled for this torch, or the other way round.
    """
    torch = env.torch.version
    if torch is None or not env.torch.official:
        return []
    return [
        finding._replace(subject=each.name)
        for each, package, row in _measured(env, tables, siblings=True)
        if not _is_told(tables, row, each.name, torch)
        and (finding := _judge_torch(env, tables, torch, each, package, row))
    ]


def _is_told(tables: Tables, row: Measured, name: str, torch: Version) -> bool:
    """Tell whether a project itself says that a version does not work with a torch: NEEDS102 says so."""
    rows = [each for each in tables.unstated.requirements.get(name, ()) if each.other == "torch"]
    told = holding(rows, row.version)
    return told is not None and not told.accepts.contains(torch.public, prereleases=True)


def _judge_torch(  # noqa: PLR0913, PLR0917 - the stack's side and the package's
    env: Environment,
    tables: Tables,
    torch: Version,
    each: Distribution,
    package: MeasuredPackage,
    row: Measured,
) -> Finding | None:
    asked = [part for need in row.required("torch") for part in need.specifier]
    if any(part.operator == "==" for part in asked) or not _same_abi(env, tables, torch, each):
        return None
    fits, torches = package.fits(row, torch), package.torches(row)
    what, public = f"{each.name} {each.exact}", torch.public
    if fits is None or not torches:
        return None
    place = env.elsewhere(each.name)
    if fits:
        if place is not None:
            return None
        says = f"{what} finds every symbol that it needs of torch {public}"
        return None if row.partial else passed(f"{says}: it can be loaded.", cite(row, says))
    listed = ", ".join(row.torch or ()).replace("..", " to ")
    says = f"{what} cannot be loaded with torch {public}: it needs symbols or layouts of torch {listed}"
    best = package.best_for(torch, env.platform)
    take = (
        f"take {each.name} {best.version}, which torch {public} can load" if best else f"take torch {listed}"
    )
    hint = f"{take}; `stackcheck fits {each.name}=={each.exact} --torch {public}` says which"
    expected, mine = f"torch {listed}", f"torch {public}"
    partly = tables.wheels.partly(each.name, row.version)
    if partly is not None:
        said = (cite(row, says), cite(partly, partly.says))
        text = f"{says}. {partly.says}."
        return warned(text, *said, expected=expected, found=mine, hint=hint)
    if env.platform != _AMD64:
        text = f"{says}, as its wheel for Linux on amd64 says; that for {env.platform} was not read."
        return warned(text, cite(row, says), expected=expected, found=mine, hint=hint)
    if place is not None:
        text = f"{says}, as the wheel on PyPI says; that of {place.name} was not read."
        return warned(text, cite(row, says), expected=expected, found=mine, hint=hint)
    bad = failed_by(f"{says}.", (row, says), expected=expected, found=mine, hint=hint)
    return bad._replace(question=WORKS)


def _same_abi(env: Environment, tables: Tables, torch: Version, each: Distribution) -> bool:
    """Tell whether the builds of torch and of a package have the C++ ABI of those that were read, PyPI's."""
    if torch.release >= _ONE_ABI.release:
        return True
    if each.exact is None or each.exact.local or not env.only_pypi(each.name):
        return False
    claim = env.torch
    mine = tables.torch.abi(torch, claim.cuda if not claim.assumed else None, env.platform)
    return mine == tables.torch.abi(torch, None, env.platform)


@rule("WHEEL109", when=_is_measured, about="package")
def wheel_for_python(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled packages have wheels for the stack's Python and platform.

    Many are compiled for each Python, and few for every platform. A wheel for the stable ABI (abi3) serves
    every later Python. Without a wheel an installer finds nothing; where the release has a source archive it
    compiles that, which is a warning, and a failure where the stack states source_builds = "forbid".

    Source: the tags of the wheels on PyPI (knowledge/measured/), read by the rules of PEP 425.
    Example: spconv-cu120 2.3.6 on Python 3.12; triton on Windows; xformers on arm64.
    Fix: a Python that has wheels, or a release with wheels for it.
    """
    found = (
        wheel_was_found(finding, env, each.name)._replace(subject=each.name)
        for each, _, row in _measured(env, tables, lacking=True, beside=True)
        if each.exact and not each.exact.local and (finding := _judge_wheel(each, row, env))
        # What PyPI lacks another place may have.
        if finding.outcome is Outcome.PASS or env.elsewhere(each.name) is None
        # An installer compiles nothing that excludes its Python: PYTHON103 says so.
        if finding.outcome is not Outcome.WARN or not _refuses(each.name, env)
    )
    return list(found)


def _refuses(name: str, env: Environment) -> bool:
    declared, python = env.declared(name), env.stack.python
    return declared is not None and python is not None and not declared.takes(python)


_NAMES = {"windows/amd64": "Windows", "linux/arm64": "Linux on arm64"}


def _judge_wheel(each: Distribution, row: Measured, env: Environment) -> Finding | None:
    """Judge by the wheels on PyPI; the index of PyTorch may have more."""
    what, platform = f"{each.name} {each.exact}", env.platform
    if not row.pairs(platform):
        return _no_wheel_for(what, row, env, sure=env.only_pypi(each.name)) if platform in _NAMES else None
    python = ".".join((env.stack.python or "").split(".")[:2])
    if not python:
        return None
    listed = ", ".join(row.pythons(platform))
    if row.serves(python, platform):
        if listed == "every Python 3":
            return None
        return passed(f"{what} has a wheel for Python {python}.", cite(row, f"Python {listed}"))
    return _without_wheel(
        f"There is no wheel of {what} for Python {python}: it has wheels for {listed}",
        (row, f"{what}: wheels for Python {listed}"),
        env,
        expected=f"Python {listed}",
        found=f"Python {python}",
        hint="take one of these Pythons, or a release with wheels for yours",
    )


def _without_wheel(  # noqa: PLR0913 - the fields of a verdict
    text: str, said: tuple[Measured, str], env: Environment, *, expected: str, found: str, hint: str
) -> Finding:
    """Say that no wheel fits: nothing is found, or the source archive of the release is compiled."""
    if not said[0].sdist or env.stack.source_builds == "forbid":
        return failed_by(f"{text}.", said, expected=expected, found=found, hint=hint)
    text = f"{text}; an installer would compile its source archive."
    return warned(text, cite(*said), expected=expected, found=found, hint=hint)


def _no_wheel_for(what: str, row: Measured, env: Environment, *, sure: bool) -> Finding:
    """Say that PyPI has no wheel for a platform; `sure`: nothing else is searched."""
    platform = env.platform
    where = _NAMES[platform]
    said, has = (
        (row, f"{what}: no wheel for {where}"),
        "Linux" if row.pairs("linux/arm64") else "Linux on amd64",
    )
    hint = "use Linux (WSL 2 is one), or leave it out"
    if platform == "linux/arm64":
        hint = "compile it from source there, or leave it out"
    if sure:
        text = f"There is no wheel of {what} for {where}"
        return _without_wheel(text, said, env, expected=has, found=platform, hint=hint)
    text = f"PyPI has no wheel of {what} for {where}; what the index of PyTorch has of it is not known."
    return warned(text, cite(*said), expected=has, found=platform, hint=hint)


def measured_glibc(env: Environment, tables: Tables, glibc: tuple[Version, str]) -> Iterator[Finding]:
    """Judge the wheels of a stack for Linux on amd64 by the glibc that their symbols and tags ask for."""
    have, why = glibc
    good: list[tuple[Version, str]] = []
    for each, _, row in _measured(env, tables) if env.platform == _AMD64 else ():
        if row.glibc is None or not env.only_pypi(each.name) or not row.pairs(_AMD64):
            continue
        what = f"{each.name} {each.exact}"
        if have >= row.glibc:
            good.append((row.glibc, what))
            continue
        finding = failed_by(
            f"{what} needs glibc {row.glibc}, and {why} has {have}.",
            (row, f"{what} needs glibc {row.glibc}"),
            expected=f"glibc {row.glibc} or newer",
            found=f"glibc {have}",
            hint="take a newer base system, or an older release of the wheel",
        )
        yield finding._replace(subject=each.name)
    if good:
        least, what = max(good)
        yield passed(f"{what} needs glibc {least}, no measured wheel a newer one; {why} has {have}.")


def cuda_of_builds(env: Environment, tables: Tables) -> Iterator[tuple[Distribution, Measured, int]]:
    """Yield the distributions from PyPI that are linked against torch and one CUDA major version, and that.

    Those that bring CUDA libraries of their own are left out.
    """
    if env.platform != _AMD64:
        return
    for each, _, row in _measured(env, tables):
        own = env.made_for(each.name) or (each.exact and each.exact.local) or not env.only_pypi(each.name)
        brings = any(text.startswith(_RUNTIMES) for text in row.requires)
        if len(row.cuda) == 1 and not own and not brings and (row.torch is not None or row.required("torch")):
            yield each, row, int(row.cuda[0])
