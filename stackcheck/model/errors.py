"""Everything that ends a command early, each class with the exit code that the command then returns.

The message is written for the user: what failed, where, and what to do next. Only `stackcheck.cli` and the
pytest plugin catch these; everything else lets them pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK = 0
EXIT_FAIL = 1
EXIT_USAGE = 2
EXIT_UNCHECKED = 3


class StackcheckError(Exception):
    """Base of every error that stackcheck raises on purpose."""

    exit_code: ClassVar[int] = EXIT_UNCHECKED


class UsageError(StackcheckError):
    """The call is wrong: an unknown stack, a bad option, a file that is not there."""

    exit_code = EXIT_USAGE


class DefinitionError(StackcheckError):
    """One or more stack definitions are wrong; `faults` holds all of them, not only the first."""

    exit_code = EXIT_USAGE

    def __init__(self, faults: Sequence[str]) -> None:
        """Take every fault as one line `file: key: what is wrong`."""
        self.faults = tuple(faults)
        count = len(self.faults)
        head = f"{count} fault{'s' if count != 1 else ''} in the stack definitions:"
        super().__init__("\n".join([head, *(f"  {fault}" for fault in self.faults)]))


class TableError(StackcheckError):
    """A knowledge table does not hold what it must; names file, row and key.

    Tests prove those that ship: what is wrong at run time is a user's own, a file that was named.
    """

    exit_code = EXIT_USAGE


class ResolveError(StackcheckError):
    """The resolver could not be run at all (pins that conflict are a fact, and become a verdict)."""


class LockError(StackcheckError):
    """A lock file cannot be read or written, or is none; names the file."""

    exit_code = EXIT_USAGE


class EngineError(StackcheckError):
    """An engine could not do its work: not reachable, base image not to be had, disk full, timed out."""


class EngineUnreachableError(EngineError):
    """No engine answers at all; `reason` is a clause, `hint` says what to do about it."""

    def __init__(self, reason: str, hint: str) -> None:
        """Keep the reason, for who takes another engine instead."""
        self.reason = reason
        super().__init__(f"{reason}. {hint}")


class NoPythonError(EngineError):
    """The Python of a stack is not on this machine and cannot be fetched, so nothing can be built on it."""

    def __init__(self, reason: str, advice: str) -> None:
        """Keep the reason, for who looks at files instead."""
        self.reason = reason
        super().__init__(f"{reason}. {advice}")


class NotCachedError(EngineError):
    """What is needed is not in the cache, and the network was not to be used: a choice, not a fault."""

    def __init__(self, what: str, reason: str) -> None:
        """Keep the reason, for who goes on without it."""
        self.reason = reason
        super().__init__(f"{what}: {reason}.")


class BaseImageError(EngineError):
    """An image that the build starts from, or that is to be probed, cannot be had."""


class BuildFailedError(StackcheckError):
    """The stack itself does not build: a build step ran and failed. Becomes a FAIL, not an ERROR."""

    def __init__(self, message: str, *, log_tail: str = "", log_file: str = "") -> None:
        """Keep the tail of the log (escaped, bounded) and where the whole log lies."""
        self.log_tail = log_tail
        self.log_file = log_file
        super().__init__(message)


class ProbeError(StackcheckError):
    """The agent itself gave no usable answer (a single failing probe is an entry in the Observation)."""


class NoInterpreterError(ProbeError):
    """A target has no Python that the agent could be started by; its files can be read from outside."""


class ReportError(StackcheckError):
    """A report file cannot be read, or does not match the report schema."""

    exit_code = EXIT_USAGE


class WheelError(StackcheckError):
    """A wheel or library that was named cannot be read, or is none; names the file."""

    exit_code = EXIT_USAGE
