"""The one place where text from images, indexes and logs is made harmless before it is shown.

Such text is hostile until proven otherwise: an escape sequence repaints a terminal, a bidirectional override
swaps words, a newline forges a line of the report, ten megabytes bury it. Every renderer passes everything it
prints through here first, then escapes for its own format.
"""

from __future__ import annotations

import re

LINE_LIMIT = 600
BLOCK_LIMIT = 6000
BLOCK_LINES = 40

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS: links
    r"|\x1b[ -/]*[0-~]"  # the rest, and an OSC that never ends: it must not swallow what follows
)
"""Escape sequences as ECMA-48 defines them (5.4, 5.6), and BEL as the end of an OSC, as terminals take it."""


def one_line(text: object, limit: int = LINE_LIMIT) -> str:
    r"""Return text as one printable line of at most about `limit` characters.

    >>> one_line("torch\x1b[31m 2.5.0\nPASS everything is fine")
    'torch 2.5.0 PASS everything is fine'
    """
    shown = str(text)
    if len(shown) <= limit and shown.isprintable() and "  " not in shown and shown == shown.strip():
        return shown  # nearly all of it: a report has a hundred such lines
    line = " ".join(shown.split())
    return _bounded(line if line.isprintable() else " ".join(_printable(shown).split()), limit)


def block(text: object, limit: int = BLOCK_LIMIT, lines: int = BLOCK_LINES) -> list[str]:
    """Return text as printable lines: the first ones, and a last line that says how many are left out."""
    every = [_printable(line).rstrip() for line in re.split(r"\r\n|[\n\r]", str(text)[: limit * 4])]
    while every and not every[-1]:
        every.pop()
    shown = [_bounded(line, LINE_LIMIT) for line in every[:lines]]
    kept, total = 0, 0
    for line in shown:
        total += len(line)
        if total > limit:
            break
        kept += 1
    left = len(every) - max(kept, 1)
    return [*shown[: max(kept, 1)], *([f"… ({left} more lines)"] if left > 0 else [])]


def _printable(text: str) -> str:
    """Drop escape sequences and what `str.isprintable` refuses: control, bidi, zero width, surrogates.

    Every kind of white space becomes a space, which `isprintable` accepts.
    """
    if text.isprintable():
        return text
    text = _ANSI.sub("", text)
    return "".join(c if c.isprintable() else " " for c in text if c.isprintable() or c.isspace())


def _bounded(text: str, limit: int) -> str:
    """Cut a text and say how much is left out; not where the note would be as long as what it replaces."""
    note = f"… ({len(text) - limit} more characters)"
    return text if len(text) <= limit + len(note) else f"{text[:limit]}{note}"
