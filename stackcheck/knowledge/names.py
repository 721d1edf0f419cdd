"""Names that packages import from others, and the releases of these that lack them, read from their files.

A file a package in `names/`, made by `tools/measure_names.py`; it is read when it is asked for. A
row is about releases that METADATA admits beside each other. What no row speaks of is not known to be good.
"""

from collections.abc import Iterable
from datetime import date
from functools import cached_property, lru_cache

import msgspec
from packaging.version import Version

from stackcheck.knowledge.folders import NAMES, SHIPPED, Folder, in_order
from stackcheck.knowledge.reading import Row, read_document, read_rows, require
from stackcheck.storage.reading import as_named, stands

FOLDER = SHIPPED / NAMES


class Names(Row, frozen=True, kw_only=True):
    """What some releases of a package import of `target`, and the releases of that which lack it.

    versions, lacks: "first..last" of the releases that were read. gone: the release before them had it.
    newest: the last that lacks it was the newest then. what: "torch._six" for a module, "timm.models:name"
    for a name. at: file and line that ask for it, in `file`. module: "" where importing the package runs that
    line, else the module whose import does, which the package imports when it is asked for. signature: it
    stands in the signature of a function, which Python 3.14 does not evaluate. nearest: the nearest release
    with it that METADATA admits, "" for none.
    """

    target: str
    versions: str
    lacks: str
    gone: bool = False
    newest: bool = False
    what: str
    at: str
    module: str = ""
    signature: bool = False
    nearest: str = ""
    file: str

    @property
    def first(self) -> str:
        """Return the first release of the package that it is about."""
        return self.versions.partition("..")[0]

    @property
    def last(self) -> str:
        """Return the last release of the package that it is about."""
        return self.versions.partition("..")[2]

    @property
    def lacking(self) -> tuple[Version, Version]:
        """Return the first and the last release of the target that were seen to lack it."""
        first, _, last = self.lacks.partition("..")
        return Version(first), Version(last)

    def reaches(self, version: Version) -> bool:
        """Tell whether a release of the target lacks it, or is later than all that were read and lack it."""
        first, last = self.lacking
        return first <= version and (version <= last or self.newest)

    def is_about(self, version: Version) -> bool:
        """Tell whether a release of the package lies between those that were read."""
        return Version(self.first) <= Version(version.public) <= Version(self.last)


class NamesOf(msgspec.Struct, frozen=True):
    """The rows of one package, and its releases that were read, oldest first."""

    releases: tuple[Version, ...] = ()
    rows: tuple[Names, ...] = ()

    def about(self, version: Version) -> list[Names]:
        """Return the rows about a release, those of what importing it runs first."""
        return sorted((row for row in self.rows if row.is_about(version)), key=lambda row: row.module != "")

    def free_of(self, target: str, lacking: Version, since: Version) -> Version | None:
        """Return the first release after one of which no row speaks beside a version of a target."""
        bad = [row for row in self.rows if row.target == target and row.reaches(lacking)]
        later = (each for each in self.releases if each > since)
        return next((each for each in later if not any(row.is_about(each) for row in bad)), None)


class NamesTable:
    """The rows of every package, each file read when it is first asked for."""

    def __init__(self, places: tuple[Folder, ...]) -> None:
        """Take the folders, ours first."""
        self._folders = places
        self._read: dict[str, NamesOf] = {}

    @cached_property
    def packages(self) -> frozenset[str]:
        """Return the canonical names of the packages that have rows."""
        places = (folder.path / NAMES for folder in self._folders)
        return frozenset(path.stem for place in places for path in place.glob("*.toml"))

    def of(self, name: str) -> NamesOf:
        """Return what is known of a package, of the folder that was read last.

        Raises TableError naming file, line and key.
        """
        if name not in self._read:
            self._read[name] = self._load(name) if name in self.packages else NamesOf()
        return self._read[name]

    def _load(self, name: str) -> NamesOf:
        found = NamesOf()
        for folder in self._folders:
            path = folder.path / NAMES / f"{name}.toml"
            if stands(path):
                document = read_document(path, as_named(path) if folder.own else "")
                rows = read_rows(document, NAMES, Names)
                _prove(rows)
                releases = str(document.head.get("releases", "")).split()
                found = NamesOf(tuple(map(Version, releases)), tuple(rows))
        return found


def _prove(rows: Iterable[Names]) -> None:
    for row in rows:
        for key in ("versions", "lacks"):
            first, dots, last = str(getattr(row, key)).partition("..")
            says = f"{first}..{last} is not a range of two versions"
            require(row, key, holds=bool(dots) and Version(first) <= Version(last), else_say=says)


def load(places: tuple[Folder, ...] | None = None) -> NamesTable:
    """Return the table over all folders that are read."""
    return _load(in_order() if places is None else places)


@lru_cache(maxsize=16)
def _load(places: tuple[Folder, ...]) -> NamesTable:
    return NamesTable(places)


KEYS = ("target", "versions", "lacks", "gone", "newest", "what", "at", "module", "signature", "nearest")


def render(package: str, releases: Iterable[Version], rows: Iterable[Names], today: date) -> str:
    """Return the text of a package's file."""
    places = "https://pypi.org/project/{target}/"
    read = "{file} of https://pypi.org/project/" + package + "/ and wheels of " + places
    lines = [
        f"# Names that {package} imports, and releases of other packages that lack them.",
        f"# `tools/measure_names.py {package}` reads them again.",
        "",
        f"checked = {today}",
        f"releases = {_quoted(' '.join(map(str, releases)))}",
        "",
        "[sources]",
        f"read = {_quoted(read + ', read by tools/measure_names.py')}",
    ]
    for row in rows:
        lines += ["", f"[[{NAMES}]]"]
        for key in (*KEYS, "file"):
            value = getattr(row, key)
            if value:
                lines.append(f"{key} = {'true' if value is True else _quoted(value)}")
        lines.append('source = "read"')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    clean = "".join(each if each.isprintable() and each not in '"\\' else " " for each in text[:500])
    return f'"{clean}"'
