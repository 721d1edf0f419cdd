"""Where a result goes: stdout, or a file that is whole or not there; progress goes to stderr."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from stackcheck.cli.telling import Plain, Silent
from stackcheck.model.errors import StackcheckError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.evidence import Level
from stackcheck.model.near import did_you_mean
from stackcheck.report import render_document

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.report.document import Document, Explanation
    from stackcheck.report.text import Paint

_WIDEST = 120
_NARROWEST = 40
_STYLES = {
    "PASS": "bold green",
    "WARN": "bold yellow",
    "SKIP": "bold cyan",
    "FAIL": "bold red",
    "ERROR": "bold magenta",
    "NOTHING": "bold magenta",
    "ACCEPTED": "bold blue",
    "strong": "bold",
    "dim": "dim",
}


def configure(parser: argparse.ArgumentParser, formats: Sequence[str], usual: str = "") -> None:
    """Add --format and -o; `usual` says which format it is without --format, where that is not the first."""
    default = None if usual else formats[0]
    parser.add_argument("--format", choices=formats, default=default, help=f"default: {usual or formats[0]}")
    parser.add_argument(
        "-o", "--output", type=_writable, metavar="FILE", help="write the result there instead of stdout"
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        type=functools.partial(_also, formats),
        metavar="FORMAT=FILE",
        help="write the same result to a file as well, such as --also junit=stacks.xml",
    )


def configure_judging(parser: argparse.ArgumentParser) -> None:
    """Add what changes the exit code alone."""
    parser.add_argument("--strict", action="store_true", help="exit 3 for warnings and what was not checked")
    parser.add_argument(
        "--accept-expected",
        action="store_true",
        help='does nothing: a stack with expect = "fail" that fails exactly as expected is exit 0',
    )
    parser.add_argument(
        "--require",
        choices=[level.word for level in Level],
        metavar="LEVEL",
        help="exit 3 where the checks did not come so far: stated, resolved, bytes, run or gpu",
    )


def _also(formats: Sequence[str], text: str) -> tuple[str, Path]:
    """Return format and file of one more copy of a result."""
    form, equals, file = text.partition("=")
    if not (form and equals and file):
        raise UsageError(f"--also {text}: say format and file, such as --also {formats[-1]}=result.txt")
    if form not in formats:
        raise UsageError(
            f"--also {text}: the formats are {', '.join(formats)}{did_you_mean(form, list(formats))}"
        )
    return form, _writable(file, f"--also {form}=")


def _writable(text: str, option: str = "-o ") -> Path:
    """Refuse a file that cannot be written, before hours of work are lost to it."""
    path = Path(text)
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{option}{text}: this is a folder; name a file in it")
    if not folder.is_dir():
        raise UsageError(f"{option}{text}: there is no folder {folder}; make it first")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{option}{text}: no permission to write there; give another file")
    return path


def write(text: str | Iterable[str], path: Path | None) -> None:
    """Write text, whole or in pieces, to stdout, or to a file that is whole or not there.

    Raises StackcheckError when the file cannot be written after all (disk full).
    """
    pieces = [text] if isinstance(text, str) else text
    if path is None:
        _to_stdout(pieces)
        return
    try:
        _to_file((piece.encode("utf-8", "backslashreplace") for piece in pieces), path)
    except OSError as error:
        raise StackcheckError(f"-o {path}: this cannot be written: {error.strerror}.") from None


def _to_file(pieces: Iterable[bytes], path: Path) -> None:
    if path.exists() and not path.is_file():  # a pipe or a device
        with path.open("wb") as file:
            file.writelines(pieces)
        return
    from stackcheck.storage.folders import write_atomically  # noqa: PLC0415 - only for a file

    place = path.resolve()
    mode = place.stat().st_mode & 0o777 if place.exists() else 0o666 & ~_umask()
    write_atomically(place, pieces, mode)


def _to_stdout(pieces: Iterable[str]) -> None:
    """Write to stdout; a reader that went away (`| head`) has had what it wanted, and is not an error."""
    for piece in pieces:
        try:
            sys.stdout.write(piece)
            sys.stdout.flush()
        except OSError as error:
            # Python would complain at exit, when it flushes stdout again; what follows goes nowhere as well.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                raise StackcheckError(f"stdout cannot be written: {error.strerror}.") from None


def write_reports(reports: Iterable[Report], args: argparse.Namespace) -> int:
    """Write reports as the user asked; return the exit code.

    JSON is written as the reports come, and keeps none of them; other formats begin with a table of all.
    """
    from stackcheck.intake.configuration import configuration  # noqa: PLC0415 - only where stacks were judged
    from stackcheck.model.report import overall_exit_code  # noqa: PLC0415
    from stackcheck.report.jsonfile import json_chunks  # noqa: PLC0415
    from stackcheck.report.sections import report_document  # noqa: PLC0415

    asked = args.require or configuration()[0].require
    require = Level[asked.upper()] if asked else None
    codes: set[int] = set()

    def judged() -> Iterator[Report]:
        for report in reports:
            codes.add(report.exit_code(strict=args.strict, require=require))
            yield report

    # Several copies are of the same reports, so those are kept.
    told = list(judged()) if args.also else judged()
    if args.format == "json":
        write(json_chunks(told), args.output)
    else:
        _write_one(report_document(told)._replace(explain=explained), args)
    for form, path in args.also:
        if form == "json":
            write(json_chunks(told), path)
        else:
            document = report_document(told)._replace(explain=explained)
            write(_shareable(render_document(document, form), form), path)
    return overall_exit_code(codes)


def explained(code: str) -> Explanation | None:
    """Return what the rule of a code says of itself; None for a code that no rule has."""
    from stackcheck.report.rulebook import explanation  # noqa: PLC0415 - for formats that have room for it
    from stackcheck.rules import find  # noqa: PLC0415 - likewise

    rule = find(code)
    return explanation(rule) if rule else None


def write_document(document: Document, args: argparse.Namespace) -> None:
    """Write a document in the formats and to the places that the user asked for."""
    _write_one(document, args)
    for form, path in args.also:
        write(_shareable(render_document(document, form), form), path)


def _write_one(document: Document, args: argparse.Namespace) -> None:
    to_file = args.output is not None
    paint = painter(sys.stdout, args.color, to_file=to_file)
    look = {"width": width(), "columns": columns(to_file=to_file), "verbose": args.verbose, "paint": paint}
    write(_shareable(render_document(document, args.format, **look), args.format), args.output)


def _shareable(rendered: str, form: str) -> str:
    """Return what is to be shown to others without the paths of this machine's user."""
    if form in ("text", "json", "jsonl"):
        return rendered
    from stackcheck.report.sharing import without_own_paths  # noqa: PLC0415 - not for a terminal

    with contextlib.suppress(OSError, RuntimeError):  # no folder here any more, nobody's home
        return without_own_paths(rendered, Path.cwd(), Path.home())
    return rendered


