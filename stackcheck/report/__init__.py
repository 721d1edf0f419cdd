"""The Report, the document that every command speaks through, and one renderer a file for each format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.model.report import Report
    from stackcheck.report.document import Document
    from stackcheck.report.text import Paint

_RENDERERS = {
    "text": "text:render_text",
    "md": "markdown:render_markdown",
    "json": "",
    "junit": "junit:render_junit",
    "html": "html:render_html",
    "github": "github:render_github",
    "gitlab": "gitlab:render_gitlab",
    "sarif": "sarif:render_sarif",
}
FORMATS = tuple(_RENDERERS)


def render(reports: Sequence[Report], form: str, *, width: int = 100, paint: Paint | None = None) -> str:
    """Render reports in one of `FORMATS`; `width` (columns) and `paint` are for text alone."""
    if form == "json":
        from stackcheck.report.jsonfile import to_json  # noqa: PLC0415 - imported when it is asked for

        return to_json(reports)
    from stackcheck.report.sections import report_document  # noqa: PLC0415 - likewise

    return render_document(report_document(reports), form, width=width, paint=paint)


def render_document(document: Document, form: str, *, width: int = 100, paint: Paint | None = None) -> str:
    """Render a document in one of `FORMATS`; JSON is its `data`, ASCII only.

    A renderer is imported when it is asked for: jinja2 alone costs more time than most commands.
    """
    if form == "json":
        import json  # noqa: PLC0415 - likewise

        return json.dumps(document.data() if document.data else None, indent=2, ensure_ascii=True) + "\n"
    module, _, function = _RENDERERS[form].partition(":")
    options = {"width": width, "paint": paint} if form == "text" else {}
    rendered: str = getattr(import_module(f"stackcheck.report.{module}"), function)(document, **options)
    return rendered
