"""`stackcheck inspect`: which GPUs a target serves, by whom not, and why; whether its libraries will load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output, stacks
from stackcheck.inspect import inspection
from stackcheck.inspect.answer import AT_LEAST, Gate, exit_code
from stackcheck.inspect.columns import usual
from stackcheck.inspect.document import document
from stackcheck.inspect.judgement import judged
from stackcheck.model.errors import EXIT_UNCHECKED, UsageError
from stackcheck.report import FORMATS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.inspect.inspection import Contents
    from stackcheck.inspect.judgement import Judged
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.report.document import Document


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add(
        "target",
        nargs="?",
        type=Path,
        metavar="TARGET",
        help="a library, folder, virtual environment, wheel, image archive (docker save, OCI), or NAME:TAG",
    )
    add("--image", metavar="IMAGE", help="an image without a tag in its name")
    add(
        "--gpu",
        action="append",
        default=[],
        metavar="T4,8.9,...",
        help="products, capabilities or gfx targets that have to be served; may be given several times",
    )
    add("--stack", metavar="STACK", help="take the GPUs of this stack")
    add("--driver-cuda", metavar="12.4", help="the newest CUDA version that the driver knows")
    add(
        "--diff",
        type=Path,
        metavar="OTHER",
        help="say what TARGET gained and lost against this earlier target",
    )
    add("--deep", action="store_true", help="search for GPU code that no section lists")
    add("--details", dest="verbose", action="store_true", help="-v: every library, every check of the loader")
    add("--sha256", action="store_true", help="add the SHA-256 of each file to the JSON document")
    _add_gate(parser.add_argument_group("what counts for the exit code"))
    stacks.configure_folders(parser)
    options.add_image_engine(parser)
    output.configure(parser, FORMATS)


def _add_gate(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--at-least",
        choices=AT_LEAST,
        default="",
        help="exit 1 where a library serves a GPU less well: native is code for it, runs any machine code",
    )
    add("--package", action="append", default=[], metavar="NAME", help="these packages count, and no others")
    add(
        "--ignore",
        action="append",
        default=[],
        metavar="PATTERN",
        help="a package, path or file name that does not count, such as 'nvidia-cufft*'",
    )
    add("--strict", action="store_true", help="exit 3 when a library's coverage is unknown")


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    driver = _release(args.driver_cuda) if args.driver_cuda else None
    named, gate = _gpus(args), _gate(args)
    if bool(args.image) == bool(args.target):
        raise UsageError("name one target: a path, NAME:TAG of an image, or --image IMAGE")
    contents = _contents(args.image or args.target, args)
    other = _contents(args.diff, args) if args.diff else None
    _require_packages(contents, gate)
    gpus = tuple(named or _usual(contents, other, args))
    found = judged(contents, gpus, gate, driver, asked=bool(named))
    output.write_document(_document(found, judged(other, gpus, gate, driver) if other else None, args), args)
    code = exit_code(contents, found.answers, gate, asked=bool(named), strict=args.strict)
    return code if code or other is None or other.binaries else EXIT_UNCHECKED


def told(contents: Contents) -> Document:
    """Return what is said of a target where nobody has named GPUs that it has to serve."""
    found = judged(contents, tuple(usual(contents)), Gate("", (), ()), None, asked=False)

    def data() -> dict[str, Any]:
        from stackcheck.inspect import json_document  # noqa: PLC0415

        return json_document.data(found, None, hashed=False)

    return document(found, data, [], details=False)


def _document(found: Judged, other: Judged | None, args: argparse.Namespace) -> Document:
    """Return what is said; what compares, and what writes JSON, is imported where that was asked for."""
    difference, more = None, []
    if other:
        from stackcheck.inspect.diff import compare  # noqa: PLC0415
        from stackcheck.inspect.diff_section import diff_section  # noqa: PLC0415

        difference = compare(other, found)
        more = [diff_section(difference, details=args.verbose)]

    def data() -> dict[str, Any]:
        from stackcheck.inspect import json_document  # noqa: PLC0415

        return json_document.data(found, difference, hashed=args.sha256)

    return document(found, data, more, details=args.verbose)


def _contents(target: Path | str, args: argparse.Namespace) -> Contents:
    """Read a path, or an image, which is text or named by what looks like a path and is none."""
    image = _image_name(target) if isinstance(target, Path) else target
    if isinstance(target, Path) and not image:
        return inspection.read_target(target, deep=args.deep, tell=output.progress(args))
    from stackcheck.inspect.environments import inspect_image  # noqa: PLC0415 - a file needs no engine

    return inspect_image(image, options.pipeline_options(args), output.progress(args), deep=args.deep)


def _image_name(target: Path) -> str:
    """Return the image that a target names, "" for a path: what is on the disk is a path."""
    text = str(target)
    return text if not target.exists() and (":" in target.name or "@sha256:" in text) else ""


def _gate(args: argparse.Namespace) -> Gate:
    if (args.at_least or args.package or args.ignore) and not (args.gpu or args.stack):
        raise UsageError(
            "--at-least, --package and --ignore are about GPUs that count: name them with --gpu."
        )
    return Gate(args.at_least, tuple(args.package), tuple(args.ignore))


def _require_packages(contents: Contents, gate: Gate) -> None:
    """Refuse a package of which the target has no GPU code: a typo would pass for a good answer."""
    held = sorted({contents.owner(path) for path, _ in contents.libraries})
    for name in gate.packages:
        if contents.binaries and not any(package.called(name) for package in held):
            raise UsageError(
                f"--package {name}: no library with GPU code belongs to it; such have: "
                f"{', '.join(package.name for package in held) or 'none'}."
            )


def _gpus(args: argparse.Namespace) -> Sequence[Gpu]:
    """Return the GPUs that the user named, each once; none is an empty list."""
    if not (args.gpu or args.stack):
        return []
    from stackcheck.knowledge.gpus import find_gpu  # noqa: PLC0415 - the table, for who names GPUs

    try:
        named = [find_gpu(word) for word in ",".join(args.gpu).split(",") if word.strip()]
    except ValueError as error:
        raise UsageError(f"--gpu: {error}") from None
    if args.stack:
        from stackcheck.intake import catalog  # noqa: PLC0415 - definitions cost more than most files

        found = catalog.find([args.stack], args.matrices)
        named += [gpu for stack in found for gpu in stack.gpus]
        if not named:
            raise UsageError(f"--stack {args.stack} states no GPUs; name them with --gpu")
    return list(dict.fromkeys(named))


def _usual(contents: Contents, other: Contents | None, args: argparse.Namespace) -> Sequence[Gpu]:
    """Return the GPUs for a user who names none; their table is not read where nothing is told of any."""
    told = other or contents.libraries or contents.loading or args.format == "json"
    return usual(contents, *([other] if other else [])) if told else ()


def _release(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise UsageError(f"--driver-cuda: {text!r} is not a CUDA version such as 12.4")
    return int(major), int(minor)
