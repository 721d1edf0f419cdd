"""What was read out of the wheels on an index: a file a package, a row a version, made by `stackcheck learn`.

A row's `tags` are those of every wheel of its version; the rest was read out of one of them, `wheel`. A row
without a wheel knows the tags alone. A version that no row names is "no data".
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.knowledge.folders import MEASURED, Folder, in_order
from stackcheck.knowledge.reading import Document, Row, fault, read_document, read_rows, require, unique
from stackcheck.model.errors import TableError
from stackcheck.model.markers import holds, marker_environment
from stackcheck.model.versions import release_key
from stackcheck.model.wheel_tags import python_pairs, stack_platforms
from stackcheck.storage.reading import as_named, stands

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.tags import Tag

_LONGEST = 1000


class Measured(Row, frozen=True, kw_only=True):
    """One version of a package, as its wheels on an index say it.

    tags: groups "cp311-cp311 cp312-cp312: manylinux_2_28_x86_64 win_amd64", each interpreter and ABI with
    each platform. sdist: whether there is a source archive beside them. wheel, sha256: the Linux wheel
    that was read, "" for none. python: Requires-Python. requires: what it requires of torch, its
    companions, CUDA libraries and NumPy. torch: the releases of torch (PyPI's builds) that export every
    symbol which it needs, "2.5.0 2.6.0..2.7.1"; None where it needs none of torch. cuda: the major
    versions of the CUDA libraries that it is linked against. glibc: the least that its symbols and its
    tag ask for. arch: the GPU code in its libraries. uploaded: the day of its first file.
    """

    version: Version
    tags: tuple[str, ...]
    sdist: bool = False
    uploaded: date | None = None
    yanked: str = ""
    wheel: str = ""
    sha256: str = ""
    python: SpecifierSet | None = None
    requires: tuple[str, ...] = ()
    torch: tuple[str, ...] | None = None
    cuda: tuple[str, ...] = ()
    glibc: Version | None = None
    arch: tuple[str, ...] = ()
    partial: str = ""
    """What in the wheel was not read, and why."""

    def pairs(self, platform: str | None) -> tuple[str, ...]:
        """Return the interpreters and ABIs with a wheel for a platform ("linux/amd64"), as "cp311-cp311".

        Without a platform: those of any.
        """
        return _pairs(self.tags, platform)

    def serves(self, python: str, platform: str | None) -> bool:
        """Tell whether a Python ("3.12", "3.13t") on a platform has a wheel, by its tags."""
        accepted = python_pairs(python)
        return not accepted.isdisjoint(self.pairs(platform))

    def lacks_wheel(self, python: str | None, platform: str) -> bool:
        """Tell whether no wheel fits a platform, or none there a Python; of macOS nothing is told."""
        if not self.pairs(platform):
            return not platform.startswith("macos")
        return python is not None and not self.serves(python, platform)

    def pythons(self, platform: str | None) -> tuple[str, ...]:
        """Return the Pythons with a wheel as words, oldest first: "3.12", "3.13t", "3.9 and later"."""
        words = {word: key for pair in self.pairs(platform) for word, key in _words_of(pair)}
        return tuple(sorted(words, key=lambda word: (words[word], word)))

    def pinned(self, platform: str, extras: Iterable[str] = ()) -> Iterator["Requirement"]:
        """Yield the CUDA libraries that it requires with `==` on a platform, those of some extras too."""
        for each in map(_requirement, self.requires):
            exact = any(part.operator == "==" for part in each.specifier)
            if exact and each.name.startswith(("nvidia-", "cuda-")) and _applies(each, platform, extras):
                yield each

    def required(self, name: str) -> tuple["Requirement", ...]:
        """Return what it requires of one distribution."""
        return tuple(each for each in map(_requirement, self.requires) if _canonical(each.name) == name)


def _words_of(pair: str) -> Iterator[tuple[str, int]]:
    """Yield the Pythons of one interpreter and ABI: a word, and the minor version that it begins with."""
    interpreter, _, abi = pair.partition("-")
    match = re.fullmatch(r"(cp|py)3(\d*)", interpreter)
    if match is None:
        return
    if not match[2]:
        yield "every Python 3", 0
    elif abi == "abi3" or match[1] == "py":
        yield f"3.{match[2]} and later", int(match[2])
    else:
        yield f"3.{match[2]}{'t' if abi.endswith('t') else ''}", int(match[2])


@lru_cache(maxsize=4096)
def _pairs(tags: tuple[str, ...], platform: str | None) -> tuple[str, ...]:
    found: list[str] = []
    for group in tags:
        pairs, _, platforms = group.partition(":")
        named = (each for tag in platforms.split() for each in stack_platforms(tag))
        if platform is None or {platform, "any"}.intersection(named):
            found += pairs.split()
    return tuple(dict.fromkeys(found))


def _applies(each: "Requirement", platform: str, extras: Iterable[str]) -> bool:
    """Tell whether a requirement counts on a platform; a marker that asks for a Python is taken to hold."""
    if each.marker is None:
        return True
    marker = str(each.marker)
    if "extra" not in marker:
        return holds(marker, python=None, platform=platform) is not False
    variables = marker_environment("3.12", platform)
    return any(each.marker.evaluate({**variables, "extra": extra}) for extra in extras)


@lru_cache(maxsize=4096)
def _requirement(text: str) -> "Requirement":
    from packaging.requirements import Requirement  # noqa: PLC0415 - 15 ms, and tags need none

    return Requirement(text)


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - 9 ms, wheel tags and all

    return canonicalize_name(name)


class Pin(msgspec.Struct, frozen=True):
    """A version that a wheel pins; `says`: the requirement as it stands in the rows on the way to it."""

    version: Version
    says: str
    rows: tuple[Measured, ...]


class MeasuredPackage(msgspec.Struct, frozen=True, dict=True):
    """The rows of one package, newest first; `compared`: the torch releases that they were held against."""

    name: str
    index: str
    compared: tuple[Version, ...]
    rows: tuple[Measured, ...]

    @cached_property
    def _by_version(self) -> Mapping[str, Measured]:
        return unique(self.rows, lambda row: release_key(row.version), "version")

    def row(self, version: Version) -> Measured | None:
        """Return the row of a version, its local part left aside; None is "no data"."""
        return self._by_version.get(release_key(version))

    @property
    def last(self) -> Version | None:
        """Return the last version that was read; None for a package of which none was."""
        return max((row.version for row in self.rows), default=None)

    def fits(self, row: Measured, torch: Version) -> bool | None:
        """Tell whether a release of torch exports what a version needs; None where that was not compared."""
        if row.torch is None or release_key(torch) not in map(release_key, self.compared):
            return None
        return any(_lies_in(torch, words) for words in row.torch)

    def best_for(self, torch: Version, platform: str) -> Measured | None:
        """Return the newest version that a release of torch can load, by symbols and METADATA."""
        for row in self.rows:
            admitted = all(
                each.specifier.contains(torch.public, prereleases=True) for each in row.required("torch")
            )
            if self.fits(row, torch) and admitted and not row.yanked and row.pairs(platform):
                return row
        return None

    def torches(self, row: Measured) -> tuple[Version, ...]:
        """Return the releases of torch that can load a version, oldest first."""
        return tuple(each for each in self.compared if self.fits(row, each))


def _lies_in(torch: Version, words: str) -> bool:
    first, _, last = words.partition("..")
    return Version(first) <= Version(torch.base_version) <= Version(last or first)


class MeasuredTable:
    """Every measured package, each read when it is first asked for."""

    def __init__(self, places: tuple[Folder, ...]) -> None:
        """Take the folders, ours first."""
        self._folders = places
        self._read: dict[str, MeasuredPackage] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the canonical names of the packages that were measured."""
        return frozenset(path.stem for path in files(self._folders))

    def package(self, name: str) -> MeasuredPackage | None:
        """Return the rows of a package; None where it was not measured.

        Raises TableError for a broken file.
        """
        if name not in self.names:
            return None
        if name not in self._read:
            self._read[name] = read_package(name, self._folders)
        return self._read[name]

    def row(self, name: str, version: Version) -> Measured | None:
        """Return what was measured of a version; None is "no data"."""
        package = self.package(name)
        return package.row(version) if package else None

    def pins(self, row: Measured, platform: str) -> Mapping[str, Pin]:
        """Return the CUDA libraries that a row pins on a platform, by name.

        Those of a meta-package are among them: torch 2.11 and later pin cuda-toolkit with extras, and its
        METADATA pins the libraries.
        """
        found: dict[str, Pin] = {}
        for each in row.pinned(platform):
            name, version = _canonical(each.name), _exact(each)
            found[name] = Pin(version, f"{name}=={version}", (row,))
            beyond = self.row(name, version) if each.extras else None
            if beyond is None:
                continue
            for library in beyond.pinned(platform, each.extras):
                says = f"{each.name}[...]=={version}, which requires {library.name}{library.specifier}"
                found.setdefault(_canonical(library.name), Pin(_exact(library), says, (row, beyond)))
        return found


def _exact(each: "Requirement") -> Version:
    """Return the version of a pin; "==13.1.0.3.*" is the release 13.1.0.3, and what is built of it again."""
    return Version(next(part.version for part in each.specifier if part.operator == "==").removesuffix(".*"))


def files(places: tuple[Folder, ...] | None = None) -> list[Path]:
    """Return every file that is read, ours first. A file that is named like no package is a fault."""
    found = [
        path
        for folder in (in_order() if places is None else places)
        for path in sorted((folder.path / MEASURED).glob("*.toml"))
    ]
    for path in found:
        if path.stem != (name := _canonical(path.stem)):
            says = f"this is not the canonical name of a package; rename it to {name}"
            fault(f"{path}:1: {says}.toml.")
    return found


def load(places: tuple[Folder, ...] | None = None) -> MeasuredTable:
    """Return the packages that were measured, in all folders that are read."""
    return _load(in_order() if places is None else places)


@lru_cache(maxsize=16)
def _load(places: tuple[Folder, ...]) -> MeasuredTable:
    return MeasuredTable(places)


def read_package(name: str, places: tuple[Folder, ...]) -> MeasuredPackage:
    """Return the rows of one package, proven; of two about a version the one that was read last counts.

    Raises TableError naming file, line and key.
    """
    index, compared, found = "", tuple[Version, ...](), dict[str, Measured]()
    for folder in places:
        path = folder.path / MEASURED / f"{name}.toml"
        if not stands(path):
            continue
        document = read_document(path, as_named(path) if folder.own else "")
        index, compared = str(document.head.get("index", "")), _compared(document.head.get("torch", ""), path)
        for row in _rows(document):
            before = found.get(release_key(row.version))
            if before is None or before.checked <= row.checked:
                found[release_key(row.version)] = row
    ordered = tuple(sorted(found.values(), key=lambda row: row.version, reverse=True))
    return MeasuredPackage(name, index, compared, ordered)


def _rows(document: Document) -> Iterable[Measured]:
    for key in (*document.head, *document.arrays):
        if key not in {"index", "torch", "version"}:
            known = "known: checked, index, sources, torch, version"
            fault(f"{as_named(document.path)}:1: {key}: unknown key; {known}.")
    rows = read_rows(document, "version", Measured)
    unique(rows, lambda row: release_key(row.version), "version")
    for row in rows:
        _prove(row)
    return rows


def _compared(words: Any, path: Path) -> tuple[Version, ...]:
    try:
        return tuple(Version(word) for word in str(words).split())
    except InvalidVersion as error:
        raise TableError(f"{as_named(path)}:1: torch: {error}.") from None


def _prove(row: Measured) -> None:
    """Prove that the tags and requirements of a row parse, and that what was read names its wheel."""
    for group in row.tags:
        pairs, colon, platforms = group.partition(":")
        whole = all(re.fullmatch(r"\w+-\w+", pair) for pair in pairs.split()) and pairs and platforms.split()
        says = f"{group[:80]!r} is not like 'cp311-cp311: manylinux_2_28_x86_64'"
        require(row, "tags", holds=bool(colon and whole), else_say=says)
    for text in row.requires:
        try:
            _requirement(text)
        except ValueError:
            require(row, "requires", holds=False, else_say=f"{text[:80]!r} is not a requirement")
    read = row.torch is not None or row.cuda or row.glibc or row.arch
    require(
        row,
        "wheel",
        holds=bool(row.wheel) or not read,
        else_say="what was read names its wheel",
    )


def tag_groups(tags: Iterable["Tag"]) -> tuple[str, ...]:
    """Return wheel tags as the groups of a row: platforms with the same interpreters and ABIs together."""
    by_platform: dict[str, set[tuple[str, str]]] = {}
    for tag in tags:
        by_platform.setdefault(tag.platform, set()).add((tag.interpreter, tag.abi))
    groups: dict[tuple[str, ...], list[str]] = {}
    for platform, pairs in sorted(by_platform.items()):
        named = tuple(f"{python}-{abi}" for python, abi in sorted(pairs, key=_pair_key))
        groups.setdefault(named, []).append(platform)
    return tuple(f"{' '.join(pairs)}: {' '.join(platforms)}" for pairs, platforms in groups.items())


def _pair_key(pair: tuple[str, str]) -> tuple[int, str, str]:
    digits = re.sub(r"\D", "", pair[0])
    return (int(digits[1:] or 0), *pair)


def render(package: MeasuredPackage, today: date) -> str:
    """Return the text of a package's file: its head, then a row a version, newest first."""
    page = f"{package.index}/{package.name}/"
    lines = [
        f"# What the wheels of {package.name} say; `stackcheck learn {package.name}` reads them again.",
        "",
        f"checked = {today}",
        f"index = {_quoted(package.index)}",
        *([f"torch = {_quoted(' '.join(map(str, package.compared)))}"] if package.compared else []),
        "",
        "[sources]",
        f"wheel = {_quoted('{wheel} of ' + page + ', read by stackcheck learn')}",
        f"page = {_quoted('the names of the files of {version} at ' + page)}",
    ]
    return "\n".join([*lines, *(line for row in package.rows for line in _row_lines(row, today))]) + "\n"


def _row_lines(row: Measured, today: date) -> Iterable[str]:
    yield from ("", "[[version]]", f'version = "{row.version}"')
    yield f"tags = [{', '.join(map(_quoted, row.tags))}]"
    if row.sdist:
        yield "sdist = true"
    texts = {
        "uploaded": str(row.uploaded) if row.uploaded else "",
        "yanked": _quoted(row.yanked),
        "python": _quoted(str(row.python or "")),
        "wheel": _quoted(row.wheel),
        "sha256": _quoted(row.sha256),
        "requires": f"[{', '.join(map(_quoted, row.requires))}]",
        "cuda": _quoted(" ".join(row.cuda)),
        "glibc": _quoted(str(row.glibc or "")),
        "arch": _quoted(" ".join(row.arch)),
        "partial": _quoted(row.partial),
    }
    yield from (f"{key} = {text}" for key, text in texts.items() if text not in {"", '""', "[]"})
    if row.torch is not None:
        yield f"torch = {_quoted(' '.join(row.torch))}"
    if row.checked != today:
        yield f"checked = {row.checked}"
    yield f'source = "{"wheel" if row.wheel else "page"}"'


def _quoted(text: str) -> str:
    """Return text of an index as a TOML string: one line, printable, bounded."""
    clean = "".join(each if each.isprintable() else " " for each in text[:_LONGEST])
    return json.dumps(clean, ensure_ascii=False) if '"' not in clean or "'" in clean else f"'{clean}'"


def spans(fitting: Iterable[Version], compared: Iterable[Version]) -> tuple[str, ...]:
    """Return releases as the words of a row: "2.5.0" for one, "2.6.0..2.7.1" for several in a row.

    >>> spans(map(Version, ["2.5.0", "2.6.0", "2.7.0"]), map(Version, ["2.5.0", "2.5.1", "2.6.0", "2.7.0"]))
    ('2.5.0', '2.6.0..2.7.0')
    """
    wanted = set(fitting)
    runs: list[list[Version]] = [[]]
    for each in compared:
        if each in wanted:
            runs[-1].append(each)
        elif runs[-1]:
            runs.append([])
    return tuple(f"{run[0]}..{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs if run)


def with_rows(package: MeasuredPackage, rows: Iterable[Measured]) -> MeasuredPackage:
    """Return a package with rows in the place of those of the same versions, newest first."""
    found = {release_key(row.version): row for row in (*package.rows, *rows)}
    return msgspec.structs.replace(
        package, rows=tuple(sorted(found.values(), key=lambda row: row.version, reverse=True))
    )
