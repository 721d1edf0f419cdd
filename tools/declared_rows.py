"""Tell what versions declare that no [[declared]] row names yet: declared_rows.py [--write] [PACKAGE ...].

METADATA of a wheel says it. Of an sdist PKG-INFO does, where Requires-Dist is not dynamic there; else the
requires.txt that was made with it, which the setup.py of another machine may answer otherwise: such a row is
unverified. A requirement with a marker or an extra is left out, and so are names that no row of it has.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tarfile
from collections import defaultdict
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge.declaredrows import needs, neighbours, requires, written_needs
from stackcheck.knowledge.folders import SHIPPED, TOLD
from stackcheck.knowledge.wheelfile import read_member
from stackcheck.knowledge.wheelrows import file_version
from stackcheck.model.errors import ResolveError
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stackcheck.model.index_pages import File

MOST_MEMBERS = 20_000


class Said(NamedTuple):
    """What one file declares: lines of requirements, and whether no other machine answers otherwise."""

    lines: tuple[str, ...]
    fixed: bool


def said_by(source: WheelIndex, file: File) -> Said | None:
    """Return what a wheel or sdist declares; None where no file in it does. Raises ResolveError, TarError."""
    if file.name.endswith(".whl"):
        content = read_member(source.open(file.url), ".dist-info/METADATA")
        return Said(requires(content), fixed=True) if content is not None else None
    return of_sdist(source, file) if file.name.endswith((".tar.gz", ".tgz")) else None


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


def missing(name: str, source: WheelIndex) -> Iterator[tuple[Version, File]]:
    """Yield the final versions that no row names, oldest first, with a wheel of each, else its sdist."""
    table = knowledge.load().packages
    files: dict[Version, File] = {}
    for file in source.files(name):
        version = file_version(file.name, name)
        if version is None or version.is_prerelease or version.local or file.yanked is not None:
            continue
        if version not in files or not files[version].name.endswith(".whl"):
            files[version] = file
    for version in sorted(files):
        if table.declared_by(name, version) is None:
            yield version, files[version]


def rows(name: str, source: WheelIndex) -> tuple[list[str], list[str]]:
    """Return new rows of a package as TOML, one for each answer, and the versions that tell nothing."""
    table = knowledge.load().packages
    known = neighbours(table, name)
    grouped: dict[tuple[tuple[tuple[str, str], ...], bool], list[Version]] = defaultdict(list)
    silent: list[str] = []
    for version, file in missing(name, source):
        try:
            said = said_by(source, file)
        except (ResolveError, tarfile.TarError, OSError, EOFError, ValueError) as error:
            silent.append(f"{name} {version}: {error}")
            continue
        if said is None:
            silent.append(f"{name} {version}: {file.name} declares nothing that can be read")
            continue
        grouped[tuple(needs(said.lines, known).items()), said.fixed].append(version)
    return [
        _row(name, dict(found), versions, fixed=fixed) for (found, fixed), versions in grouped.items()
    ], silent


def _row(name: str, found: Mapping[str, str], versions: Sequence[Version], *, fixed: bool) -> str:
    listed = ", ".join(f'"{each}"' for each in versions)
    lines = ["[[declared]]", f"versions = [{listed}]", written_needs(found)]
    if not fixed:
        lines.append("unverified = true")
    what = "METADATA" if fixed else "requires.txt in the sdists"
    lines += [f'source = "{what} of these versions, https://pypi.org/project/{name}/"', f"checked = {TODAY}"]
    return "\n".join(lines)


def inserted(text: str, new: Sequence[str]) -> str:
    """Return a package's file with new rows behind its last [[declared]] row."""
    last = text.rindex("[[declared]]")
    end = re.compile(r"\n\n(?=\[\[|#)|\Z").search(text, last)
    at = end.start() if end else len(text)
    return "\n\n".join([text[:at].rstrip("\n"), *new]) + "\n" + text[at:].removeprefix("\n")


def main(arguments: Sequence[str]) -> int:
    """Print the rows, or write them into the files that ship; exit code 1 where a version told nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--index", default=PYPI)
    args = parser.parse_args(arguments)
    source, nothing = WheelIndex(Fetcher(os.environ), args.index), []
    for name in args.packages or sorted(knowledge.load().packages.declared_dists):
        try:
            new, silent = rows(name, source)
        except ResolveError as error:
            new, silent = [], [str(error)]
        nothing += silent
        path = SHIPPED / TOLD / f"{name}.toml"
        if new and args.write:
            write_atomically(path, inserted(path.read_text("utf-8"), new).encode())
        sys.stdout.write("".join(f"# {name}\n{each}\n\n" for each in new))
    sys.stderr.writelines(f"{line}\n" for line in nothing)
    return 1 if nothing else 0


TODAY = datetime.now(UTC).date()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
