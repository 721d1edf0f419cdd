"""How a command names stacks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack


def configure(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the stacks that a command is about, where their definitions are, and what their hosts have."""
    parser.add_argument(
        "stacks",
        nargs=nargs,
        metavar="STACK",
        help="an id, a family, a glob such as 'cuda124*', a definition, or files and folders of a project: "
        "requirements.txt, pyproject.toml, a lock file, environment.yml, Dockerfile",
    )
    configure_folders(parser)
    configure_hosts(parser)


def configure_folders(parser: argparse.ArgumentParser) -> None:
    """Add where definitions are."""
    parser.add_argument(
        "--matrices",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="read definitions from here instead of ./matrices (else those that stackcheck ships)",
    )
    parser.add_argument(
        "--allow-outside",
        action="store_true",
        help="let definitions and Dockerfiles name files outside of their repository or folder",
    )


def configure_hosts(parser: argparse.ArgumentParser) -> None:
    """Add what a project's own files do not say: the hosts that it is for."""
    group = parser.add_argument_group("for files of a project")
    add = group.add_argument
    add("--gpu", action="append", default=[], metavar="L4,H100", help="the GPUs that it is for")
    add("--driver", metavar="550.54", help="their driver: a version, or a range such as '>=550'")
    add(
        "--python",
        metavar="3.12|PATH",
        help="the Python, where the files name none or a range; for an image: the interpreter's path in it",
    )
    add("--platform", metavar="linux/arm64", help="operating system and processor")


def accept_gpus(parser: argparse.ArgumentParser) -> None:
    """Take `--gpus` for `--gpu`, as docker spells it, where a command asks no engine for any."""
    parser.add_argument("--gpus", dest="gpu", action="append", help=argparse.SUPPRESS)


def given(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the call states for files of a project, under the keys of a definition."""
    from stackcheck.intake import catalog  # noqa: PLC0415 - see chosen

    said = vars(args).get
    return catalog.hosts(said("gpu") or (), said("driver"), said("python"), said("platform"))


def chosen(args: argparse.Namespace) -> tuple[Stack, ...]:
    """Return the stacks that the user named, or all when a command takes none."""
    from stackcheck.intake import catalog  # noqa: PLC0415 - pydantic: 70 ms, and not every command reads any

    return _found(args.stacks, args) if args.stacks else catalog.load(catalog.folders(args.matrices))


def one(name: str, args: argparse.Namespace, option: str = "") -> Stack:
    """Return the one stack that a name, a definition or files of a project mean; `option` named it."""
    found = _found([name], args)
    if len(found) != 1:
        said = f"{option} {name}".strip()
        names = ", ".join(each.title if each.read_from else each.id for each in found)  # files are named
        raise UsageError(f"{said} names {len(found)} stacks, choose one: {names}.")
    return found[0]


def _found(names: Sequence[str], args: argparse.Namespace) -> tuple[Stack, ...]:
    from stackcheck.intake import catalog  # noqa: PLC0415 - see chosen
    from stackcheck.storage.confinement import anywhere  # noqa: PLC0415

    with anywhere(allowed=vars(args).get("allow_outside", False)):
        return catalog.find(names, args.matrices, given(args))


def interpreter(args: argparse.Namespace) -> str:
    """Return the interpreter that `--python` names by its path, and take it from there: "" for a version."""
    text = str(args.python or "")
    if "/" not in text:
        return ""
    args.python = None
    return text
