"""Lines of progress while something is read that may take more than a moment."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Tell = Callable[[str], None]

BIG = 300_000_000
"""Bytes from which on a package or archive takes so long that progress is told."""
EVERY_S = 5.0


def silent(_line: str) -> None:
    """Tell nobody."""


@contextmanager
def told(tell: Tell, what: str, *, every_s: float = EVERY_S) -> Iterator[None]:
    """Tell what is done, and again every few seconds how long that has taken."""
    import threading  # noqa: PLC0415 - a small file is read in a moment

    tell(what)
    done, start = threading.Event(), time.monotonic()

    def remind() -> None:
        while not done.wait(every_s):
            tell(f"still {what}: {time.monotonic() - start:.0f} s")

    thread = threading.Thread(target=remind, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
