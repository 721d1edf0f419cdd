"""`stackcheck lock`: resolve, and write the lock that a build then takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output, stacks
from stackcheck.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.report.wording import plural
from stackcheck.resolving.locking import Locked, lock_stack
from stackcheck.resolving.resolution import PROVEN, Unresolved
from stackcheck.resolving.resolve import Options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    output.configure(parser, ("text", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when pins of a stack exclude each other, 3 when that could not be found out."""
    tell, how = output.progress(args), Options(offline=args.offline)
    results: dict[str, Locked | Unresolved] = {}
    for stack in stacks.chosen(args):
        tell(f"{stack.id}: resolving")
        results[stack.id] = lock_stack(stack, how, args.locks)
    lines = [line for stack, result in results.items() for line in _text(stack, result)]
    rows = [_row(stack, result) for stack, result in results.items()]
    text = json.dumps(rows, indent=2) if args.format == "json" else "\n".join(lines)
    output.write(text + "\n", args.output)
    kinds = {result.kind for result in results.values() if isinstance(result, Unresolved)}
    return EXIT_FAIL if kinds & PROVEN else EXIT_UNCHECKED if kinds else EXIT_OK


def _text(stack: str, result: Locked | Unresolved) -> Iterator[str]:
    if isinstance(result, Locked):
        state = "written" if result.changed else "unchanged"
        yield f"{stack}: {result.lock.path} {state}, {plural(len(result.lock.packages), 'package')}"
        return
    yield f"{stack}: no lock: {output.line(result.message)}"
    yield from output.indented(result.derivation)
    if result.hint:
        yield f"    do: {output.line(result.hint)}"


def _row(stack: str, result: Locked | Unresolved) -> dict[str, Any]:
    if isinstance(result, Locked):
        packages = {package.name: str(package.version) for package in result.lock.packages}
        return {"stack": stack, "lock": result.lock.path, "changed": result.changed, "packages": packages}
    return {
        "stack": stack,
        "lock": None,
        "kind": result.kind,
        "message": result.message,
        "requirements": list(result.requirements),
        "derivation": result.derivation,
        "hint": result.hint,
    }
