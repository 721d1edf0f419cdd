"""`stackcheck cache`: what is kept for the next run, and its removal."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.model.errors import EXIT_OK, UsageError
from stackcheck.report.document import Document, Section, Table
from stackcheck.report.wording import plural, size
from stackcheck.storage.cache_entries import DAY_S, KINDS, CacheEntry, Kind, entries, remove
from stackcheck.storage.folders import cache_folder
from stackcheck.targets.process.build_lock import is_locked

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

_FORMATS = ("text", "md", "json")
_SCHEMA_VERSION = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("what", choices=["info", "clean"], help="show what is kept, or remove it")
    parser.add_argument(
        "--kind",
        action="append",
        choices=[kind.name for kind in KINDS],
        default=[],
        metavar="KIND",
        help=f"only this kind, may be repeated: {', '.join(kind.name for kind in KINDS)}",
    )
    parser.add_argument(
        "--older", type=float, metavar="DAYS", help="clean: only what was not used for so many days"
    )
    output.configure(parser, _FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    cache = cache_folder(os.environ)
    kinds = [kind for kind in KINDS if not args.kind or kind.name in args.kind]
    if args.older is not None and (args.what == "info" or not 0 <= args.older < float("inf")):
        raise UsageError("--older takes days, 0 or more, and goes with `cache clean`.")
    found = list(entries(cache, kinds))
    if args.what == "info":
        output.write_document(_document(cache, kinds, found, f"{cache} holds"), args)
        return EXIT_OK
    latest = time.time() - (args.older or 0) * DAY_S
    gone = remove((each for each in found if each.used <= latest), lambda name: is_locked(cache, name))
    left = f", {plural(len(found) - len(gone), 'entry')} left" if len(gone) < len(found) else ""
    output.write_document(_document(cache, kinds, gone, "removed", left), args)
    return EXIT_OK


def _document(
    cache: Path, kinds: Iterable[Kind], found: Iterable[CacheEntry], verb: str, end: str = ""
) -> Document:
    by_kind: dict[str, list[CacheEntry]] = defaultdict(list)
    for each in found:
        by_kind[each.kind.name].append(each)
    rows = [(kind, by_kind[kind.name]) for kind in kinds]
    every = [each for _, group in rows for each in group]
    told = f"{verb} {plural(len(every), 'entry')}, {size(_bytes(every))}{end}."
    table = Table(
        ("kind", "what", "entries", "size", "oldest", "kept"),
        tuple(_row(kind, group) for kind, group in rows if group),
        right=2,
    )
    parts = (table,) if every else ()
    return Document((Section(name="cache", headline=told, parts=parts),), lambda: _data(cache, rows))


def _row(kind: Kind, group: list[CacheEntry]) -> tuple[str, ...]:
    oldest = (time.time() - min(each.used for each in group)) / DAY_S
    kept = f"{kind.days:.0f} days" if kind.days < 1000 else "by uv"
    return (kind.name, kind.what, str(len(group)), size(_bytes(group)), f"{oldest:.0f} days", kept)


def _data(cache: Path, rows: Iterable[tuple[Kind, list[CacheEntry]]]) -> dict[str, object]:
    return {
        "schema_version": _SCHEMA_VERSION,
        "cache": str(cache),
        "kinds": {kind.name: {"entries": len(group), "size_bytes": _bytes(group)} for kind, group in rows},
    }


def _bytes(group: Iterable[CacheEntry]) -> int:
    return sum(each.size_bytes for each in group)
