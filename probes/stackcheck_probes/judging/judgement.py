"""What a judgement says where host and target judge by the same function: words, and no type of the host."""

from __future__ import annotations

from stackcheck_probes.binaries.frozen import Frozen

PASS, WARN, SKIP, FAIL = "PASS", "WARN", "SKIP", "FAIL"
"""The outcomes of a judgement, by the names that the host's `Outcome` has for them."""


class Judgement(Frozen):
    """One finding: `outcome` is one of the names above; `hint` is the next step, to copy where it can be."""

    fields = ("outcome", "message", "expected", "found", "hint")
    __slots__ = fields

    outcome: str
    message: str
    expected: str
    found: str
    hint: str

    def __init__(
        self, outcome: str, message: str, expected: str = "", found: str = "", hint: str = ""
    ) -> None:
        self._set(outcome, message, expected, found, hint)


def sentence(text: str) -> str:
    """Return what is said with the full stop that ends it; several lines are not a sentence, and stay."""
    text = text.rstrip()
    return text if not text or "\n" in text or text.endswith((".", "?", "!", ":", "\u2026")) else text + "."


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version that has nothing else, such as a driver's: (550, 54, 15)."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
