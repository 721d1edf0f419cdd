"""A document as one self-contained HTML page: no script, no address that a browser would load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck import __version__
from stackcheck.model.escape import block, one_line
from stackcheck.model.verdict import Outcome

if TYPE_CHECKING:
    from stackcheck.report.document import Document

_ADDRESS = re.compile(r"https://[A-Za-z0-9._~/?#%=&+:,-]{1,300}")
_WORDS = frozenset({*Outcome.__members__, "NOTHING", "ACCEPTED"})


def render_html(document: Document) -> str:
    """Render a document as one HTML page; the overview first."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 0.1 s to import

    environment = Environment(
        loader=PackageLoader("stackcheck.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "line": one_line,
        "block": lambda text: "\n".join(block(text)),
        "parts": source_parts,
        "kind": lambda part: type(part).__name__,
        "style": lambda word: word if word in _WORDS else "",
    }
    template = environment.get_template("page.html.j2")
    return template.render(document=document, version=__version__) + "\n"


def source_parts(source: str) -> list[tuple[str, bool]]:
    """Split a source into pieces, and tell which are plain https addresses, which alone become links."""
    text, parts, end = one_line(source), [], 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,:")
        parts += [(text[end : found.start()], False), (address, True)]
        end = found.start() + len(address)
    return [(part, link) for part, link in (*parts, (text[end:], False)) if part]
