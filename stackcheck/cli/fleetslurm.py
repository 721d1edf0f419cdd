"""`stackcheck fleet render slurm`: job arrays for sbatch, as a folder of scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import fleettasks, output
from stackcheck.fleet.render import slurm
from stackcheck.fleet.render.arrays import arrays
from stackcheck.model.errors import EXIT_OK, StackcheckError, UsageError
from stackcheck.report.wording import plural
from stackcheck.steps.probing import packed_agent

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from stackcheck.intake.stack import Stack


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    fleettasks.configure(parser)
    add = parser.add_argument
    add("--container", choices=("apptainer", "pyxis"), default="apptainer", help="pyxis is Enroot's plugin")
    add("--cpus", type=int, default=4, metavar="N", help="of a task; default: %(default)s")
    add("--memory", default="16G", metavar="SIZE", help="of a task; default: %(default)s")
    add("--time", default="00:30:00", metavar="TIME", help="of a task; default: %(default)s")
    for name in ("partition", "account", "qos", "constraint"):
        add(f"--{name}", default="", metavar="NAME", help="as sbatch takes it")
    add("--gres", action="append", default=[], metavar="GPU=GRES", help="such as H100=gpu:h100")
    add("-o", "--output", type=Path, required=True, metavar="FOLDER", help="submit from there")


def render(args: argparse.Namespace, chosen: Sequence[Stack]) -> int:
    """Write the folder."""
    asked = slurm.SlurmOptions(
        container=args.container,
        gpus=args.count,
        cpus=args.cpus,
        memory=args.memory,
        time=args.time,
        parallel=args.parallel,
        partition=args.partition,
        account=args.account,
        qos=args.qos,
        constraint=args.constraint,
        gres=dict(fleettasks.pair("--gres", text) for text in args.gres),
    )
    made = arrays(chosen, fleettasks.wish(args))
    written = list(slurm.files(made, packed_agent(), asked))
    _write_folder(args.output, written)
    output.progress(args)(
        f"{plural(len(made), 'job array')} in {args.output}; submit each from there with sbatch, then "
        f"`stackcheck fleet collect {args.output}`"
    )
    return EXIT_OK


def _write_folder(folder: Path, written: Iterable[tuple[str, bytes]]) -> None:
    from stackcheck.storage.folders import write_atomically  # noqa: PLC0415 - only here files are written

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"-o {folder}: this is a file; name a folder.")
    try:
        for name, content in written:
            write_atomically(folder / name, content)
    except OSError as error:
        raise StackcheckError(f"-o {folder}: this cannot be written: {error.strerror}.") from None
