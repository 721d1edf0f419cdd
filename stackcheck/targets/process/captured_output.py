"""What a process says, kept within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

DOCUMENT_LIMIT = 64 << 20
STDERR_KEPT = 64 << 10


@dataclass
class CapturedOutput:
    """The standard output up to `limit` bytes, and the end of the standard error."""

    limit: int = DOCUMENT_LIMIT
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    def take(self, out: bytes, err: bytes) -> bool:
        """Add what was read; return False when the process has said too much on standard output."""
        if len(self.out) + len(out) > self.limit:
            return False
        self.out += out
        self.err += err
        del self.err[: max(0, len(self.err) - STDERR_KEPT)]
        return True

    @property
    def err_text(self) -> str:
        """Return the end of the standard error as text."""
        return self.err.decode("utf-8", "replace")
