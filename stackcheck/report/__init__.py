"""The Report, its JSON schema, and one renderer a file; `render` picks the renderer of a format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.report.model import Report
    from stackcheck.report.text import Paint

_RENDERERS = {
    "text": "text:render_text",
    "md": "markdown:render_markdown",
    "json": "jsonfile:to_json",
    "junit": "junit:render_junit",
    "html": "html:render_html",
    "github": "github:render_github",
    "sarif": "sarif:render_sarif",
}
FORMATS = tuple(_RENDERERS)


def render(reports: Sequence[Report], form: str, *, width: int = 100, paint: Paint | None = None) -> str:
    """Render reports in one of `FORMATS`; `width` (columns) and `paint` are for text alone.

    A renderer is imported when it is asked for: jinja2 alone costs more time than most commands.
    """
    module, _, function = _RENDERERS[form].partition(":")
    options = {"width": width, "paint": paint} if form == "text" else {}
    rendered: str = getattr(import_module(f"stackcheck.report.{module}"), function)(reports, **options)
    return rendered
