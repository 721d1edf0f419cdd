"""A document as one self-contained HTML page: no script, no address that a browser would load.

It has to be read on a phone, in the dark, on paper and by a screen reader: a heading a stack and a finding,
words beside every colour, what passed and the text of the rules on demand.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck import __version__
from stackcheck.model.escape import block, one_line
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment
    from markupsafe import Markup

    from stackcheck.report.document import Document

_ADDRESS = re.compile(r"https://[A-Za-z0-9._~/?#%=&+:,-]{1,300}")
_WORDS = frozenset({*Outcome.__members__, "NOTHING", "ACCEPTED"})


def render_html(document: Document) -> str:
    """Render a document as one HTML page; the overview first."""
    template = environment().get_template("page.html.j2")
    shown = (each for section in document.sections for each in section.shown if isinstance(each, Finding))
    rules = document.explanations(shown)
    return template.render(document=document, rules=rules, version=__version__) + "\n"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return what renders the templates of pages: everything is escaped, a name that is not there fails."""
    import jinja2  # noqa: PLC0415 - 0.1 s to import

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("stackcheck.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "line": one_line,
        "block": lambda text: "\n".join(block(text)),
        "parts": source_parts,
        "paragraphs": _paragraphs,
        "passed": _passed,
        "kind": lambda part: type(part).__name__,
        "style": lambda word: word if word in _WORDS else "",
    }
    return made


def source_parts(source: str) -> list[tuple[str, bool]]:
    """Split a source into pieces, and tell which are plain https addresses, which alone become links."""
    text, parts, end = one_line(source), [], 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,:")
        parts += [(text[end : found.start()], False), (address, True)]
        end = found.start() + len(address)
    return [(part, link) for part, link in (*parts, (text[end:], False)) if part]


def _paragraphs(text: str) -> Sequence[str]:
    """Return the paragraphs of a rule's text, and each line of it that has a label as one of its own."""
    labelled = re.sub(r"\n(?=(?:Sources?|Example|Fix):)", "\n\n", text)
    return [" ".join(paragraph.split()) for paragraph in labelled.split("\n\n") if paragraph.strip()]


@lru_cache(maxsize=4096)
def _passed(finding: Finding) -> Markup:
    """Return what passed as one line; many stacks are told the same."""
    from markupsafe import escape  # noqa: PLC0415 - comes with jinja2

    said = " ".join(one_line(word) for word in (finding.code, finding.title) if word)
    text = f"{said}: {one_line(finding.message)}" if finding.message else said
    return escape(text)
