"""`stackcheck inspect`: which GPUs each library can serve, and how; and whether it will load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output, stacks
from stackcheck.inspect import inspection
from stackcheck.knowledge.gpus import Gpu, find_gpu
from stackcheck.model.errors import UsageError
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Finding, Lines, Part, Section, Table
from stackcheck.report.wording import NOTHING, plural, size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from stackcheck.inspect.inspection import Cell, Contents, Row


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="TARGET",
        help="a library, folder, virtual environment, wheel, image archive (docker save, OCI), or NAME:TAG",
    )
    parser.add_argument("--image", metavar="IMAGE", help="an image without a tag in its name")
    parser.add_argument(
        "--gpu",
        action="append",
        default=[],
        metavar="T4,8.9,...",
        help="products, capabilities or gfx targets; may be given several times",
    )
    parser.add_argument("--stack", metavar="STACK", help="take the GPUs of this stack")
    parser.add_argument("--driver-cuda", metavar="12.4", help="the newest CUDA version that the driver knows")
    parser.add_argument("--deep", action="store_true", help="search for GPU code that no section lists")
    parser.add_argument("--strict", action="store_true", help="exit 3 when a library's coverage is unknown")
    stacks.configure_folders(parser)
    options.add_image_engine(parser)
    options.add_quiet(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    gpus, asked = _gpus(args)
    driver = _release(args.driver_cuda) if args.driver_cuda else None
    contents = _contents(args)
    rows = inspection.judge(contents, gpus, driver)
    output.write_document(document(contents, rows, gpus, asked=asked), args)
    return inspection.exit_code(contents, rows, asked=asked, strict=args.strict)


def _contents(args: argparse.Namespace) -> Contents:
    if bool(args.image) == bool(args.target):
        raise UsageError("name one target: a path, NAME:TAG of an image, or --image IMAGE")
    image = args.image or _image_name(args.target)
    if not image:
        return inspection.read_target(args.target, deep=args.deep)
    from stackcheck.inspect.environments import inspect_image  # noqa: PLC0415 - a file needs no engine

    return inspect_image(image, options.pipeline_options(args), output.progress(args), deep=args.deep)


def _image_name(target: Path) -> str:
    """Return the image that a target names, "" for a path: what is on the disk is a path."""
    text = str(target)
    return text if not target.exists() and (":" in target.name or "@sha256:" in text) else ""


def _gpus(args: argparse.Namespace) -> tuple[list[Gpu], bool]:
    """Return the GPUs of the table, and whether the user named them."""
    try:
        named = [find_gpu(word) for word in ",".join(args.gpu).split(",") if word.strip()]
    except ValueError as error:
        raise UsageError(f"--gpu: {error}") from None
    if args.stack:
        from stackcheck.intake import catalog  # noqa: PLC0415 - only here are definitions read

        found = catalog.find([args.stack], args.matrices)
        named += [gpu for stack in found for gpu in stack.gpus]
        if not named:
            raise UsageError(f"--stack {args.stack} states no GPUs; name them with --gpu")
    return list(dict.fromkeys(named)) or [find_gpu(name) for name in inspection.COMMON], bool(named)


def _release(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise UsageError(f"--driver-cuda: {text!r} is no CUDA version such as 12.4")
    return int(major), int(minor)


def _column(gpu: Gpu) -> str:
    what = gpu.gfx or str(gpu.capability)
    return what if what == gpu.name else f"{gpu.name} ({what})"


def document(contents: Contents, rows: Sequence[Row], gpus: Sequence[Gpu], *, asked: bool) -> Document:
    """Return what was inspected: the libraries against the GPUs, and whether they will load.

    `asked` tells that the GPUs were named, so that a library which does not serve one of them fails.
    """
    sections = [_libraries(contents, rows, gpus, asked=asked)]
    if contents.loading:
        from stackcheck.report.sections import finding  # noqa: PLC0415 - only an environment has verdicts

        # What passed is shown too: nothing else says that the libraries were looked at.
        told = tuple(replace(finding(verdict), shown=True) for verdict in contents.loading)
        sections.append(Section("Will they load?", parts=told))
    return Document(
        tuple(sections), lambda: _data(contents, rows, gpus), title=f"{contents.kind} {contents.name}"
    )


def _libraries(contents: Contents, rows: Sequence[Row], gpus: Sequence[Gpu], *, asked: bool) -> Section:
    parts: list[Part] = [*_misses(rows, gpus)] if asked else []
    if rows:
        cells = [(row.path, *map(_word, row.cells), row.worst.reason) for row in rows]
        parts.append(Table(("library", *map(_column, gpus), "why"), tuple(cells)))
        if any(each.partial for row in rows for each in row.cells):
            parts.append(Lines(("* some fatbins of the library serve this GPU and others do not",)))
        if any(each.unseen for row in rows for each in row.cells):
            parts.append(Lines(("? code may be there that no section lists; --deep looks for it",)))
    if costs := inspection.sizes(contents):
        table = tuple((name, str(images), size(count)) for name, images, count in costs)
        parts.append(Table(("code", "images", "size"), table, right=1))
    notes = [f"not read: {path}: {why}" for path, why in contents.unreadable]
    notes += [f"not looked at: {reason}" for reason in contents.skipped]
    return Section(
        name=f"{contents.kind} {contents.name}",
        headline=_headline(contents, rows),
        outcome="" if contents.binaries else NOTHING,
        parts=(*parts, *([Lines(tuple(notes))] if notes else [])),
    )


def _misses(rows: Sequence[Row], gpus: Sequence[Gpu]) -> Iterator[Finding]:
    """Yield the libraries that do not serve a GPU, for machines; a reader has the table."""
    for row in rows:
        missed = [_column(gpu) for gpu, cell in zip(gpus, row.cells, strict=True) if cell.how == "no"]
        if missed:
            title = f"no code for {', '.join(missed)}"
            yield Finding(
                Outcome.FAIL, "", title, row.worst.reason, name=row.path, label="no code", shown=False
            )


def _word(cell: Cell) -> str:
    return cell.how + ("*" if cell.partial else "") + ("?" if cell.unseen else "")


def _headline(contents: Contents, rows: Sequence[Row]) -> str:
    if not contents.binaries:
        return "nothing could be inspected, there is no binary in it"
    bad = sum(row.worst.how == "no" for row in rows)
    others = contents.binaries - len(rows) - len(contents.unreadable)
    if not rows and contents.libraries:
        count = plural(len(contents.libraries), "library")
        return f"{count} with GPU code, none for such GPUs: other targets, or still to be linked"
    ends = f", {bad} of them without code for one of these" if bad else ""
    count = plural(len(rows), "library")
    return f"{count} with code for such GPUs{ends}; {plural(others, 'other binary')}"


def _data(contents: Contents, rows: Sequence[Row], gpus: Sequence[Gpu]) -> dict[str, Any]:
    from stackcheck.report.jsonfile import verdict_out  # noqa: PLC0415 - only for JSON

    libraries: list[dict[str, Any]] = [
        {
            "path": row.path,
            "serves": {
                gpu.name: {
                    "how": each.how,
                    "by": each.by,
                    "needs_driver": each.needs_driver,
                    "partial": each.partial,
                    "unseen": each.unseen,
                    "reason": each.reason,
                }
                for gpu, each in zip(gpus, row.cells, strict=True)
            },
        }
        for row in rows
    ]
    return {
        "schema_version": 1,
        "target": {"kind": contents.kind, "name": contents.name},
        "gpus": [{"name": gpu.name, "target": gpu.gfx or str(gpu.capability)} for gpu in gpus],
        "libraries": libraries,
        "sizes": [
            {"code": name, "images": images, "bytes": count}
            for name, images, count in inspection.sizes(contents)
        ],
        "loading": [verdict_out(verdict) for verdict in contents.loading],
        "binaries": contents.binaries,
        "unreadable": [{"path": path, "error": error} for path, error in contents.unreadable],
        "skipped": list(contents.skipped),
    }
