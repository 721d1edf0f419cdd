"""`stackcheck lock`: resolve, and write the lock that a build then takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.cli import options, output, stacks
from stackcheck.model.errors import EXIT_FAIL, EXIT_OK, EXIT_UNCHECKED
from stackcheck.model.evidence import Outcome
from stackcheck.model.resolution import PROVEN, Unresolved
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Finding, Lines, Section
from stackcheck.report.wording import plural
from stackcheck.resolve.locking import Locked, lock_stack
from stackcheck.resolve.resolver import Options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    options.add_timeout(parser)
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command: 1 when pins of a stack exclude each other, 3 when that could not be found out."""
    tell, how = output.progress(args), Options(offline=args.offline)
    results: dict[str, Locked | Unresolved] = {}
    for stack in stacks.chosen(args):
        tell(f"{stack.id}: resolving")
        results[stack.id] = lock_stack(stack, how, args.locks)
    output.write_document(document(results), args)
    kinds = {result.kind for result in results.values() if isinstance(result, Unresolved)}
    return EXIT_FAIL if kinds & PROVEN else EXIT_UNCHECKED if kinds else EXIT_OK


def document(results: Mapping[str, Locked | Unresolved]) -> Document:
    """Return what became of the lock of each stack."""
    sections = tuple(_section(stack, result) for stack, result in results.items())
    return Document(sections, lambda: [_row(stack, result) for stack, result in results.items()])


def _section(stack: str, result: Locked | Unresolved) -> Section:
    if isinstance(result, Locked):
        state = "written" if result.changed else "unchanged"
        packages = plural(len(result.lock.packages), "package")
        return Section(stack, f"{result.lock.path} {state}, {packages}")
    outcome = Outcome.FAIL if result.kind in PROVEN else Outcome.ERROR
    finding = Finding(outcome, "", "no lock", result.message, label=result.kind, shown=False)
    derivation = [Lines((result.derivation,), literal=True)] if result.derivation else []
    return Section(
        name=stack,
        headline=f"no lock: {result.message}",
        outcome=outcome.word,
        do=(result.hint,) if result.hint else (),
        parts=(finding, *derivation),
    )


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
