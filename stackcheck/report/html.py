"""The report as one self-contained HTML page: no script, no address that a browser would load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from stackcheck import __version__
from stackcheck.report import wording
from stackcheck.report.escape import block, one_line
from stackcheck.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.report.model import Report


def render_html(reports: Sequence[Report]) -> str:
    """Render reports as one HTML page; a table first, then each stack."""
    environment = Environment(
        loader=PackageLoader("stackcheck.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"line": one_line, "block": lambda text: "\n".join(block(text)), "link": _link}
    template = environment.get_template("page.html.j2")
    return template.render(reports=reports, wording=wording, Outcome=Outcome, version=__version__) + "\n"


def _link(source: str) -> bool:
    """Tell whether text is nothing but an https address, so that it may become a link."""
    return re.fullmatch(r"https://[A-Za-z0-9._~/?#%=&+:,-]{1,300}", source) is not None
