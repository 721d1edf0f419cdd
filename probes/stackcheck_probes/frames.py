"""Results that come back through a log: lines that are found again among others, and prove to be whole.

    stackcheck-frame 1 NAME open HEADER         who answers, base64 of JSON; written before the work begins
    stackcheck-frame 1 NAME 1/3 PIECE           the answer: base64 of zlib of JSON
    stackcheck-frame 1 NAME close 3 SHA256      of the texts of the header and of all pieces

A log may put a prefix before each line (kubectl's `--prefix` and `--timestamps`, srun's `--label`) and lines
of others between them; each try has a name of its own, so that those of two pods are told apart. A line stays
below the 16 KiB after which container runtimes split it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from collections.abc import Iterator, Mapping
    from typing import Any

MARK = "stackcheck-frame"
VERSION = "1"
_PIECE = 4000


def opening(name: str, header: Mapping[str, Any]) -> str:
    """Return the line that opens a frame; `name` is letters and digits."""
    return " ".join((MARK, VERSION, name, "open", _base64(_json(header))))


def rest(name: str, header: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines after the opening one: the answer in pieces, and what closes the frame."""
    text = _base64(zlib.compress(_json(answer), 6))
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    for number, piece in enumerate(pieces, 1):
        yield " ".join((MARK, VERSION, name, "%d/%d" % (number, len(pieces)), piece))
    digest = digest_of(_base64(_json(header)), pieces)
    yield " ".join((MARK, VERSION, name, "close", str(len(pieces)), digest))


def digest_of(header: str, pieces: list[str]) -> str:
    """Return the hexadecimal sha256 of what stands in a frame, as its texts stand there."""
    return hashlib.sha256("\n".join((header, *pieces)).encode("ascii")).hexdigest()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode("ascii")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
