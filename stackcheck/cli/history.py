"""`stackcheck history`: since when a change is there, how often it was seen, whether it flaps."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from stackcheck.cli import output, stacks
from stackcheck.drift import history
from stackcheck.drift.rendering import OUTCOMES
from stackcheck.model.errors import EXIT_OK
from stackcheck.model.verdict import Outcome
from stackcheck.report import FORMATS
from stackcheck.report.document import Document, Finding, Row, Section
from stackcheck.report.wording import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.set_defaults(matrices=[])
    parser.add_argument("stack", metavar="STACK", help="the id of a stack, or files of a project")
    output.configure(parser, FORMATS)


def execute(args: argparse.Namespace) -> int:
    """Run the command; a stack that is known and has no history yet is not an error."""
    name = _id(args)
    runs = history.read(history.history_file(), name)
    if not runs and name == args.stack:
        _require_known(name)
    output.write_document(document(name, runs, history.courses(runs)), args)
    return EXIT_OK


def _id(args: argparse.Namespace) -> str:
    """Return the id that was named, or that of files; what is kept may be of a stack that is no more."""
    from stackcheck.intake import catalog  # noqa: PLC0415 - an id needs no reader

    name: str = args.stack
    return stacks.one(name, args).id if catalog.is_project(name) else name


def _require_known(name: str) -> None:
    """Raise UsageError, with near names, for an id that no definition and no kept run has."""
    from stackcheck.intake import catalog  # noqa: PLC0415 - only where nothing is kept

    catalog.find([name], [])


def document(stack: str, runs: Sequence[history.Run], found: Sequence[history.Course]) -> Document:
    """Return the course of every change that was seen in a stack."""
    none = f"no drift run is kept; `stackcheck drift {stack}` makes one"
    section = Section(
        name=stack,
        headline=f"{plural(len(runs), 'run')}, {runs[0].started} to {runs[-1].started}" if runs else none,
        parts=tuple(map(_finding, found)),
        tail=tuple(f"accepted {run.started}: {run.accepted}" for run in runs if run.accepted),
    )
    return Document((section,), lambda: _data(stack, runs, found), package="stackcheck.history")


def _finding(course: history.Course) -> Finding:
    state = f"since {course.since}" if course.now else f"gone; last seen {course.last}"
    flaps = f", flapping (it came or went {course.flips} times)" if course.flapping else ""
    seen = f"{state}; in {course.seen} of {plural(course.looked, 'run')}{flaps}"
    return Finding(
        outcome=OUTCOMES[course.rank] if course.now else Outcome.PASS,
        code="",
        title=course.what,
        rows=(Row("where", course.where), Row("seen", seen)),
        label=course.rank.upper(),
        name=f"{course.where} {course.aspect}",
    )


def _data(stack: str, runs: Sequence[history.Run], found: Sequence[history.Course]) -> dict[str, Any]:
    rows = [{**dataclasses.asdict(course), "flapping": course.flapping} for course in found]
    taken = [{"started": run.started, "reason": run.accepted} for run in runs if run.accepted]
    return {"stack": stack, "runs": len(runs), "changes": rows, "accepted": taken}
