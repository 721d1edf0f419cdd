"""`stackcheck knowledge`: what is read, and bundles of it: packed, taken, and given back."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from stackcheck.cli import output
from stackcheck.knowledge import bundles
from stackcheck.knowledge.dated import files_of, snapshot
from stackcheck.knowledge.folders import SHIPPED, data_folder, in_order, most_days
from stackcheck.model.errors import EXIT_OK, ResolveError, StackcheckError, UsageError
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Lines, Section, Table
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import as_named, read_bytes

if TYPE_CHECKING:
    import argparse

_MOST_WORDS = {"info": 0, "pack": 1, "update": 2, "rollback": 1}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "verb",
        choices=tuple(_MOST_WORDS),
        nargs="?",
        default="info",
        help="info: which folders are read, and what of them is old; pack [FOLDER]: make one file of what "
        "ships, or of a folder; update FILE, or update [INDEX PACKAGE]: take a bundle, verified; rollback "
        "[PACKAGE]: read again what was read before it",
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="the file, folder, index or package")
    parser.add_argument(
        "--name", metavar="PACKAGE", help=f"with pack: its name; {bundles.OURS} for what ships"
    )
    parser.add_argument("--revision", type=int, default=0, metavar="N", help="with pack: the Nth of one day")
    parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="with pack: write it there")
    parser.add_argument("--sha256", default="", metavar="HEX", help="with update: what the file must have")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    if len(args.words) > _MOST_WORDS[args.verb]:
        word = args.words[_MOST_WORDS[args.verb]]
        raise UsageError(f"knowledge {args.verb}: {word!r} is one word too many; see `knowledge --help`.")
    verb = {"info": _info, "pack": _pack, "update": _update, "rollback": _rollback}[args.verb]
    section, data = verb(args)
    output.write_document(Document((section,), lambda: data), args)
    return EXIT_OK


_Said = tuple[Section, dict[str, Any]]


def _info(_args: argparse.Namespace) -> _Said:
    today, limit = datetime.now(UTC).date(), most_days()
    digest, days = snapshot(in_order())
    rows = []
    for folder in in_order():
        _, its = snapshot((folder,))
        newest = str(max(its.values())) if its else ""
        what = "ships with stackcheck" if folder.path == SHIPPED else "your own" if folder.own else "bundle"
        rows.append((as_named(folder.path), what, str(len(files_of(folder))), newest))
    taken = [(each.name, each.current or "what ships", " ".join(each.before)) for each in _taken()]
    old = sorted(name for name, day in days.items() if (today - day).days > limit)
    said = f"{len(old)} of {len(days)} files were last checked more than {limit} days ago"
    parts = [Table(("folder", "whose", "files", "newest"), tuple(rows), right=2)]
    parts += [Table(("bundle", "read", "before it"), tuple(taken))] if taken else []
    lines = (f"knowledge of {max(days.values())}, sha256 {digest}", said, *(f"  {name}" for name in old))
    data = {
        "date": str(max(days.values())),
        "sha256": digest,
        "folders": [dict(zip(("folder", "whose", "files", "newest"), row, strict=True)) for row in rows],
        "bundles": [{"name": name, "read": read, "before": before} for name, read, before in taken],
        "old": old,
    }
    return Section(title="knowledge", parts=(*parts, Lines(lines, literal=True))), data


def _taken() -> tuple[bundles.Taken, ...]:
    return bundles.every(data_folder() / "bundles")


def _pack(args: argparse.Namespace) -> _Said:
    folder = Path(args.words[0]) if args.words else SHIPPED
    if not folder.is_dir():
        raise UsageError(f"{folder}: this is not a folder of knowledge.")
    if args.words and not args.name:
        raise UsageError(
            f"knowledge pack {folder}: name the package that it becomes: --name acme-gpu-knowledge."
        )
    filename, content = bundles.pack(folder, args.name or bundles.OURS, args.revision)
    path = args.to / filename
    try:
        write_atomically(path, content)
    except OSError as error:
        raise StackcheckError(f"{path}: this cannot be written: {error.strerror}.") from None
    digest = hashlib.sha256(content).hexdigest()
    return _said(
        (f"{path}: {len(content):,} bytes, sha256 {digest}",),
        {"file": str(path), "bytes": len(content), "sha256": digest},
    )


def _update(args: argparse.Namespace) -> _Said:
    if len(args.words) == 1:
        path = Path(args.words[0])
        bundle = bundles.read(read_bytes(path, bundles.MOST_BYTES), path.name, args.sha256)
    else:
        index, package = args.words or _default()
        bundle = _of_index(index, package, args.sha256)
    taken = bundles.take(bundle, data_folder() / "bundles", datetime.now(UTC).date())
    back = (
        f"; `stackcheck knowledge rollback {taken.name}` goes back to {(taken.before or ('what ships',))[-1]}"
    )
    return _said(
        (f"{taken.name} {taken.current} is read from now on (sha256 {bundle.sha256}){back}",),
        {"name": taken.name, "version": taken.current, "sha256": bundle.sha256},
    )


def _default() -> tuple[str, str]:
    from stackcheck.resolve.wheelindex import PYPI  # noqa: PLC0415 - only where an index is asked

    return PYPI, bundles.OURS


def _of_index(index: str, package: str, sha256: str) -> bundles.Bundle:
    """Return the newest bundle of a package on an index, held against the digest that the page states."""
    from stackcheck.resolve.index import Fetcher, Unreachable  # noqa: PLC0415 - only where an index is asked
    from stackcheck.resolve.wheelindex import WheelIndex  # noqa: PLC0415

    fetcher = Fetcher(os.environ, most_bytes=bundles.MOST_BYTES)
    name = canonicalize_name(package)
    files = [
        (file.version, file)
        for file in WheelIndex(fetcher, index).files(name)
        if file.is_wheel and file.project == name and file.version and file.yanked is None
    ]
    if not files:
        raise ResolveError(f"{index}: there is no bundle {name} here that is not withdrawn.")
    _, file = max(files, key=lambda each: each[0])
    if not file.sha256 and not sha256:
        raise UsageError(
            f"{file.url}: the page does not state its sha256; state it with --sha256, or take a file."
        )
    content = fetcher.content(file.url)
    if isinstance(content, Unreachable):
        raise ResolveError(content.message)
    return bundles.read(content, file.name, sha256 or file.sha256)


def _rollback(args: argparse.Namespace) -> _Said:
    name = canonicalize_name(args.words[0]) if args.words else bundles.OURS
    taken = bundles.rollback(name, data_folder() / "bundles")
    now = taken.current or ("what ships" if name == bundles.OURS else "nothing of it")
    return _said((f"{name}: {now} is read from now on",), {"name": name, "version": taken.current})


def _said(lines: tuple[str, ...], data: dict[str, Any]) -> _Said:
    return Section(title="knowledge", parts=(Lines(lines, literal=True),)), data
