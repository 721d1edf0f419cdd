"""What the verbs of `stackcheck fleet` share: where the nodes are, what tasks need, what they get."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli import options
from stackcheck.fleet.placing import Needs
from stackcheck.fleet.work import How, Secrets
from stackcheck.model.errors import UsageError
from stackcheck.model.evidence import Level
from stackcheck.storage.reading import read_bytes
from stackcheck.targets.registry import DEFAULT, engine_class

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from stackcheck.fleet.verifying import Backend

_GB = 10**9


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where the nodes are, and what a task needs of one."""
    group = parser.add_argument_group("the fleet")
    add = group.add_argument
    add(
        "--address",
        default="",
        metavar="WHERE",
        help="the Ray cluster: auto, ray://HOST:10001 or HOST:6379; without it Ray is started here",
    )
    add("--jobs", type=_positive, default=0, metavar="N", help="no Ray: N processes of this machine")
    add("--bytes", action="store_true", help="run nothing: open the files of the wheels, on any node")
    add(
        "--disk",
        type=float,
        default=0.0,
        metavar="GB",
        help="leave nodes out that have less free where stackcheck keeps its files",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--jobs {text}: give a number from 1 on")
    return int(text)


def require_one(args: argparse.Namespace) -> None:
    """Raise UsageError where both a cluster and this machine alone are named."""
    if args.jobs and args.address:
        raise UsageError(
            "--jobs is for this machine alone and --address for a Ray cluster: give one of them."
        )


def needs(args: argparse.Namespace) -> Needs:
    """Return what the tasks of a call need of a node."""
    able = engine_class(args.engine or DEFAULT).capabilities
    return Needs(
        docker=(args.engine or DEFAULT) == DEFAULT,
        builds=able.images and able.builds and (args.engine or DEFAULT) == DEFAULT and not args.jobs,
        files_alone=args.bytes or able.files_only,
        disk_bytes=int(args.disk * _GB),
    )


def how(args: argparse.Namespace) -> How:
    """Return how tasks work: the options of the call without what is this machine's."""
    made = options.pipeline_options(args)
    level = getattr(args, "require", None)
    build = replace(made.build, environ={}, secrets={}, ca_file=None)
    return How(
        replace(made, build=build, memory=type(made.memory)()),
        folder="" if getattr(args, "carry", None) else str(Path.cwd()),
        knowledge=tuple(args.knowledge),
        registry=getattr(args, "registry", None) or "",
        strict=getattr(args, "strict", False),
        require=Level[level.upper()] if level else None,
    )


def secrets(args: argparse.Namespace) -> Secrets:
    """Return what tasks get beside their work. Raises UsageError for a variable that is not set."""
    said = vars(args).get
    variables = {}
    for name in said("env") or ():
        if name not in os.environ:
            raise UsageError(
                f"--env {name}: this variable is not set here; give its name alone, never its value."
            )
        variables[name] = os.environ[name]
    files = {}
    for pair in said("secret") or ():
        name, _, file = pair.partition("=")
        files[name] = read_bytes(Path(file))
    ca = said("ca")
    return Secrets(variables, files, read_bytes(ca) if ca else b"")


@contextmanager
def backend(args: argparse.Namespace, work: How, given: Secrets) -> Iterator[Backend]:
    """Yield what runs the tasks of a call; it is closed whatever ends the call."""
    require_one(args)
    if args.jobs:
        from stackcheck.fleet.jobs import Jobs  # noqa: PLC0415 - one of the two is needed

        found: Backend = Jobs(args.jobs, work, given)
    else:
        from stackcheck.fleet.cluster import Cluster  # noqa: PLC0415 - see above

        said = vars(args).get
        found = Cluster(args.address, work, given, cpus=said("cpus") or 1.0, carry=said("carry"))
    try:
        yield found
    finally:
        found.close()
