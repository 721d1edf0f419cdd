"""The command line: parse, call, print. One module a command, imported only when that command runs.

Start-up counts in CI and in container entry points, so this module imports nothing that a command might not
need; a command's own module may import what it likes.
"""

from __future__ import annotations

import argparse
import gc
import io
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from stackcheck import __version__
from stackcheck.model.errors import EXIT_UNCHECKED, EXIT_USAGE, StackcheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType, ModuleType

COMMANDS = {
    "init": "write a definition from a project's own files",
    "list": "list the stacks, axes expanded; runs nothing",
    "check": "judge stacks, or a project's own files, by tables and resolution; builds nothing",
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
    "report": "render a report again, in any format",
    "schema": "print the JSON Schema of stack definitions, of reports or of drift",
    "recipes": "hold a folder of Nix expressions against a matrix of variants, or write them",
    "learn": "read the wheels of packages on an index, and keep what they say",
    "tables": "list what the knowledge tables hold, with their sources",
    "completion": "print what makes a shell (bash, zsh, tcsh) complete the words of this command",
}
"""Every command, with its line in `stackcheck --help`; the module of the same name implements it."""

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 good, 1 FAIL, 2 wrong call, 3 could not be checked)."""
    words = [*(sys.argv[1:] if argv is None else argv)]  # `list` is the module of that command here
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(50_000)  # what commands make lives as long as they do: looking for garbage costs 5 %
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


def make_parser(
    names: Iterable[str] = COMMANDS,
) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser, and that of each command, which is still without the command's options."""
    parser = argparse.ArgumentParser(
        prog="stackcheck",
        description="Tells before a build or an upgrade whether a PyTorch GPU stack works, and why not.",
        epilog="`stackcheck COMMAND --help` shows the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"stackcheck {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    return parser, {
        name: commands.add_parser(
            name, help=COMMANDS[name], description=f"{COMMANDS[name][0].upper()}{COMMANDS[name][1:]}."
        )
        for name in names
    }


def configure(name: str, parser: argparse.ArgumentParser) -> ModuleType:
    """Add the options of a command to its parser; return its module."""
    module = import_module(f"stackcheck.cli.{name}")
    module.configure(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of a fault of stackcheck")
    return module


def _run(words: list[str]) -> int:
    name = next((word for word in words if not word.startswith("-")), None)
    # `stackcheck --help` lists every command; a command that comes first is the only one that is parsed.
    parser, subs = make_parser(words[:1] if name in COMMANDS and words[0] == name else COMMANDS)
    _require_command(parser, name)
    if name is None:
        parser.parse_args(words)  # --help and --version end here, anything else in an error
        raise AssertionError("a call without a command was accepted")
    code: int = configure(name, subs[name]).execute(parser.parse_args(words))
    return code


def _require_command(parser: argparse.ArgumentParser, name: str | None) -> None:
    """End with exit code 2 and near names for a word that is no command."""
    if name is None or name in COMMANDS:
        return
    import difflib  # noqa: PLC0415 - only for a typo

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    guess = f"; did you mean {near[0]!r}?" if near else f"; commands: {', '.join(COMMANDS)}"
    _tell(f"{name[:80]!r} is not a command{guess}")
    parser.exit(EXIT_USAGE)


def _tell(text: str) -> None:
    """Write an error, made harmless: it may quote an index, an image or a log."""
    from stackcheck.model.escape import block  # noqa: PLC0415 - only for an error
    from stackcheck_probes.judging.judgement import sentence  # noqa: PLC0415 - likewise

    lines = block(sentence(text), limit=20_000, lines=200) or ["(no message)"]
    sys.stderr.write("\n".join([f"stackcheck: error: {lines[0]}", *lines[1:]]) + "\n")


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exit that runs every `finally`: containers and folders are removed."""
    raise SystemExit(EXIT_TERMINATED)
