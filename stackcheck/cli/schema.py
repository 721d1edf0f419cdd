"""`stackcheck schema`: the JSON Schema of definitions, for editors, of reports, or of drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.cli import output
from stackcheck.drift.rendering import schema as drift_schema
from stackcheck.intake.stack_schema import definition_schema
from stackcheck.report.jsonfile import schema as report_schema

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "stack": definition_schema,
    "report": report_schema,
    "drift": drift_schema,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("of", nargs="?", choices=tuple(_SCHEMAS), default="stack", help="default: stack")
    output.configure(parser, ("json",))


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    output.write(json.dumps(_SCHEMAS[args.of](), indent=2) + "\n", args.output)
    return 0
