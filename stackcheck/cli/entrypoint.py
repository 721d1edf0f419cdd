"""`stackcheck entrypoint`: check the container against its expectation, then become the command.

The same code as in a baked image, which runs it without this package; see
`stackcheck_probes.start.entrypoint`.
"""

from __future__ import annotations

import argparse

from stackcheck.targets.process.linux import require_linux


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--check", action="store_true", help="check only: a health check")
    parser.add_argument(
        "--expectation", default="", metavar="FILE", help="default: /opt/stackcheck/expectation.json"
    )
    parser.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what this process becomes"
    )


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    require_linux("the entrypoint")
    from stackcheck_probes.start.entrypoint import main  # noqa: PLC0415 - it stops at signals of Unix

    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    flags = [
        *(["--check"] if args.check else []),
        *(["--expectation", args.expectation] if args.expectation else []),
    ]
    return main([*flags, "--", *words])
