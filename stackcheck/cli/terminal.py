"""Progress at a terminal: live lines, one for each stack that something is done about."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from stackcheck.cli.steps import Doing, is_lasting
from stackcheck.cli.telling import Silent
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Group
    from rich.live import Live

_MOST_LINES = 8
_TIMES_A_SECOND = 4


class AtTerminal(Silent):
    """Keeps one line for each stack that something is done about, written over as it goes on."""

    def __init__(self, stacks: Sequence[str]) -> None:
        """Take the names of the stacks in their order; nothing is drawn before the first line."""
        self._places = {name: f"{n} of {len(stacks)}" for n, name in enumerate(stacks, 1) if len(stacks) > 1}
        self._doing: dict[str, Doing] = {}
        self._lock = Lock()
        self._live: Live | None = None

    def __call__(self, line: str) -> None:
        """Take a line that is about no stack in particular."""
        self._take("", line)

    def of(self, stack: str) -> Callable[[str], None]:
        """Return what takes the lines about one stack."""
        return partial(self._take, stack)

    def done(self, stack: str) -> None:
        """Take the line of a stack away."""
        with self._lock:
            self._doing.pop(stack, None)

    def stop(self) -> None:
        """Take all lines away."""
        if self._live:
            with contextlib.suppress(OSError, ValueError):
                self._live.stop()
            self._live = None

    def _take(self, stack: str, line: str) -> None:
        live, now = self._drawn(), time.monotonic()
        with self._lock:
            if stack not in self._doing:
                self._doing[stack] = Doing(stack, self._places.get(stack, ""), now)
            self._doing[stack].take(line, now)
        if is_lasting(line):
            from rich.text import Text  # noqa: PLC0415 - see _drawn

            live.console.print(Text(one_line(line)))

    def _drawn(self) -> Live:
        """Return what draws, started with the first line: rich takes 60 ms to import."""
        if self._live is None:
            from rich.console import Console  # noqa: PLC0415
            from rich.live import Live  # noqa: PLC0415

            self._live = Live(
                console=Console(stderr=True, highlight=False),
                get_renderable=self._lines,
                refresh_per_second=_TIMES_A_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self._live

    def _lines(self) -> Group:
        from rich.console import Group  # noqa: PLC0415 - see _drawn
        from rich.text import Text  # noqa: PLC0415

        with self._lock:
            doing, now = list(self._doing.values()), time.monotonic()
        look: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}
        lines = [Text(one_line(f"{each.stack}  {each.line(now)}".strip()), **look) for each in doing]
        return Group(*lines[:_MOST_LINES])
