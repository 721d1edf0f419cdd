"""The Report, the document that every command speaks through, and one renderer a file for each format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.model.report import Report
    from stackcheck.report.document import Document

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
_FOR_PEOPLE = frozenset({"text", "md", "html"})


def render(reports: Sequence[Report], form: str, **look: Any) -> str:
    """Render reports in one of `FORMATS`; `look` as for `render_document`."""
    if form == "json":
        from stackcheck.report.jsonfile import to_json  # noqa: PLC0415 - imported when it is asked for

        return to_json(reports)
    from stackcheck.report.sections import report_document  # noqa: PLC0415 - likewise

    return render_document(report_document(reports), form, **look)


def render_document(document: Document, form: str, **look: Any) -> str:
    """Render a document in one of `FORMATS`; JSON is its `data`, ASCII only.

    `look` is how text is laid out, as `render_text` takes it; of the other formats, those for people ask it
    whether it is `verbose`.
    A renderer is imported when it is asked for: jinja2 alone costs more time than most commands.
    """
    if form == "json":
        import json  # noqa: PLC0415 - likewise

        return json.dumps(document.data() if document.data else None, indent=2, ensure_ascii=True) + "\n"
    if form in document.own:
        return document.own[form]()
    if form in _FOR_PEOPLE:
        from stackcheck.report.blocks import for_people  # noqa: PLC0415 - likewise

        document = for_people(document, verbose=look.get("verbose", False))
    module, _, function = _RENDERERS[form].partition(":")
    render_as = getattr(import_module(f"stackcheck.report.{module}"), function)
    rendered: str = render_as(document, **(look if form == "text" else {}))
    return rendered
