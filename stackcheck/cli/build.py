"""`stackcheck build`: build, and judge nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackcheck import pipeline
from stackcheck.cli import chainplan, options, output, stacks
from stackcheck.model.errors import EXIT_FAIL, BuildFailedError
from stackcheck.model.evidence import Outcome
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Finding, Lines, Section

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from stackcheck.targets import Target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    options.add_timeout(parser)
    options.add_building(parser)
    parser.add_argument(
        "--plan",
        action="store_true",
        help="tell which tiers and steps would be built, and why; build nothing",
    )
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command; a stack that does not build is exit code 1."""
    options.require_place(args)
    how, chosen = options.pipeline_options(args), stacks.chosen(args)
    if args.plan:
        plans = [pipeline.plan(stack, how, output.progress(args)) for stack in chosen]
        output.write_document(chainplan.document(plans), args)
        return 0
    built: list[tuple[str, Target]] = []
    failed: list[tuple[str, BuildFailedError]] = []
    tell = output.telling(args, chosen)
    try:
        for stack in chosen:
            try:
                built.append((stack.id, pipeline.build(stack, how, tell)))
            except BuildFailedError as error:
                failed.append((stack.id, error))
            tell.done(stack.id)
    finally:
        tell.stop()
    output.write_document(document(built, failed), args)
    return EXIT_FAIL if failed else 0


def document(built: Sequence[tuple[str, Target]], failed: Sequence[tuple[str, BuildFailedError]]) -> Document:
    """Return what was built, and what does not build."""
    sections = (*(_built(*each) for each in built), *(_failed(*each) for each in failed))
    return Document(sections, lambda: _data(built, failed))


def _built(stack: str, target: Target) -> Section:
    notes, below = [], 0
    for tier in target.tiers:
        more = f"{(tier.size_bytes - below) / 1e6:.1f} MB"
        notes.append(f"{tier.stack}: {tier.name}, {'+' if below else ''}{more} ({_how(tier.built)})")
        below = tier.size_bytes
    return Section(stack, f"{target.kind} {target.name} ({_how(target.built)})", notes=tuple(notes))


def _failed(stack: str, error: BuildFailedError) -> Section:
    finding = Finding(Outcome.FAIL, "", "does not build", str(error), shown=False)
    return Section(
        name=stack,
        headline="does not build",
        outcome=Outcome.FAIL.word,
        parts=(finding, Lines((str(error), error.log_tail), literal=True)),
        tail=(f"the whole log: {error.log_file}",) if error.log_file else (),
    )


def _how(built: bool) -> str:
    return "built" if built else "nothing had to be built"


def _data(
    built: Sequence[tuple[str, Target]], failed: Sequence[tuple[str, BuildFailedError]]
) -> dict[str, Any]:
    rows = [
        {
            "stack": stack,
            "built": target.built,
            "kind": target.kind,
            "name": target.name,
            "id": target.id,
            **({"tiers": [asdict(tier) for tier in target.tiers]} if target.tiers else {}),
        }
        for stack, target in built
    ]
    faults = [
        {"stack": stack, "error": str(error), "log_tail": error.log_tail, "log_file": error.log_file}
        for stack, error in failed
    ]
    return {"targets": rows, "failed": faults}
