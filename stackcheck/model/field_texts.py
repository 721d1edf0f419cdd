"""The texts that a definition is made of: versions, ranges, markers, requirements, each checked."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from stackcheck.model import markers
from stackcheck.model.redact import redact
from stackcheck.model.versions import LATEST, parse_version

if TYPE_CHECKING:
    from packaging.version import Version


class Strict(BaseModel):
    """Base of every table of a definition: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


def version_text(value: Any) -> Any:
    """Refuse a number: TOML writers forget the quotes, and 3.10 without them reads as 3.1."""
    if isinstance(value, float):
        raise ValueError(  # noqa: TRY004 - pydantic collects ValueError, not TypeError
            f"write the version in quotes, as text (unquoted, 3.10 would read as 3.1): {value!r}"
        )
    return value


def _valid_version(value: str) -> str:
    try:
        parse_version(value)
    except InvalidVersion:
        raise ValueError(f"{value!r} is not a version (example: '12.4' or '2.5.0+cu124')") from None
    return value


VersionText = Annotated[str, BeforeValidator(version_text), AfterValidator(_valid_version)]
"""A version as text, such as "3.11" or "12.4"."""


def _not_free_threaded(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"3\.\d+(?:\.\d+)?t", value):
        raise ValueError(
            f"{value!r} is the free-threaded build of Python, whose wheels stackcheck does not judge; "
            f"state {value.removesuffix('t')!r} for the usual build, or leave it out"
        )
    return value


PythonText = Annotated[VersionText, BeforeValidator(_not_free_threaded)]
"""A version of Python as text, such as "3.11"."""


def _requirement_text(value: str) -> str:
    if value == LATEST:
        return value
    if value[:1] in "<>=!~":
        try:
            SpecifierSet(value)
        except InvalidSpecifier:
            raise ValueError(f"{value!r} is not a version range (example: '>=2.5,<2.6')") from None
        return value
    return _valid_version(value)


@lru_cache(maxsize=4096)
def exact_version(text: str) -> Version | None:
    """Return the version that a text pins exactly; None for a range or a word."""
    # Every rule asks for the same few versions: parsing them once is half the time of a check.
    try:
        return parse_version(text.removeprefix("===").removeprefix("==").strip())
    except InvalidVersion:
        return None


VersionWanted = Annotated[str, BeforeValidator(version_text), AfterValidator(_requirement_text)]
"""An exact version, a range, or "latest"."""


def _marker_text(value: str) -> str:
    if fault := markers.fault_of(value):
        raise ValueError(fault)
    return value


MarkerText = Annotated[str, AfterValidator(_marker_text)]
"""An environment marker, such as "sys_platform == 'linux'"."""


def _requirement_line(value: str) -> str:
    """Check a requirement such as "mmcv>=1.3,<1.5"; a direct reference belongs under `packages`."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - as markers are

    try:
        requirement = Requirement(value)
    except InvalidRequirement:
        raise ValueError(f"{redact(value)!r} is not a requirement (example: 'mmcv>=1.3,<1.5')") from None
    if requirement.url:
        raise ValueError(f"{requirement.name}: state a git repository, URL or path under packages")
    return value


RequirementText = Annotated[str, AfterValidator(_requirement_line)]
"""A requirement of a distribution as text, such as "mmcv>=1.3,<1.5"."""
