"""`stackcheck list`: the stacks, axes expanded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tabulate import tabulate

from stackcheck.cli import output, stacks
from stackcheck.report.escape import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.definition import Stack


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser, nargs="*")
    output.configure(parser, ("text", "md", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    chosen = stacks.chosen(args)
    output.write(_json(chosen) if args.format == "json" else _table(chosen, args.format), args.output)
    return 0


def _table(found: Sequence[Stack], form: str) -> str:
    rows = [[stack.id, *_facts(stack), one_line(stack.summary, 80), stack.file] for stack in found]
    headers = ["stack", "python", "accelerator", "torch", "expect", "summary", "file"]
    style = "github" if form == "md" else "plain"
    return tabulate(rows, headers, tablefmt=style, disable_numparse=True) + "\n"


def _facts(stack: Stack) -> list[str]:
    accelerator = " ".join(filter(None, [stack.accelerator, stack.cuda or stack.rocm])) or "-"
    torch = stack.packages.get("torch")
    return [stack.python or "-", accelerator, torch.version if torch else "-", stack.expect]


def _json(found: Sequence[Stack]) -> str:
    rows = [
        {
            "id": stack.id,
            "family": stack.family,
            "file": stack.file,
            "summary": stack.summary,
            "axes": stack.axes,
            "expect": stack.expect,
        }
        for stack in found
    ]
    return json.dumps(rows, indent=2) + "\n"