def width() -> int:
    """Return how many columns paragraphs take: the terminal's, within reason."""
    return min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)


def columns(*, to_file: bool = False) -> int | None:
    """Return how many columns tables may take; None for a pipe or a file, where lines are searched and cut.

    COLUMNS counts there, too, when it is set.
    """
    stated = os.environ.get("COLUMNS", "")
    if (stated.isdecimal() and int(stated)) or (not to_file and sys.stdout.isatty()):
        return max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST)
    return None


def painter(stream: TextIO, color: str = "auto", *, to_file: bool = False) -> Paint | None:
    """Return what colours text for a terminal; None where colour is not wanted (no-color.org).

    `color` is what --color says; a file, which `to_file` tells of, is no terminal.
    """
    dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if color == "never" or (color == "auto" and (to_file or dumb or not stream.isatty())):
        return None
    from rich.color import ColorSystem  # noqa: PLC0415 - 30 ms, and only for a terminal
    from rich.style import Style  # noqa: PLC0415

    styles = {name: Style.parse(style) for name, style in _STYLES.items()}
    return lambda style, text: styles[style].render(text, color_system=ColorSystem.STANDARD)


def progress(args: argparse.Namespace) -> Silent:
    """Return what takes lines of progress: stderr, or nothing with --quiet."""
    return Silent() if args.quiet else Plain(verbose=args.verbose)


def telling(args: argparse.Namespace, stacks: Iterable[Stack]) -> Silent:
    """Return what takes the progress of several stacks; at a terminal it is to be stopped.

    What --verbose asks for is written line by line, and so is all of it where reports go to the same terminal
    while others are at work.
    """
    streams = args.format == "json" and args.output is None and sys.stdout.isatty()
    dumb = os.environ.get("TERM", "") in {"", "dumb"}
    if args.quiet or args.verbose or dumb or streams or not sys.stderr.isatty():
        return progress(args)
    from stackcheck.cli.terminal import AtTerminal  # noqa: PLC0415 - only where somebody looks on

    return AtTerminal([stack.id for stack in stacks])


def line(text: object) -> str:
    """Return untrusted text as one harmless line."""
    return one_line(text)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
