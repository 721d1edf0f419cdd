"""Read Jupyter notebooks: what their cells install with `!pip`, `%pip`, `%conda` and `%%bash`.

Formats: https://nbformat.readthedocs.io/en/latest/format_description.html and
https://ipython.readthedocs.io/en/stable/interactive/magics.html (read 2026-11-30).
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.intake.documents import rows, text_at
from stackcheck.intake.stated import Found, found_of
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.model.errors import UsageError
from stackcheck.storage.parsing import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KIND = "notebook"
_SHELL = re.compile(r"^\s*(?:!|%(?=(?:uv\s+)?pip\b|conda\b|mamba\b|cd\b|sh\b))\s*(.*)$")
_WHOLE = re.compile(r"^\s*%%(?:bash|sh|script bash|shell)\b")


def read(text: str, folder: Path, shown: str) -> Found:
    """Read what a notebook installs; a stack of its own where torch is among it.

    Raises UsageError for what is not a notebook.
    """
    document = parse_json(text, shown)
    if not isinstance(document, dict) or "cells" not in document:
        raise UsageError(f"{shown}: this is not a notebook: it has no cells.")
    raw, left, line = text.split("\n"), Left(), 1
    for cell in rows(document, "cells"):
        if text_at(cell, "cell_type") != "code":
            continue
        for script in _scripts(_source(cell)):
            line = _line_of(script, raw, line)
            run_script(script, {}, Here(raw, shown, line, folder, copied=(("/", "."),)), left)
    found = replace(found_of(KIND, shown, left.said(), shown.rpartition("/")[2]), reads=tuple(left.reads))
    return Found(KIND, shown, containers=(found,) if "torch" in found.packages else ())


def _source(cell: Any) -> str:
    parts = rows(cell, "source")
    return "".join(each for each in parts if isinstance(each, str)) if parts else text_at(cell, "source")


def _scripts(source: str) -> Iterator[str]:
    """Yield the shell commands of a cell; a line that ends in a backslash goes on."""
    if _WHOLE.match(source):
        yield source.partition("\n")[2]
        return
    for line in source.replace("\\\n", " ").split("\n"):
        if match := _SHELL.match(line):
            yield re.sub(r"\{\w+\}", "$UNKNOWN", match[1])


def _line_of(script: str, raw: Sequence[str], start: int) -> int:
    """Return the line of the file on which a command begins, from a line on: cells stand in their order."""
    first = json.dumps(script.partition("\n")[0].partition("  ")[0].strip(), ensure_ascii=False)[1:-1]
    return next((n for n in range(start, len(raw) + 1) if first in raw[n - 1]), start)
