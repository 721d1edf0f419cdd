"""`stackcheck build`: build, and judge nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from stackcheck import pipeline
from stackcheck.cli import chainplan, options, output, stacks
from stackcheck.errors import EXIT_FAIL, BuildFailedError

if TYPE_CHECKING:
    import argparse

    from stackcheck.targets import Target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    options.add_building(parser)
    parser.add_argument(
        "--plan",
        action="store_true",
        help="tell which tiers and steps would be built, and why; build nothing",
    )
    output.configure(parser, ("text", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command; a stack that does not build is exit code 1."""
    how, tell = options.pipeline_options(args), output.progress(args)
    if args.plan:
        plans = [pipeline.plan(stack, how, tell) for stack in stacks.chosen(args)]
        output.write(
            chainplan.to_json(plans) if args.format == "json" else chainplan.to_text(plans), args.output
        )
        return 0
    built: list[tuple[str, Target]] = []
    failed: list[tuple[str, BuildFailedError]] = []
    for stack in stacks.chosen(args):
        try:
            built.append((stack.id, pipeline.build(stack, how, tell)))
        except BuildFailedError as error:
            failed.append((stack.id, error))
    output.write(_json(built, failed) if args.format == "json" else _text(built, failed), args.output)
    return EXIT_FAIL if failed else 0


def _text(built: list[tuple[str, Target]], failed: list[tuple[str, BuildFailedError]]) -> str:
    lines: list[str] = []
    for stack, target in built:
        lines.append(f"{stack}: {target.kind} {target.name} ({_how(target.built)})")
        below = 0
        for tier in target.tiers:
            more = f"{(tier.size_bytes - below) / 1e6:.1f} MB"
            lines.append(f"    {tier.stack}: {tier.name}, {'+' if below else ''}{more} ({_how(tier.built)})")
            below = tier.size_bytes
    for stack, error in failed:
        lines += [f"{stack}: does not build", *output.indented(f"{error}\n{error.log_tail}")]
        lines += [f"    the whole log: {output.line(error.log_file)}"] if error.log_file else []
    return "\n".join(lines) + "\n"


def _how(built: bool) -> str:
    return "built" if built else "nothing had to be built"


def _json(built: list[tuple[str, Target]], failed: list[tuple[str, BuildFailedError]]) -> str:
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
    return json.dumps({"targets": rows, "failed": faults}, indent=2) + "\n"
