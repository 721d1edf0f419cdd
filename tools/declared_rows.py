"""Tell what versions declare that no [[declared]] row names yet: declared_rows.py [--write] [PACKAGE ...].

With --again those that rows name already are read once more, with --measured the requirements in measured/:
so rows hold what has come to matter since. A PACKAGE without a file gets one.

METADATA of a wheel says it. Of an sdist PKG-INFO does, where Requires-Dist is not dynamic there; else the
requires.txt that was made with it, which the setup.py of another machine may answer otherwise: such a row is
unverified. Every bound on a name that the tables know something of is kept; what an extra asks for is not.
Requires-Python is the one that the index states for the file: an installer reads no other.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tarfile
import tomllib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.parser import HeaderParser
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge.declaredrows import Bounds, bounds, requires, stating, written
from stackcheck.knowledge.folders import MEASURED, SHIPPED, TOLD, Folder
from stackcheck.knowledge.matters import Matters
from stackcheck.knowledge.measured import MeasuredTable, render, with_rows
from stackcheck.knowledge.reading import read_document
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.model.errors import ResolveError
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.storage.folders import write_atomically
from stackcheck.wheels.learn import requirements

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from stackcheck.knowledge.measured import Measured
    from stackcheck.knowledge.packages import Needs
    from stackcheck.model.index_pages import File

MOST_MEMBERS = 20_000


METADATA = "METADATA of these versions"
MADE = "METADATA that pip makes of these versions, and requires.txt in their sdists"
REQUIRES = "requires.txt in the sdists of these versions"


class Said(NamedTuple):
    """What one file declares: lines of requirements, and whether no other machine answers otherwise."""

    lines: tuple[str, ...]
    fixed: bool

    @property
    def what(self) -> str:
        """Return what was read, as the source of a row."""
        return METADATA if self.fixed else REQUIRES


def said_by(source: WheelIndex, file: File) -> Said | None:
    """Return what a wheel or sdist declares; None where no file in it does. Raises ResolveError, TarError."""
    if file.name.endswith(".whl"):
        content = read_member(source.open(file.url), ".dist-info/METADATA")
        return Said(requires(content), fixed=True) if content is not None else None
    return of_sdist(source, file) if file.name.endswith((".tar.gz", ".tgz")) else None


AT_ONCE = 8
"""Files that are read side by side."""


def of_sdist(source: WheelIndex, file: File) -> Said | None:
    """Return what an sdist declares, by PKG-INFO or the requires.txt beside it."""
    told: Said | None = None
    with tarfile.open(fileobj=source.open(file.url), mode="r|gz") as archive:
        for count, member in enumerate(archive):
            parts = PurePosixPath(member.name).parts
            if count > MOST_MEMBERS:
                break
            if len(parts) == 2 and parts[1] == "PKG-INFO":
                content = _content(archive, member)
                headers = HeaderParser().parsestr(content.decode("utf-8", "replace"))
                dynamic = {each.lower() for each in headers.get_all("Dynamic") or []}
                modern = Version(headers.get("Metadata-Version", "1.0")) >= Version("2.2")
                if modern and "requires-dist" not in dynamic:
                    return Said(requires(content), fixed=True)
            elif len(parts) >= 2 and parts[-2].endswith(".egg-info") and parts[-1] == "requires.txt":
                text = _content(archive, member).decode("utf-8", "replace")
                told = Said(tuple(text.partition("[")[0].split("\n")), fixed=False)
    return told


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    return opened.read(1 << 20) if opened else b""


def rows(name: str, source: WheelIndex, names: Container[str], *, again: bool) -> Found:
    """Return rows of a package: of the versions that no row names, or again of those that rows name."""
    table = knowledge.load().packages
    files = {
        version: file
        for version, file in stating(source.files(name), name).items()
        if (table.declared_by(name, version) is None) != again
    }
    grouped: dict[tuple[str, str], list[Version]] = defaultdict(list)
    silent: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for version, said in zip(files, pool.map(partial(_said, source), files.values()), strict=True):
            if isinstance(said, str):
                silent.append(f"{name} {version}: {said}")
            else:
                found = bounds(_told(name, said.lines), names, files[version].requires_python)
                what = (
                    said.what
                    if said.fixed or not _confirms(table.declared_by(name, version), found)
                    else MADE
                )
                grouped["\n".join(written(found)), what].append(version)
    made = [_row(name, lines, versions, what) for (lines, what), versions in grouped.items()]
    return Found(made, [each for versions in grouped.values() for each in versions], silent)


def _told(name: str, lines: Sequence[str]) -> list[str]:
    """Return what rows tell of: the CUDA libraries that torch pins are held by its measured rows, by CUDA."""
    return [line for line in lines if name != "torch" or not line.startswith(("nvidia-", "cuda-"))]


class Found(NamedTuple):
    """New rows of a package as TOML, the versions in them, and what tells nothing."""

    rows: list[str]
    versions: list[Version]
    silent: list[str]


def _said(source: WheelIndex, file: File) -> Said | str:
    try:
        said = said_by(source, file)
    except (ResolveError, tarfile.TarError, OSError, EOFError, ValueError) as error:
        return str(error)
    return said if said is not None else f"{file.name} declares nothing that can be read"


def _confirms(row: Needs | None, found: Bounds) -> bool:
    """Tell whether a row that rests on METADATA which pip made of a sdist has the same bounds."""
    return (
        row is not None
        and not row.unverified
        and all(SpecifierSet(found.needs.get(name, "")) == wanted for name, wanted in row.needs.items())
    )


def _row(name: str, lines: str, versions: Sequence[Version], what: str) -> str:
    listed = ", ".join(f'"{each}"' for each in versions)
    return "\n".join(
        [
            "[[declared]]",
            f"versions = [{listed}]",
            lines,
            *(["unverified = true"] if what == REQUIRES else []),
            f'source = "{what}, https://pypi.org/project/{name}/"',
            f"checked = {TODAY}",
        ]
    )


def inserted(text: str, new: Sequence[str]) -> str:
    """Return a package's file with new rows behind its last [[declared]] row, or at its end."""
    last = text.rfind("[[declared]]")
    end = _END.search(text, last) if last >= 0 else None
    at = end.start() if end else len(text)
    return "\n\n".join([text[:at].rstrip("\n"), *new]) + "\n" + text[at:].removeprefix("\n")


