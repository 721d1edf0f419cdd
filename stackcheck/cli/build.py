"""`stackcheck build`: build, and judge nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stackcheck import pipeline
from stackcheck.cli import options, output, stacks
from stackcheck.errors import EXIT_FAIL, BuildFailedError

if TYPE_CHECKING:
    import argparse

    from stackcheck.engines import Target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser)
    options.add_resolving(parser)
    options.add_building(parser)
    output.configure(parser, ("text", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command; a stack that does not build is exit code 1."""
    how, tell = options.pipeline_options(args), output.progress(args)
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
    lines = [
        f"{stack}: {target.kind} {target.name} ({'built' if target.built else 'nothing had to be built'})"
        for stack, target in built
    ]
    for stack, error in failed:
        lines += [f"{stack}: does not build", *output.indented(f"{error}\n{error.log_tail}")]
        lines += [f"    the whole log: {output.line(error.log_file)}"] if error.log_file else []
    return "\n".join(lines) + "\n"


def _json(built: list[tuple[str, Target]], failed: list[tuple[str, BuildFailedError]]) -> str:
    rows = [
        {"stack": stack, "built": target.built, "kind": target.kind, "name": target.name, "id": target.id}
        for stack, target in built
    ]
    faults = [
        {"stack": stack, "error": str(error), "log_tail": error.log_tail, "log_file": error.log_file}
        for stack, error in failed
    ]
    return json.dumps({"targets": rows, "failed": faults}, indent=2) + "\n"
