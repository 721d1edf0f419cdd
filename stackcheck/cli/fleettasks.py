"""What both forms of `stackcheck fleet render` are told: which stacks, in which images, on which GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.cli import stacks
from stackcheck.fleet.render.arrays import Wish
from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("stacks", nargs="+", metavar="STACK", help="ids, families, globs, definitions, or files of a project")
    stacks.configure_folders(parser)
    add(
        "--gpu",
        "--gpus",
        action="append",
        default=[],
        metavar="T4,H100",
        help="each stack on each of these, or cpu; default: those that it states",
    )
    add(
        "--image",
        action="append",
        default=[],
        metavar="STACK=REF",
        help="the image of a stack, by digest, where its definition has no image.ready",
    )
    add("--allow-tags", action="store_true", help="take images by tag, which may mean another one tomorrow")
    add(
        "--start-check",
        action="store_true",
        help="the images were baked by `stackcheck bake`: run their check first",
    )
    add("--run", default="", metavar="WORD", help="a word that tells this run from others, such as a day")
    add("--count", type=int, default=1, metavar="N", help="GPUs of a task; default: %(default)s")
    add("--parallel", type=int, default=0, metavar="N", help="tasks of an array at once; default: all")


def wish(args: argparse.Namespace) -> Wish:
    """Return what is to run."""
    return Wish(
        images=dict(pair("--image", text) for text in args.image),
        gpus=gpus(args),
        labels=labels(args),
        allow_tags=args.allow_tags,
        start_check=args.start_check,
        files=args.scheduler == "slurm",
        labelled=args.scheduler == "k8s",
        run=args.run,
    )


def gpus(args: argparse.Namespace) -> list[str]:
    """Return the kinds of GPUs that the call names."""
    return [word.strip() for text in args.gpu for word in text.split(",") if word.strip()]


def labels(args: argparse.Namespace) -> dict[str, list[str]]:
    """Return the label values that the call names, by GPU."""
    found: dict[str, list[str]] = {}
    for text in vars(args).get("label", ()):
        gpu, value = pair("--label", text)
        found.setdefault(gpu, []).append(value)
    return found


def pair(option: str, text: str) -> tuple[str, str]:
    """Return the two sides of NAME=VALUE; what stands behind is not repeated, it may be a secret."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageError(f"{option} {one_line(name, 60)}: give NAME=VALUE.")
    return name, value
