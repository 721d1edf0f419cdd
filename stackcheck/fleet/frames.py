"""Find the frames of tasks (`stackcheck_probes.frames`) among the lines of logs; tell whole ones from others.

Nothing of a log is trusted: lines may be cut, doubled, in any order or forged; sizes are bounded.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackcheck.model.escape import one_line
from stackcheck_probes import frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST_ANSWER = 128 << 20
"""Bytes of an answer, unpacked."""
MOST_FRAMES = 100_000
_MOST_HEADER = 1 << 16
_LINE = re.compile(
    rf"{frames.MARK} (?P<version>\d+) (?P<name>[0-9a-f]{{8,64}}) "
    r"(?P<what>open|close|(?P<number>\d{1,7})/(?P<of>\d{1,7})) (?P<text>[A-Za-z0-9+/=]+)"
    r"(?: (?P<digest>[0-9a-f]{64}))?"
)
_TEXTS = ("run", "gpu", "stack", "image", "definition", "node", "started", "gate")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


@dataclass(frozen=True, slots=True)
class Header:
    """Who answers: the task as it was rendered, its index among `of`, and where and when it was done.

    `started` is ISO 8601 in UTC. All of it is text of a target.
    """

    run: str = ""
    gpu: str = ""
    stack: str = ""
    image: str = ""
    definition: str = ""
    node: str = ""
    started: str = ""
    gate: str = ""
    """Not empty for a check that stands before the task of the same index."""
    index: int = 0
    of: int = 0

    @property
    def task(self) -> tuple[str, str, int]:
        """Return what tells a task from all others, whichever try of it this is."""
        return self.run, self.gpu, self.index

    @property
    def title(self) -> str:
        """Return "cuda124 on H100 (node gpu-7)", fit to be shown."""
        where = f" (node {one_line(self.node, 80)})" if self.node else ""
        return f"{one_line(self.stack or 'a task', 120)} on {one_line(self.gpu or 'a node', 60)}{where}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame: who answers, from which source, and the answer, or why there is none that can be read."""

    header: Header
    source: str
    packed: str = ""
    """The answer as it stands in the frame: what probes saw takes ten times as much as values."""
    fault: str = ""

    @property
    def content(self) -> Mapping[str, Any]:
        """Return the answer, unpacked anew; nothing where there is a fault."""
        return _unpacked(self.packed) if self.packed else {}


@dataclass(slots=True)
class _Open:
    """What has been seen of one frame so far."""

    header: str = ""
    pieces: dict[int, str] = field(default_factory=dict)
    of: int = 0
    digest: str = ""
    contradicts: bool = False
    version: str = ""


def read(lines: Iterable[str], source: str) -> Iterator[Answer]:
    """Yield an answer for every frame of which these lines hold anything, in their order."""
    found: dict[str, _Open] = {}
    for line in lines:
        for match in _LINE.finditer(line):
            if match["name"] in found or len(found) < MOST_FRAMES:
                _take(found.setdefault(match["name"], _Open()), match)
    for seen in found.values():
        yield _answer(seen, source)


def _take(seen: _Open, match: re.Match[str]) -> None:
    seen.version, text = match["version"], match["text"]
    if match["what"] == "open":
        seen.contradicts |= seen.header not in ("", text)
        seen.header = text
    elif match["what"] == "close":
        digest = match["digest"] or ""
        seen.contradicts |= seen.digest not in ("", digest)
        seen.digest, seen.of = digest, int(text) if text.isdigit() else 0
    else:
        number = int(match["number"])
        seen.contradicts |= seen.pieces.get(number, text) != text
        seen.pieces[number] = text
        seen.of = seen.of or int(match["of"])


def _answer(seen: _Open, source: str) -> Answer:
    header = _header(seen.header)
    if header is None:
        return Answer(Header(), source, fault="the line that opens its frame is missing or damaged")
    if seen.version != frames.VERSION:
        text = f"its frame is of version {seen.version}, and this stackcheck reads {frames.VERSION}"
        return Answer(header, source, fault=text)
    pieces = [seen.pieces[number] for number in sorted(seen.pieces)]
    if not seen.digest:
        text = "it began and did not end: its frame is not closed"
        if pieces:
            text += f", {len(pieces)} of {seen.of} pieces came"
        return Answer(header, source, fault=text)
    if seen.contradicts or frames.digest_of(seen.header, pieces) != seen.digest:
        missing = seen.of - len(pieces)
        what = f"{missing} of {seen.of} pieces are missing" if missing > 0 else "lines of it were changed"
        return Answer(header, source, fault=f"its frame is damaged: {what}")
    try:
        _unpacked("".join(pieces))
        return Answer(header, source, "".join(pieces))
    except (ValueError, zlib.error, RecursionError) as error:
        return Answer(header, source, fault=f"its answer cannot be read ({one_line(error, 120)})")


def _header(text: str) -> Header | None:
    try:
        row = json.loads(base64.b64decode(text, validate=True)) if len(text) <= _MOST_HEADER else None
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not text or not isinstance(row, dict):
        return None
    texts = {name: str(row.get(name, ""))[:500] for name in _TEXTS}
    index, of = row.get("index"), row.get("of")
    if not (isinstance(index, int) and isinstance(of, int) and 0 <= index < of <= MOST_FRAMES):
        return None
    if not _TIME.fullmatch(texts["started"]):
        texts["started"] = ""
    return Header(**texts, index=index, of=of)


def _unpacked(text: str) -> dict[str, Any]:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(base64.b64decode(text, validate=True), MOST_ANSWER)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError(f"it is cut, or larger than {MOST_ANSWER >> 20} MiB")
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - damaged like any other
    return content
