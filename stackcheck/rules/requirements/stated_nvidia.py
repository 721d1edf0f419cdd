"""NVIDIA's libraries that torch requires: pinned by its METADATA, or in a range."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcheck.knowledge.torch import CPU
from stackcheck.model.evidence import Level
from stackcheck.model.versions import LATEST, minor, parse_specifier, parse_version, ranges_meet, spelled
from stackcheck.rules.grading import cite, denies, failed_by
from stackcheck.rules.official_wheels import official_wheels
from stackcheck.rules.questions import AS_REQUIRED
from stackcheck.rules.registry import Finding, passed, rule, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.measured import Measured, Pin
    from stackcheck.knowledge.packages import Newest
    from stackcheck.model.facts import Facts

_PINNED = "linux/amd64"
"""The platform whose wheel of torch was read for its pins."""
_LEFT_OUT = "leave it out: torch brings it"


def _pins_libraries(facts: Facts) -> bool:
    return any(name.startswith(("nvidia-", "cuda-toolkit")) for name in facts["env"].packages)


@rule("NVPIN101", when=_pins_libraries, about="package")
@official_wheels()
def torch_pins(env: Environment, tables: Tables) -> list[Finding]:
    """The nvidia-* wheels are the ones that torch's wheel pins.

    torch's METADATA names its CUDA libraries with `==`. Another version is refused by a resolver; installed
    afterwards, it replaces the library that torch was built and tested with. A newer one of the same major
    may be meant: for torch 2.9.1 the release notes advise cuDNN 9.15 or later. An older one, or another
    major, lacks what torch was built against; a range that leaves the pin out resolves to nothing, unless the
    stack overrides the requirement. `latest` is the newest of the day, which is not the pinned one.

    Source: Requires-Dist of torch's wheels on PyPI (knowledge/measured/); pytorch/pytorch issue 169175.
    Example: torch 2.5.0 pins nvidia-cudnn-cu12==9.1.0.70; `latest` is 9.27.0.42.
    Fix: state the pinned versions, or leave these packages out: torch brings them.
    """
    claim = env.torch
    row = tables.measured.row("torch", claim.version) if claim.version and claim.official else None
    release = tables.torch.release(claim.version) if claim.version else None
    if row is None or release is None or not row.wheel:
        return [skipped(f"no data on the CUDA libraries that {claim.title} pins")] if claim.version else []
    cuda = release.pypi.get(_PINNED, CPU)
    if claim.cuda is None or minor(claim.cuda) != cuda:
        return [skipped(f"no data on the pins of {claim.title}: the wheel on PyPI is built for CUDA {cuda}")]
    pins = tables.measured.pins(row, _PINNED)
    held = pins
    if env.resolution is not None and "torch" in env.stack.packages and claim.level < Level.RESOLVED:
        # What others draw in was not held by torch's pins, for torch itself was left out.
        held = {name: pin for name, pin in pins.items() if name in env.stack.packages}
    ranges = {name: each for name, each in _ranges(row, env).items() if name not in pins}
    wanted = {**_pinned(held), **ranges}
    newest = tables.packages.newest
    found = (
        (name, _held(env.packages[name], wanted[name], claim.title, newest.get(name)))
        for name in sorted(wanted.keys() & env.packages.keys() - _overridden(env))
    )
    return [denies(finding, AS_REQUIRED, name) for name, finding in found if finding is not None]


def _overridden(env: Environment) -> set[str]:
    """Return the distributions of which the stack says itself that no requirement on them counts."""
    return {canonicalize_name(Requirement(text).name) for text in env.stack.overrides}


class _Wanted(NamedTuple):
    """What torch requires of a CUDA library, and the row that says so; `pin` where it is one version."""

    accepted: SpecifierSet
    pin: Version | None
    row: Measured
    says: str

    @property
    def least(self) -> Version:
        """Return the lowest version that it names."""
        return min(parse_version(each.version.removesuffix(".*")) for each in self.accepted)


def _pinned(pins: Mapping[str, Pin]) -> dict[str, _Wanted]:
    """Return what torch's wheel requires by a pin."""
    return {
        name: _Wanted(parse_specifier(f"=={pin.version}"), pin.version, pin.rows[0], pin.says)
        for name, pin in pins.items()
    }


def _ranges(row: Measured, env: Environment) -> dict[str, _Wanted]:
    """Return what torch requires of stated CUDA libraries by a range, and not by a pin."""
    return {
        name: _Wanted(each.specifier, None, row, f"{name}{spelled(each.specifier)}")
        for name in env.stack.packages
        if name.startswith("nvidia-")
        for each in row.required(name)
        if each.specifier and all(part.operator != "==" for part in each.specifier)
    }


def _held(package: Distribution, wanted: _Wanted, title: str, newest: Newest | None) -> Finding | None:
    """Hold one library against what torch requires; None for `latest` that may be that."""
    name, pin = package.name, wanted.pin
    said = (wanted.row, f"torch {wanted.row.version}: Requires-Dist: {wanted.says}")
    expected, found = f"{name}{spelled(wanted.accepted)}", f"{name} {package.version}"
    instead = f'write {name} = "{pin}", or {_LEFT_OUT}' if pin else _LEFT_OUT
    if package.version == LATEST and (pin is None or newest is not None):
        return _latest(name, wanted, said, title, newest)
    what = f"the {pin} that {title} pins" if pin else f"what {title} requires ({spelled(wanted.accepted)})"
    if _is_newer(package, wanted):
        return warned(
            f"{found} is newer than {what}, of the same major version: it works where it is meant, and a "
            "resolver refuses it.",
            cite(*said),
            expected=expected,
            found=found,
            hint="if it is meant, override the requirement (uv: override-dependencies; pip: install it "
            f"last, with --no-deps); else {instead}",
        )
    if ranges_meet(package.specifier, wanted.accepted):
        return passed(f"{found} is what {title} {'pins' if pin else 'requires'}.", cite(*said))
    return failed_by(f"{found} is not {what}.", said, expected=expected, found=found, hint=instead)


def _latest(
    name: str, wanted: _Wanted, said: tuple[Measured, str], title: str, newest: Newest | None
) -> Finding | None:
    """Fail the newest release of a library of which torch pins another one."""
    if newest is None or wanted.pin is None or newest.version == wanted.pin:
        return None
    return failed_by(
        f"{name} is not pinned: the newest is {newest.version}, and {title} pins {name}=={wanted.pin}.",
        said,
        (newest, f"the newest {name} is {newest.version}"),
        expected=f"{name}=={wanted.pin}",
        found=f"latest ({newest.version} on {newest.checked})",
        hint=f'write {name} = "{wanted.pin}", or {_LEFT_OUT}',
    )


def _is_newer(package: Distribution, wanted: _Wanted) -> bool:
    """Tell a pin above what torch requires, of its major version; a range nobody overrides by hand."""
    own = package.exact
    if own is None or wanted.accepted.contains(own, prereleases=True):
        return False
    return own > wanted.least and own.major == wanted.least.major
