"""One distribution that a stack states: its version, and where it comes from."""

from typing import Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version
from pydantic import Field, model_validator

from stackcheck.model import references
from stackcheck.model.field_texts import MarkerText, Strict, VersionText, VersionWanted
from stackcheck.model.redact import without_userinfo
from stackcheck.model.versions import LATEST, exact_version


class BuiltFor(Strict):
    """What a wheel of one's own was compiled against, where neither its name nor its page says so."""

    torch: VersionText | None = None
    cuda: VersionText | None = None
    cxx11_abi: bool | None = None


class Package(Strict):
    """One distribution that the stack states.

    `version` is an exact version (a local version is allowed), a range, or "latest". `origin` says what it is
    when that is not a wheel: a `source` build is only done where it is stated. A package with an `index` or
    `find_links` of its own is taken from there and from nowhere else. One with a direct reference (`git`,
    `url` or `path`, at most one) comes from that place alone: its version may be left out, and `origin`
    follows from it: a repository, a folder and a source archive are `source`, a wheel is `wheel`.
    """

    version: VersionWanted
    extras: tuple[str, ...] = ()
    """Optional parts of it, as `"ray[default]"` names them too."""
    index: str | None = None
    find_links: str | None = None
    origin: Literal["wheel", "source", "conda"] | None = Field(default=None, alias="from")
    git: str | None = None
    """Where a source build's code is: "git+https://host/owner/repo@revision", as `from` may say too."""
    url: str | None = None
    """The address of one wheel or source archive."""
    path: str | None = None
    """A wheel, a source archive or a folder with a project, relative to the definition file."""
    marker: MarkerText | None = None
    """An environment marker: where it is false for the Python and platform, the package is left out."""
    built_for: BuiltFor | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_reference(cls, row: Any) -> Any:
        return _with_reference(row) if isinstance(row, dict) else row

    @property
    def exact(self) -> Version | None:
        """Return the version when it is pinned exactly, or the file's name says it, else None."""
        return exact_version(self.version)

    @property
    def specifier(self) -> SpecifierSet:
        """Return the accepted versions; everything for "latest"."""
        if self.version == LATEST:
            return SpecifierSet()
        exact = self.exact
        return SpecifierSet(f"=={exact}") if exact else SpecifierSet(self.version)

    @property
    def direct(self) -> str:
        """Return its direct reference without credentials; "" for a package that an index is asked for."""
        return without_userinfo(self.git or self.url or self.path or "")

    @property
    def wheel(self) -> references.WheelName | None:
        """Return what the name of its wheel says, where a URL or path names one; else None."""
        return references.wheel_name(self.url or self.path or "")

    @property
    def pinned(self) -> bool:
        """Tell whether the same files are taken next month: an exact version, a file, a fixed revision."""
        if self.git:
            return references.is_fixed(self.git)
        return self.url is not None or self.path is not None or self.exact is not None


def _with_reference(row: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a direct reference says: its kind, the version in its name, whether it is built.

    Raises ValueError for two references, one that is not sound, and one that contradicts another field.
    """
    word = "from" if "from" in row else "origin"
    said = row.get(word)
    kind = references.kind_of(said) if isinstance(said, str) else None
    if kind is not None:
        row = {key: value for key, value in row.items() if key != word}
        if row.get(kind) not in {None, said}:
            raise ValueError(f"from and {kind} name two places: state one")
        row[kind] = said
    kinds: tuple[references.Kind, ...] = ("git", "url", "path")
    named = [each for each in kinds if isinstance(row.get(each), str)]
    if not named:
        return row
    if extra := [key for key in (*named[1:], "index", "find_links") if row.get(key) is not None]:
        raise ValueError(f"{named[0]} and {extra[0]} both say where it comes from: state one")
    if fault := references.fault_of(named[0], row[named[0]]):
        raise ValueError(fault)
    return _judged_reference(row, named[0], word)


def _judged_reference(row: dict[str, Any], kind: references.Kind, word: str) -> dict[str, Any]:
    address = row[kind]
    wheel, archive = references.wheel_name(address), references.archive_name(address)
    origin = "wheel" if kind != "git" and wheel else "source"
    if row.get(word, origin) not in {origin, None}:
        raise ValueError(f"{references.file_name(address)!r} is a {origin}, and from says {row[word]!r}")
    known = wheel.version if wheel else archive[1] if archive and kind != "git" else None
    stated = row.get("version", LATEST)
    if known is None or not isinstance(stated, str):
        return {"version": LATEST, **row, word: origin}
    if not _admits(stated, known):
        raise ValueError(f"its file is version {known}, and version says {stated!r}")
    return {**row, word: origin, "version": str(known)}


def _admits(stated: str, known: Version) -> bool:
    """Tell whether a stated version or range is that of the file; a text that is neither is a fault later."""
    exact = exact_version(stated)
    try:
        return stated == LATEST or SpecifierSet(f"=={exact}" if exact else stated).contains(
            known, prereleases=True
        )
    except InvalidSpecifier:
        return True
