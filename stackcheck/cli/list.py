"""`stackcheck list`: the stacks, axes expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.cli import output, stacks
from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.model.escape import one_line
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Section, Table
from stackcheck.report.wording import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.intake.stack import Stack

_HEADERS = ("stack", "python", "accelerator", "torch", "expect", "summary", "file")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser, nargs="*")
    output.configure(parser, FORMATS)
    stacks.accept_gpus(parser)


def execute(args: argparse.Namespace) -> int:
    """Run the command."""
    output.write_document(document(stacks.chosen(args)), args)
    return 0


def document(found: Sequence[Stack]) -> Document:
    """Return the stacks as one table."""
    rows = tuple((stack.id, *_facts(stack), one_line(stack.summary, 80), stack.file) for stack in found)
    section = Section(title="stacks", parts=(Table(_HEADERS, rows),))
    return Document((section,), lambda: _data(found), title=plural(len(found), "stack"))


def _facts(stack: Stack) -> tuple[str, str, str, str]:
    accelerator = " ".join(filter(None, [wanted_accelerator(stack), stack.cuda or stack.rocm])) or "-"
    torch = stack.packages.get("torch")
    return stack.python or "-", accelerator, torch.version if torch else "-", stack.expect


def _data(found: Sequence[Stack]) -> list[dict[str, Any]]:
    return [
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
