"""Where progress goes where nothing is drawn: short lines, or nothing with --quiet."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stackcheck.model.report import Report


class Silent:
    """Tells nothing; what all ways of telling have in common."""

    def __call__(self, line: str) -> None:
        """Take a line of progress."""

    def of(self, stack: str) -> Callable[[str], None]:
        """Return what takes the lines about one stack."""
        del stack
        return self

    def done(self, stack: str) -> None:
        """Take that a stack is done."""

    def stop(self) -> None:
        """Give the terminal back."""

    def until_done(self, reports: Iterable[Report]) -> Iterator[Report]:
        """Yield reports; each says that its stack is done, and the end of them gives the terminal back."""
        try:
            for report in reports:
                self.done(report.stack)
                yield report
        finally:
            self.stop()


class Plain(Silent):
    """Writes lines to stderr as they come; without `verbose` not those that are one of very many."""

    def __init__(self, *, verbose: bool = False) -> None:
        """Write nothing yet."""
        self._verbose = verbose

    def __call__(self, line: str) -> None:
        """Write a line; a closed stderr must not end a build."""
        from stackcheck.cli.steps import is_detail  # noqa: PLC0415 - most commands tell nothing

        if self._verbose or not is_detail(line):
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"{one_line(line)}\n")
                sys.stderr.flush()
