"""What a project's own files say of its stack: values under the keys of a definition, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from stackcheck.model import references
from stackcheck.model.versions import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: a file as the user would name it, and the line in it (0: not known)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """Return `Dockerfile:12`."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Stated:
    """One value under a key of a definition ("packages.torch", "index.extra"), and where it stands."""

    key: str
    value: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Open:
    """What a file says and a definition does not take: a sentence, and where.

    `kind` is "unread" for what was not understood or not followed, "refused" for a line at which an installer
    stops, "asked" for what the files leave to choose, "unseen" for what lies elsewhere, such as an image (the
    two say themselves what to do), "replaced" where a later line takes the place of an earlier one, and
    "contradiction" where two files disagree.
    """

    text: str
    place: Place
    kind: Literal["unread", "refused", "asked", "unseen", "replaced", "contradiction"] = "unread"
    admits: str = ""
    """Of what is asked about Python: the range that the file admits."""


def python_asked(wanted: str, place: Place) -> Open:
    """Return the question which Python of a range is meant; `wanted` as the file has it."""
    text = f"Python {wanted} is a range: say which one with --python."
    try:
        admits = str(SpecifierSet(wanted))
    except InvalidSpecifier:
        admits = ""
    return Open(text, place, "asked", admits)


def gpu_named(name: str, place: Place) -> Stated | Open:
    """Return a GPU that a file of a cluster names, or that nobody knows one of that name."""
    from stackcheck.knowledge.gpus import find_gpu  # noqa: PLC0415 - few projects have such a file

    try:
        find_gpu(name)
    except ValueError:
        return Open(f"{name[:60]!r} is not a GPU that is known, so it was not taken.", place)
    return Stated("gpus", name, place)


@dataclass(frozen=True, slots=True)
class Found:
    """All that one file says: later values replace earlier ones, those of lists come together.

    `members` are further sets of packages that stand for stacks of their own, by name: the optional
    dependencies of a project, say. They are taken together with `stated`. `containers` are stacks of their
    own, each with its `name`: the services of a compose file, the combinations of a matrix. `reads` are the
    other files of the project that were read for it.
    """

    kind: str
    file: str
    stated: tuple[Stated, ...] = ()
    open: tuple[Open, ...] = ()
    members: tuple[tuple[str, tuple[Stated, ...]], ...] = ()
    containers: tuple[Found, ...] = ()
    name: str = ""
    reads: tuple[str, ...] = ()

    @property
    def packages(self) -> frozenset[str]:
        """Return the names of the distributions that it states."""
        return frozenset(
            each.key.removeprefix("packages.") for each in self.stated if each.key.startswith("packages.")
        )


def package(name: str, place: Place, **row: Any) -> Stated:
    """Return a statement of one distribution; what is None or empty is left out of its row."""
    kept = {key: value for key, value in row.items() if value not in (None, "", (), [])}
    return Stated(f"packages.{canonicalize_name(name)}", {"version": LATEST, **kept}, place)


def required(requirement: Requirement, place: Place, **more: Any) -> Stated:
    """Return a statement of what a requirement asks for (PEP 508): `==` is a pin, everything else a range."""
    row: dict[str, Any] = {"extras": sorted(requirement.extras)}
    if requirement.marker:
        row["marker"] = str(requirement.marker)
    if requirement.url:
        row[references.kind_of(requirement.url) or "url"] = requirement.url
    elif requirement.specifier:
        row["version"] = version_of(requirement)
    return package(requirement.name, place, **{**row, **more})


def version_of(requirement: Requirement) -> str:
    """Return the pinned version of a requirement, or its range.

    >>> from packaging.requirements import Requirement
    >>> version_of(Requirement("torch==2.5.0+cu124"))
    '2.5.0+cu124'
    >>> version_of(Requirement("torch>=2.5,<2.6"))
    '<2.6,>=2.5'
    """
    specifiers = list(requirement.specifier)
    if len(specifiers) == 1 and specifiers[0].operator in {"==", "==="}:
        version = specifiers[0].version
        return f"=={version}" if version.endswith(".*") else version
    return str(requirement.specifier)


def found_of(kind: str, shown: str, said: Iterable[Stated | Open], name: str = "") -> Found:
    """Return what a file says, its statements and what is left open told apart."""
    every = tuple(said)
    return Found(
        kind,
        shown,
        tuple(each for each in every if isinstance(each, Stated)),
        tuple(each for each in every if isinstance(each, Open)),
        name=name,
    )