_END = re.compile(r"\n\n(?=\[\[|#)|\Z")
_ROW = re.compile(r"\[\[declared\]\]\n(?:[^\n]+\n)+\n?")


def begun(name: str) -> str:
    """Return the file of a package of which nothing is told yet."""
    return f"# What is known of {name} beside what its wheels say.\n\nchecked = {TODAY}\n\n{_HEAD}\n"


_HEAD = "# --- What its METADATA declares of what the tables know; what an extra asks for is left out ---"


def replaced(text: str, new: Sequence[str], versions: Container[Version]) -> str:
    """Return a package's file with new rows in the place of those about the same versions.

    A row that names others too keeps those.
    """
    grown = inserted(text, [_MARK])

    def without(match: re.Match[str]) -> str:
        row = tomllib.loads(match[0])["declared"][0]
        left = [each for each in row["versions"] if Version(each) not in versions]
        listed = ", ".join(f'"{each}"' for each in left)
        kept = re.sub(r"^versions = \[[^\]]*\]", f"versions = [{listed}]", match[0], flags=re.MULTILINE)
        return kept if left else ""

    return _without_uncited(_ROW.sub(without, grown).replace(_MARK, "\n\n".join(new)))


def _without_uncited(text: str) -> str:
    """Return a package's file without sources that no row names any more."""
    head, sources, rest = text.partition("[sources]\n")
    listed, gap, rows = rest.partition("\n\n")
    used = [line for line in listed.split("\n") if f'"{line.partition(" = ")[0].strip(chr(34))}"' in rows]
    return text if not sources else head + ("\n".join([sources.rstrip(), *used]) + gap if used else "") + rows


_MARK = "# rows that are read again"


def measured_again(name: str, source: WheelIndex, names: Container[str]) -> str:
    """Return the file of a measured package with the requirements of its wheels read again."""
    package = MeasuredTable((Folder(SHIPPED),)).package(name)
    if package is None:
        raise ResolveError(f"{name}: was not measured")
    urls = {file.name: file for file in source.files(name)}

    def row(each: Measured) -> Measured:
        said = _said(source, urls[each.wheel]) if each.wheel in urls else ""
        if isinstance(said, str):
            return each
        return msgspec.structs.replace(each, requires=tuple(requirements(said.lines, names)))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        again = with_rows(package, pool.map(row, package.rows))
    head = read_document(SHIPPED / MEASURED / f"{name}.toml").checked
    return render(again, head)


def main(arguments: Sequence[str]) -> int:
    """Print the rows, or write them into the files that ship; exit code 1 where a version told nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--again", action="store_true", help="read what rows say already once more")
    parser.add_argument(
        "--measured", action="store_true", help="the requirements in measured/, in their place"
    )
    parser.add_argument("--index", default=PYPI)
    args = parser.parse_args(arguments)
    source, tables = WheelIndex(Fetcher(os.environ), args.index), knowledge.load()
    names, nothing = Matters(tables, args.packages), list[str]()
    every = tables.measured.names if args.measured else tables.packages.declared_dists
    for name in args.packages or sorted(every):
        try:
            if args.measured:
                text = measured_again(name, source, names)
                write_atomically(SHIPPED / MEASURED / f"{name}.toml", text.encode())
                continue
            found = rows(name, source, names, again=args.again)
        except ResolveError as error:
            nothing.append(str(error))
            continue
        nothing += found.silent
        path = SHIPPED / TOLD / f"{name}.toml"
        if found.rows and args.write:
            text = path.read_text("utf-8") if path.is_file() else begun(name)
            new = replaced(text, found.rows, found.versions) if args.again else inserted(text, found.rows)
            write_atomically(path, new.encode())
        sys.stdout.write("".join(f"# {name}\n{each}\n\n" for each in found.rows))
    sys.stderr.writelines(f"{line}\n" for line in nothing)
    return 1 if nothing else 0


TODAY = datetime.now(UTC).date()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
