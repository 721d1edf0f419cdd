"""`stackcheck fits`: which releases of torch can load a wheel, or a library, and why others cannot."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.model.evidence import Outcome
from stackcheck.report import FORMATS
from stackcheck.storage.reading import open_file, stands
from stackcheck.wheels import exports, fitdocument
from stackcheck.wheels.fits import PLATFORMS, Subject, judge, wheel_subject
from stackcheck.wheels.read import read_library_facts, read_wheel
from stackcheck.wheels.torches import Asked

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.wheels.exports import Exports

_NAMED = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==([0-9][^=<>~!;, ]*))?")
_VERSIONS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "targets",
        nargs="+",
        metavar="TARGET",
        help="a wheel, a library, NAME==VERSION of a package on the index, or NAME: each of its versions",
    )
    parser.add_argument(
        "--torch",
        type=Asked,
        metavar="all|2.6,2.7.1|RANGE",
        help="exit 1 unless each of these can load it, such as '>=2.8,<2.13'; default: one is enough",
    )
    parser.add_argument(
        "--markdown", action="store_true", help="a table for a README: versions, torch, CUDA, Python, glibc"
    )
    parser.add_argument(
        "--platform",
        choices=sorted(PLATFORMS.values()),
        help="of wheels on the index; default: this machine's",
    )
    parser.add_argument(
        "--versions",
        type=int,
        default=_VERSIONS,
        metavar="N",
        help="with NAME: the newest; default: %(default)s",
    )
    parser.add_argument("--gpu", metavar="L4,B200,...", help="say how its libraries serve these GPUs, too")
    parser.add_argument("--index", metavar="URL", help="default: https://pypi.org/simple")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    tables = exports.read()
    asked: Asked | None = args.torch
    if asked and not asked.builds(tables.builds) and not asked.named:
        newest = tables.builds[-1].torch
        raise UsageError(f"--torch: {asked.text!r} holds no measured release; the newest is {newest}.")
    told = [each for target in args.targets for each in _told(target, asked, tables, args)]
    whole = len(args.targets) == 1 and _is_project(args.targets[0])
    page = fitdocument.matrix if args.markdown or whole else fitdocument.document
    if args.markdown:
        args.format = "md"
    output.write_document(page(told, tables), args)
    return _exit_code([each.outcome for each in told], whole=whole)


def _exit_code(outcomes: list[Outcome | None], *, whole: bool) -> int:
    """Return the exit code; of all versions of a package one that fits is enough."""
    if whole and Outcome.PASS in outcomes:
        return EXIT_OK
    if Outcome.FAIL in outcomes and not (whole and None in outcomes):
        return EXIT_FAIL
    return EXIT_UNCHECKED if None in outcomes or not outcomes else EXIT_OK


def _is_project(target: str) -> bool:
    match = _NAMED.fullmatch(target)
    return not stands(Path(target)) and match is not None and match[2] is None


def _told(
    target: str, asked: Asked | None, tables: Exports, args: argparse.Namespace
) -> Iterator[fitdocument.Told]:
    """Yield what a target is judged by: one subject for a file or a release, several for a package."""
    for subject in [read_target(Path(target))] if stands(Path(target)) else _on_index(target, args):
        yield fitdocument.Told(judge(subject, tables), asked, _gpus(args.gpu))


def _gpus(text: str | None) -> tuple[Gpu, ...]:
    if not text:
        return ()
    from stackcheck.knowledge.gpus import find_gpu  # noqa: PLC0415 - a table that is rarely asked

    try:
        return tuple(find_gpu(word.strip()) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise UsageError(f"--gpu: {error}.") from None


def read_target(path: Path) -> Subject:
    """Read a wheel or a library; raise UsageError for what is neither."""
    with open_file(path) as file:
        if file.read(4) == b"PK\x03\x04":
            return wheel_subject(read_wheel(file))
    return Subject(path.name, (read_library_facts(path),))


def _on_index(target: str, args: argparse.Namespace) -> Iterator[Subject]:
    """Yield the releases of a package that a target names, newest first."""
    match = _NAMED.fullmatch(target)
    if match is None or "/" in target or target.endswith((".whl", ".so")):
        raise UsageError(f"{target}: there is no such file, and it is neither NAME==VERSION nor NAME.")
    if match[1].lower() == "torch":
        raise UsageError(f"{target}: torch is what other wheels are held against; name one of them.")
    from stackcheck.wheels.onindex import subjects  # noqa: PLC0415 - a file needs no index

    host = args.platform or PLATFORMS.get(platform.machine(), "linux/amd64")
    yield from subjects(match[1], match[2], args.index, host, args.versions, output.progress(args))
