"""The log of a build: whole in a file, line by line as progress, its tail in the error, no secrets in any."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Self

from stackcheck.model.errors import BuildFailedError, EngineError, NotCachedError, StackcheckError
from stackcheck.model.redact import redact
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.writable import not_written

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from stackcheck.targets.engine import Progress

LINE_LIMIT = 400
LONGEST_LINE = 1 << 16
"""Characters of a line that are looked at and kept: a step of a build may print one without end."""
TAIL_LINES = 30
_MATCHED = 1 << 14
"""As much of a line is looked at for a known fault: podman repeats a whole RUN before it says what failed."""
_NOISE = re.compile(r"#\d+ sha256:|#\d+ (DONE|CACHED)|\s*---> (Running in|Using cache)|Removing intermediate")
_STEP_FAILED = re.compile(
    r"did not complete successfully|executor failed running|returned a non-zero code|step failed with status"
    r"|building at STEP "
)


@dataclass(frozen=True, slots=True)
class KnownFault:
    """One row of faults.toml."""

    pattern: re.Pattern[str]
    whose: str
    message: str
    hint: str


@cache
def load_faults() -> tuple[KnownFault, ...]:
    """Return the rows of faults.toml."""
    text = (files("stackcheck.targets.process") / "faults.toml").read_text("utf-8")
    return tuple(
        KnownFault(re.compile(row["pattern"]), row["whose"], row["message"], row["hint"])
        for row in parse_toml(text, "faults.toml")["fault"]
    )


def printable(text: str, limit: int = LINE_LIMIT) -> str:
    """Escape what a terminal would act on, and cut; text of a build is untrusted."""
    shown = "".join(char if char.isprintable() else _escape(char) for char in text[: limit + 1].expandtabs(4))
    return shown if len(text) <= limit else shown[: limit - 3] + "..."


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


class BuildLog:
    """Takes the lines of one build, as a context manager. `secrets` are texts that must never appear."""

    def __init__(self, path: Path, progress: Progress, secrets: Iterable[str] = ()) -> None:
        """Start a log at `path`; the folder is made."""
        self.path = path
        self._progress = progress
        self._secrets = tuple(secrets)
        self._tail: deque[str] = deque(maxlen=200)

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise EngineError(not_written(self.path, error)) from None
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as error:
            if _kind is None:
                raise self._unwritten(error) from None

    def line(self, text: str) -> None:
        """Take one line, as the engine printed it; what is beyond `LONGEST_LINE` is left out, and said."""
        said = text.rstrip("\r\n")
        clean = redact(said[:LONGEST_LINE], self._secrets)
        if len(said) > LONGEST_LINE:
            clean += " (cut here)"
        try:
            self._file.write(clean + "\n")
        except OSError as error:
            raise self._unwritten(error) from None
        if clean.strip() and not _NOISE.match(clean):
            self._tail.append(clean[:_MATCHED])
            self._progress(printable(clean))

    def _unwritten(self, error: OSError) -> EngineError:
        return EngineError(f"cannot write the build log {self.path}: {error.strerror}.")

    def lines(self, text: str) -> None:
        """Take several lines at once."""
        for line in text.splitlines():
            self.line(line)

    @property
    def tail(self) -> str:
        """Return the last lines, escaped and cut."""
        return "\n".join(printable(line) for line in list(self._tail)[-TAIL_LINES:])

    def error(self, what: str) -> StackcheckError:
        """Return the error that the log speaks of: the stack's fault, or the engine's."""
        try:
            self._file.flush()
        except OSError as error:
            return self._unwritten(error)
        tail = list(self._tail)
        found = _last_fault(tail)
        where = f"The whole log: {self.path}"
        if found and found.whose == "choice":
            return NotCachedError(what, found.message)
        if found and found.whose == "engine":
            return EngineError(f"{what}: {found.message}. {found.hint}\n{self.tail}\n{where}")
        if found or any(_STEP_FAILED.search(line) for line in tail):
            reason = f"{found.message}. {found.hint}" if found else "a build step failed."
            return BuildFailedError(f"{what}: {reason} {where}", log_tail=self.tail, log_file=str(self.path))
        return EngineError(f"{what}: the engine gave up without running a step.\n{self.tail}\n{where}")


def _last_fault(lines: list[str]) -> KnownFault | None:
    for line in reversed(lines):
        if "WARNING: Retrying" in line:  # pip got over it, or says so again in its last words
            continue
        for fault in load_faults():
            if fault.pattern.search(line):
                return fault
    return None
