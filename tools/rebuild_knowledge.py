"""Read what ships again from the package index, beginning with nothing: rebuild_knowledge.py [PACKAGE ...].

`refresh` gets tables without a row, `learn` a folder without a file. What they give back is held against
what ships, field by field: packages with few wheels first. `--keep` holds what was learned, written after
every wheel: a run that names the same folder goes on from there, and compares all that lies in it.

    python tools/rebuild_knowledge.py --keep ../rebuilt --minutes 25 > rebuilt.md
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge.folders import MEASURED, SHIPPED, TOLD, Folder
from stackcheck.knowledge.matters import Matters
from stackcheck.knowledge.measured import MeasuredTable
from stackcheck.knowledge.measured import render as render_package
from stackcheck.knowledge.reading import read_document
from stackcheck.knowledge.refresh import Refresh, refresh, refresh_newest, refresh_toolkits
from stackcheck.model.errors import ResolveError
from stackcheck.model.versions import release_key
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.storage.folders import write_atomically
from stackcheck.wheels import exports
from stackcheck.wheels.learn import MOST_BYTES, MeasuredTorches, Wanted, learn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.knowledge.cuda import CudaTable
    from stackcheck.knowledge.measured import Measured, MeasuredPackage
    from stackcheck.knowledge.torch import TorchTable
    from stackcheck.knowledge.wheelrows import Addition

TODAY = datetime.now(UTC).date()
KEYS = {
    "release": ("torch",), "build": ("torch", "cuda", "platform"), "companion": ("version",),
    "arch_list": ("since",), "toolkit": ("version",), "newest": (),
}  # fmt: skip
TITLES = frozenset(
    {"source", "sources", "checked", "cited", "note", "made", "where", "unverified", "overrides"}
)
"""What a row says of itself, and not of the world."""
OF_BINARIES = ("arch", "cuda", "torch", "glibc", "partial")
"""What depends on which binaries of a wheel were read: large ones are left out, by --most-mb."""
OF_PAGE = ("version", "tags", "uploaded", "yanked")
"""What a measured row says whose wheel was not opened."""


@dataclasses.dataclass
class Compared:
    """How the rows of one kind came back: fields as they ship, otherwise, or not stated by any file read.

    otherwise_deep: rows of wheels of which other binaries were read; what those say is not compared.
    """

    ships: int = 0
    back: int = 0
    otherwise_deep: int = 0
    same: Counter[str] = dataclasses.field(default_factory=Counter)
    other: Counter[str] = dataclasses.field(default_factory=Counter)
    part: Counter[str] = dataclasses.field(default_factory=Counter)
    absent: Counter[str] = dataclasses.field(default_factory=Counter)
    examples: list[str] = dataclasses.field(default_factory=list)

    def add(self, title: str, ships: Mapping[str, Any], back: Mapping[str, Any] | None) -> None:
        """Count one row of what ships, and the same row as it came back, None where it did not."""
        self.ships += 1
        if back is None:
            return
        self.back += 1
        deep = ships.get("partial") != back.get("partial")
        self.otherwise_deep += deep
        for key in sorted(ships.keys() - TITLES - {*(OF_BINARIES if deep else ())}):
            if key not in back:
                self.absent[key] += 1
            elif words(back[key]) == words(ships[key]):
                self.same[key] += 1
            elif _is_part(back[key], ships[key]):
                self.part[key] += 1
            else:
                self.other[key] += 1
                self.examples.append(f"{title} {key}: ships {ships[key]}, read {back[key]}"[:220])


def _is_part(back: Any, ships: Any) -> bool:
    """Tell whether what was read is some of what ships, such as one of the CUDA versions of a release."""
    some, every = words(back), words(ships)
    return isinstance(some, list) and isinstance(every, list) and bool(some) and set(some) < set(every)


def words(value: Any) -> Any:
    """Return a value as it is compared: a list of words may be one text."""
    if isinstance(value, str):
        return sorted(value.split())
    return sorted(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else value


def emptied_torch(table: TorchTable) -> TorchTable:
    """Return the table without one row."""
    nothing: dict[str, Any] = {
        name: type(getattr(table, name))()
        for name in table.__struct_fields__
        if isinstance(getattr(table, name), (tuple, dict))
    }
    return msgspec.structs.replace(table, **nothing)


def emptied_cuda(table: CudaTable) -> CudaTable:
    """Return the table without one toolkit."""
    return msgspec.structs.replace(table, toolkits=(), _toolkit={})


def refreshed(source: WheelIndex) -> Refresh:
    """Return what a refresh of emptied tables reads."""
    known = knowledge.load()
    newest = known.packages.newest
    torch = known.measured.package("torch")
    glibc = {str(row.version): row.glibc for row in torch.rows if row.glibc} if torch else {}
    nothing = {name: msgspec.structs.replace(newest[name], version=Version("0")) for name in newest}
    return (
        refresh(source, emptied_torch(known.torch), TODAY, most=1000, glibc=glibc)
        .joined(refresh_toolkits(source, emptied_cuda(known.cuda), TODAY))
        .joined(refresh_newest(source, nothing, TODAY))
    )


def compare_told(additions: Iterable[Addition]) -> dict[str, Compared]:
    """Hold each row that a refresh made against the one that ships."""
    back: dict[tuple[str, str, tuple[str, ...]], dict[str, Any]] = {}
    for each in additions:
        row = tomllib.loads(each.text)[each.kind][0]
        back[each.package, each.kind, tuple(str(row[key]) for key in KEYS[each.kind])] = row
    compared: dict[str, Compared] = defaultdict(Compared)
    for path in sorted((SHIPPED / TOLD).glob("*.toml")):
        for kind, rows in read_document(path).arrays.items():
            for row in rows if kind in KEYS else ():
                about = path.stem, kind, tuple(str(row[key]) for key in KEYS[kind])
                compared[kind].add(" ".join((path.stem, *about[2])), row, back.get(about))
    return dict(compared)


def learned(name: str, source: WheelIndex, wanted: Wanted, keep: Path, until: float) -> bool:
    """Write a package as `learn` reads it, knowing what lies in `keep` alone; tell whether it was all read.

    until: the time by `time.monotonic` when it ends, between two wheels.
    """
    before = MeasuredTable((Folder(keep),)).package(name)
    for step in learn(name, source, before, MeasuredTorches(exports.read()), wanted, TODAY):
        write_atomically(keep / MEASURED / f"{name}.toml", render_package(step.package, TODAY).encode())
        sys.stderr.write(f"{step.line}\n")
        if time.monotonic() > until:
            return False
    return True


def compare_measured(name: str, back: MeasuredPackage | None) -> Compared:
    """Hold the rows of a package against those that ship; a row whose wheel was not opened is not back."""
    ships = MeasuredTable((Folder(SHIPPED),)).package(name)
    compared, rows = Compared(), {release_key(row.version): row for row in (back.rows if back else ())}
    for row in ships.rows if ships else ():
        found = rows.get(release_key(row.version))
        opened = found is not None and bool(found.wheel) >= bool(row.wheel)
        compared.add(f"{name} {row.version}", _fields(row), _fields(found) if found and opened else None)
    return compared


def _fields(row: Measured) -> dict[str, Any]:
    names = row.__struct_fields__ if row.wheel else OF_PAGE
    return {name: getattr(row, name) for name in names}


def render(title: str, compared: Mapping[str, Compared]) -> Iterator[str]:
    """Yield the lines of a table, and below it each field that came back otherwise."""
    columns = (
        "ships | came back | read less or more | fields as they ship | some of it | otherwise | not stated"
    )
    yield f"| {title} | {columns} |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, each in compared.items():
        rows = f"{each.ships} | {each.back} | {each.otherwise_deep}"
        counts = " | ".join(map(_counted, (each.part, each.other, each.absent)))
        yield f"| {name} | {rows} | {each.same.total()} | {counts} |"
    yield ""
    yield from (f"- {line}" for each in compared.values() for line in each.examples)
    yield ""


def _counted(fields: Counter[str]) -> str:
    named = ", ".join(starmap("{} {}".format, sorted(fields.items())))
    return f"{fields.total()} ({named})" if fields else "0"


def main(arguments: Sequence[str]) -> int:
    """Print the tables; exit code 1 where a field came back otherwise than it ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--index", default=PYPI)
    parser.add_argument("--most-mb", type=int, default=MOST_BYTES >> 20, help="as learn has it")
    parser.add_argument("--keep", type=Path, help="go on from what lies there, and keep what is read")
    args = parser.parse_args(arguments)
    began, source = (
        time.monotonic(),
        WheelIndex(Fetcher(os.environ, most_bytes=args.most_mb << 20), args.index),
    )
    differs, unread = 0, []
    if not args.packages:
        found = refreshed(source)
        told, unread = compare_told(found.additions), list(found.unread)
        differs += sum(each.other.total() for each in told.values())
        sys.stdout.write("\n".join(render("`refresh`: kind of row", told)) + "\n")
        sys.stderr.write(f"refresh: {time.monotonic() - began:.0f} s\n")
    measured: dict[str, Compared] = {}
    table, left, until = MeasuredTable((Folder(SHIPPED),)), [], began + args.minutes * 60
    with tempfile.TemporaryDirectory() as cache:  # facts that were kept before would not be read again
        keep = args.keep or Path(cache) / "rebuilt"
        environ = {**os.environ, "STACKCHECK_CACHE": cache}
        wanted = Wanted(TODAY, environ, Matters(knowledge.load()), args.most_mb << 20)
        for name in args.packages or sorted(table.names, key=lambda each: (_wheels(table, each), each)):
            try:
                since = dataclasses.replace(wanted, since=_since(table, name))
                if time.monotonic() > until or not learned(name, source, since, keep, until):
                    left.append(name)
            except ResolveError as error:
                unread.append(f"{name}: {error}")
            back = MeasuredTable((Folder(keep),)).package(name)
            if back:
                measured[name] = compare_measured(name, back)
    differs += sum(each.other.total() for each in measured.values())
    sys.stdout.write("\n".join(render("`learn`: package", measured)) + "\n")
    sys.stdout.writelines(f"- not read: {each}\n" for each in unread)
    took = f"{time.monotonic() - began:.0f} seconds"
    sys.stdout.write(f"\n{took}; not read to the end: {', '.join(left) or 'nothing'}\n")
    return 1 if differs else 0


def _since(table: MeasuredTable, name: str) -> date:
    """Return the first day of a version whose wheel was opened for what ships; older ones stay closed."""
    package = table.package(name)
    days = [row.uploaded for row in (package.rows if package else ()) if row.wheel and row.uploaded]
    return min(days, default=TODAY + timedelta(days=1))


def _wheels(table: MeasuredTable, name: str) -> int:
    package = table.package(name)
    return sum(bool(row.wheel) for row in package.rows) if package else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
