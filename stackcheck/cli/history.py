"""`stackcheck history`: since when a change is there, how often it was seen, whether it flaps."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from stackcheck.cli import output
from stackcheck.drift import history
from stackcheck.errors import EXIT_OK
from stackcheck.report.wording import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("stack", metavar="STACK", help="the id of a stack")
    output.configure(parser, ("text", "json"))


def execute(args: argparse.Namespace) -> int:
    """Run the command; a stack without history is no error."""
    runs = history.read(history.history_file(), args.stack)
    found = history.courses(runs)
    if args.format == "json":
        rows = [{**dataclasses.asdict(course), "flapping": course.flapping} for course in found]
        taken = [{"started": run.started, "reason": run.accepted} for run in runs if run.accepted]
        document = {"stack": args.stack, "runs": len(runs), "changes": rows, "accepted": taken}
        output.write(json.dumps(document, indent=2) + "\n", args.output)
    else:
        output.write("\n".join(_text(args.stack, runs, found)) + "\n", args.output)
    return EXIT_OK


def _text(stack: str, runs: Sequence[history.Run], found: Sequence[history.Course]) -> Iterator[str]:
    if not runs:
        yield f"{output.line(stack)}: no drift run is kept; `stackcheck drift {output.line(stack)}` makes one"
        return
    yield f"{output.line(stack)}: {plural(len(runs), 'run')}, {runs[0].started} to {runs[-1].started}"
    for course in found:
        state = f"since {course.since}" if course.now else f"gone; last seen {course.last}"
        flaps = f", flapping ({course.flips} times)" if course.flapping else ""
        yield ""
        yield f"{course.rank.upper()}  {output.line(course.what)}"
        yield f"    where: {output.line(course.where)}"
        yield f"    {state}; in {course.seen} of {plural(course.looked, 'run')}{flaps}"
    for run in runs:
        if run.accepted:
            yield f"accepted {run.started}: {output.line(run.accepted)}"
