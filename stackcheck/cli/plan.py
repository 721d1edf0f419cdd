"""`stackcheck plan`: a whole stack of a partial wish, newest first, proven."""

from __future__ import annotations

from dataclasses import replace
from shlex import join
from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED, UsageError
from stackcheck.report import FORMATS

if TYPE_CHECKING:
    import argparse

    from stackcheck.plan.planning import Plan

_TEXTS = ("definition", "requirements")
_BY_SUFFIX = {".toml": "definition", ".txt": "requirements", ".json": "json", ".md": "md"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("wishes", nargs="*", metavar="WISH", help="torch==2.8, cuda==12.8, 'numpy<2', spconv, cpu")
    add("--with", dest="more", action="append", default=[], metavar="A,B", help="packages that it needs too")
    add("--gpu", "--gpus", action="append", default=[], metavar="L4,B200", help="the GPUs that it is for")
    add("--python", metavar="3.12", help="the Python; the same as python==3.12")
    add("--driver", metavar="550", help="the driver of the hosts: a version, or a range such as '>=550'")
    add("--platform", metavar="linux/arm64", help="operating system and processor; default: linux/amd64")
    add("--no-build", action="store_true", help="wheels alone: nothing is to be built from source")
    add("--bytes", action="store_true", help="also unpack the wheels, and judge their files; nothing is run")
    add(
        "--timeout",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds after which the resolver is asked nothing more; default: %(default)g",
    )
    options.add_resolving(parser)
    output.configure(
        parser, (*FORMATS, *_TEXTS), "that of the file's name (x.toml, x.txt, x.json), else text"
    )
    add("--force", action="store_true", help="replace the file when it is there already")


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    from stackcheck import knowledge  # noqa: PLC0415 - `--help` needs no tables
    from stackcheck.plan import planning, serving, written  # noqa: PLC0415
    from stackcheck.plan.document import document  # noqa: PLC0415

    args.format = args.format or _format_of(args)
    if args.output and args.format in _TEXTS and args.output.exists() and not args.force:
        raise UsageError(f"{args.output} is there already: name another file, or add --force.")
    tables, words = knowledge.load(), _words(args)
    plan = planning.planned(_ask(args), _options(args), output.progress(args), args.timeout)
    unpacked = args.bytes and plan.proven
    served = serving.served(plan.stack, plan.resolution, tables, unpacked=unpacked) if plan.works else ()
    name = args.output.stem if args.output and args.format == "definition" else "plan"
    definition = written.definition(plan, served, words, name) if plan.works else ""
    if args.format in _TEXTS and plan.works:
        text = definition if args.format == "definition" else written.requirements(plan, words)
        output.write(text, args.output)
    else:
        if args.format in _TEXTS:  # a file of a plan that there is not would be read as one
            args.format, args.output = "text", None
        output.write_document(document(plan, served, definition), args)
    return _exit_code(plan)


def _exit_code(plan: Plan) -> int:
    if not plan.works:
        return EXIT_UNCHECKED if plan.found.broken else EXIT_FAIL
    return EXIT_UNCHECKED if plan.found.broken else EXIT_OK


def _format_of(args: argparse.Namespace) -> str:
    """Return the format that the name of the file asks for, else text."""
    return _BY_SUFFIX.get(args.output.suffix, "text") if args.output else "text"


def _ask(args: argparse.Namespace) -> Any:
    from stackcheck import knowledge  # noqa: PLC0415 - see execute
    from stackcheck.intake import catalog  # noqa: PLC0415
    from stackcheck.plan.draft import Ask  # noqa: PLC0415
    from stackcheck.plan.words import split_words, wishes_of  # noqa: PLC0415

    words = [*args.wishes, *split_words(args.more)]
    if args.python:
        words.append(f"python=={args.python}" if args.python[0].isdecimal() else f"python{args.python}")
    if not words and not args.gpu:
        raise UsageError(
            "nothing was wished for: name a package or a GPU, such as `stackcheck plan torch==2.8`."
        )
    hosts = catalog.hosts(args.gpu, args.driver, None, args.platform)
    wishes = replace(wishes_of(words, knowledge.load()), wheels=True)
    return Ask(wishes, hosts, wheels_only=args.no_build)


def _options(args: argparse.Namespace) -> Any:
    from stackcheck.steps.options import Options  # noqa: PLC0415 - see execute

    return Options(offline=args.offline, locks=args.locks, bytes=args.bytes)


def _words(args: argparse.Namespace) -> str:
    """Return the call without what says how and where it is written."""
    options_said = {"--gpu": ",".join(args.gpu), "--with": ",".join(args.more)}
    options_said |= {f"--{key}": getattr(args, key) for key in ("python", "driver", "platform")}
    words = [*args.wishes]
    for option, value in options_said.items():
        words += [option, value] if value else []
    return join(
        [*words, *(["--no-build"] if args.no_build else []), *(["--offline"] if args.offline else [])]
    )
