"""The HTML page in a real browser: for people who cannot see it, on a phone, in the dark, and many stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.cli.output import explained
from stackcheck.report import render_document
from stackcheck.report.document import Document, Lines, Section, Table
from stackcheck.report.sections import report_document
from tests.unit.report.report_cases import MIXED, PASSED, UNMADE, hostile

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.browser

_TABLE = Table(("library", *map(str, range(20))), (("libtorch_cuda.so", *"x" * 20),), right=1)
PAGES: dict[str, Callable[[], Document]] = {
    "one report": lambda: report_document([MIXED])._replace(explain=explained),
    "several": lambda: report_document([PASSED, MIXED, UNMADE])._replace(explain=explained),
    "many": lambda: report_document([replace(MIXED, stack=f"stack-{number}") for number in range(40)]),
    "hostile": lambda: report_document([hostile(), hostile()]),
    "a wide table": lambda: Document((Section("a", parts=(_TABLE, Lines(("x" * 300,), literal=True))),)),
    "nothing": lambda: report_document([]),
}


@pytest.mark.parametrize("width", [375, 1400])
@pytest.mark.parametrize("what", PAGES)
def test_a_page_is_for_everybody(what: str, width: int, looked_at: Callable[..., dict[str, Any]]) -> None:
    told = looked_at(render_document(PAGES[what](), "html"), width)
    assert told["room"] == width
    assert told["wide"] <= width, "the whole page scrolls sideways"
    assert [each for each in told["violations"] if each[0] in {"serious", "critical"}] == []


def test_a_page_is_for_everybody_in_the_dark(looked_at: Callable[..., dict[str, Any]]) -> None:
    told = looked_at(render_document(PAGES["several"](), "html"), 768, dark=True)
    assert told["dark"] is True
    assert [each for each in told["violations"] if each[0] in {"serious", "critical"}] == []


def test_a_page_that_is_not_for_everybody_is_found(looked_at: Callable[..., dict[str, Any]]) -> None:
    """The check itself: a page with pale text, and one that is wider than a phone, do not pass it."""
    page = render_document(PAGES["one report"](), "html").replace(
        "</main>", '<p style="color: #ccc; background: #fff; width: 999px">pale</p></main>'
    )
    told = looked_at(page, 375)
    assert told["wide"] > 375
    assert "color-contrast" in {each[1] for each in told["violations"]}
