"""The report of each stack, made once in a pytest session, however many workers ask for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from stackcheck.model.errors import StackcheckError
from stackcheck.report.jsonfile import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report


class SharedReports:
    """Reports in a folder that all workers of a session share.

    The first to ask for a stack makes its report while it holds a file lock; the others wait for that lock
    and read the JSON. What ended it early is kept as well, so that a build that fails is not tried again.
    """

    def __init__(self, folder: Path, make: Callable[[Stack], Report]) -> None:
        """Take the folder, which is the session's own, and what makes a report."""
        self.folder, self._make = folder, make
        self._known: dict[str, Report | str] = {}

    def of(self, stack: Stack) -> Report:
        """Return the report of a stack; raise a StackcheckError with the text of the one that ended it."""
        if stack.title not in self._known:
            self._known[stack.title] = self._shared(stack)
        made = self._known[stack.title]
        if isinstance(made, str):
            raise StackcheckError(made)
        return made

    def _shared(self, stack: Stack) -> Report | str:
        from filelock import FileLock  # noqa: PLC0415 - 30 ms that pytest without stacks does not pay

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(stack.title.encode()).hexdigest()[:32]
        report, error = self.folder / f"{name}.json", self.folder / f"{name}.error"
        with FileLock(self.folder / f"{name}.lock"):
            if report.exists():
                return from_json(report.read_text(encoding="utf-8"), source=str(report))[0]
            if error.exists():
                return error.read_text(encoding="utf-8")
            try:
                made = self._make(stack)
            except StackcheckError as problem:
                error.write_text(str(problem), encoding="utf-8")
                return str(problem)
            report.write_text(to_json([made]), encoding="utf-8")
            return made
