"""The command line: parse, call, print. One module a command, imported only when that command runs.

Start-up counts in CI and in container entry points, so this module imports nothing that a command might not
need; a command's own module may import what it likes.
"""

from __future__ import annotations

import gc
import io
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from stackcheck import __version__
from stackcheck.cli.parser import CommandParser, add_manners, in_front, near
from stackcheck.model.errors import EXIT_UNCHECKED, EXIT_USAGE, StackcheckError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from types import FrameType, ModuleType

COMMANDS = {
    "init": "write a definition from a project's own files",
    "list": "list the stacks, axes expanded; runs nothing",
    "check": "judge stacks, or a project's own files, by tables and resolution; builds nothing",
    "plan": "make a whole stack of a partial wish: newest first, proven, and what had to give way",
    "upgrade": "bring a stack, or a project's own files, to other versions: the smallest change, proven",
    "suggest": "say the smallest change to a definition that makes its stack good, proven",
    "lock": "resolve a stack and write its lock file",
    "build": "build a stack's image or environment",
    "verify": "the main job: check, lock, build, probe, report",
    "probe": "probe an image, an environment or this interpreter as it is",
    "drift": "what has moved since the baseline: index, lock, base image, image, host",
    "history": "since when a change is there, how often it was seen, and whether it flaps",
    "fits": "which releases of torch can load a wheel or a library, and by which symbols others cannot",
    "inspect": "which GPUs each library in a target can serve, and how; needs no GPU",
    "bake": "put the entrypoint and what it expects into an image",
    "entrypoint": "inside an image: check the container in milliseconds, then become the command",
    "explain": "say what a rule checks, why, and from which source",
    "matrix": "stacks against GPUs, drivers and releases of torch, at a glance",
    "site": "make a static site of a folder of reports: the matrix, a page a report, history",
    "fleet": "many stacks on many machines: verified where their GPUs are, by Ray or by processes here",
    "report": "render a report again, in any format",
    "schema": "print the JSON Schema of stack definitions, of reports or of drift",
    "recipes": "hold a folder of Nix expressions against a matrix of variants, or write them",
    "learn": "read the wheels of packages on an index, and keep what they say",
    "tables": "list what the knowledge tables hold, with their sources",
    "cache": "show what is kept for the next run, or remove it",
    "knowledge": "say what is known from where and of which day; pack, take and give back bundles of it",
    "completion": "print what makes a shell (bash, zsh, fish, tcsh) complete its words, or the man page",
}
"""Every command, with its line in `stackcheck --help`; the module of the same name implements it."""

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 good, 1 FAIL, 2 wrong call, 3 could not be checked)."""
    words = [*(sys.argv[1:] if argv is None else argv)]  # `list` is the module of that command here
    signal.signal(signal.SIGTERM, _terminate)
    # What commands make lives as long as they do: to look for garbage among all of it costs a tenth.
    gc.set_threshold(50_000, 10, 1000)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    try:
        return _run(words)
    except StackcheckError as error:
        _tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _tell("interrupted")
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the user's terminal is no place for a traceback
        if "--debug" in words:
            import traceback  # noqa: PLC0415 - only for a fault of stackcheck

            traceback.print_exc()
        else:
            _tell(
                f"{type(error).__name__}: {error}\n"
                "this is a fault of stackcheck: run it again with --debug, and report the traceback"
            )
        return EXIT_UNCHECKED


def make_parser(names: Iterable[str] = COMMANDS) -> tuple[CommandParser, dict[str, CommandParser]]:
    """Return the parser, and that of each command, which is still without the command's options."""
    parser = CommandParser(
        prog="stackcheck",
        description="Tells before a build or an upgrade whether a PyTorch GPU stack works, and why not.",
        epilog="`stackcheck help COMMAND` shows the options of a command, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"stackcheck {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    return parser, {
        name: commands.add_parser(
            name, help=COMMANDS[name], description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}."
        )
        for name in names
    }


def configure(name: str, parser: CommandParser) -> ModuleType:
    """Add the options of a command to its parser; return its module."""
    module = import_module(f"stackcheck.cli.{name}")
    module.configure(parser)
    for each in parser.actions().values() or [parser]:
        add_manners(each)
    return module


def _run(words: list[str]) -> int:
    front, rest = in_front(words)
    if rest[:1] == ["help"]:
        front, rest = [], [*rest[1:], "--help"]
    name = rest[0] if rest and not rest[0].startswith("-") else None
    _require_command(name)
    # `stackcheck --help` lists every command; otherwise the one that is called is all that is parsed.
    parser, subs = make_parser(COMMANDS if name is None else [name])
    if name is None or "--version" in front:
        if not words:
            parser.print_help(sys.stderr)
            return EXIT_USAGE
        parser.parse_args([*front, *rest])  # --help and --version end here, anything else in an error
        raise AssertionError("a call without a command was accepted")
    module = configure(name, subs[name])
    args = parser.read([*front, *rest])
    _take_knowledge(args)
    code: int = module.execute(args)
    return code


def _take_knowledge(args: argparse.Namespace) -> None:
    """Take the folders of knowledge that the call and the project name; those of an untrusted one are not."""
    from stackcheck.storage.project_file import stated_knowledge  # noqa: PLC0415 - --help needs no project

    project, days = ((), None) if getattr(args, "untrusted", False) else stated_knowledge()
    if args.knowledge or project or days:
        from pathlib import Path  # noqa: PLC0415

        from stackcheck.knowledge.folders import state  # noqa: PLC0415 - few commands ask for knowledge

        state([Path(each) for each in args.knowledge], project, days)


def _require_command(name: str | None) -> None:
    """Raise UsageError with a near name for a word that is no command."""
    if name is None or name in COMMANDS:
        return
    guess = near(name, [*COMMANDS, "help"]) or f"; commands: {', '.join(COMMANDS)}"
    raise UsageError(f"{name[:80]!r} is not a command{guess}")


def _tell(text: str) -> None:
    """Write an error, made harmless: it may quote an index, an image or a log."""
    from stackcheck.model.escape import block  # noqa: PLC0415 - only for an error
    from stackcheck_probes.judging.judgement import sentence  # noqa: PLC0415 - likewise

    lines = block(sentence(text), limit=20_000, lines=200) or ["(no message)"]
    sys.stderr.write("\n".join([f"stackcheck: error: {lines[0]}", *lines[1:]]) + "\n")


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exit that runs every `finally`: containers and folders are removed."""
    raise SystemExit(EXIT_TERMINATED)
