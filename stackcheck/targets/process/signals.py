"""What ends work early, with everything cleaned up: signals, and the time."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = tuple(
    each for each in signal.Signals if each.name in ("SIGTERM", "SIGHUP")
)  # no SIGHUP on Windows


def _stop(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Let every `finally` run on SIGTERM and SIGHUP, as it does on SIGINT; leave handlers of others alone.

    Python lets only the main thread set handlers; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number in _SIGNALS if before[number] is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


@contextmanager
def deadline(seconds: float, stop: Callable[[], object]) -> Iterator[threading.Event]:
    """Call `stop` from another thread when the time is up; the event that is yielded tells that it was."""
    expired = threading.Event()

    def ring() -> None:
        expired.set()
        stop()

    alarm = threading.Timer(seconds, ring)
    alarm.daemon = True
    alarm.start()
    try:
        yield expired
    finally:
        alarm.cancel()
