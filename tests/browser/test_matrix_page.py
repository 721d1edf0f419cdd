"""The page of a matrix in a real browser: for everybody, hostile names, links, the filter, 500 stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.matrix import site
from stackcheck.matrix.page import page
from tests.unit.matrix.matrix_cases import (
    BESIDE,
    HOSTILE_BESIDE,
    HOSTILE_MATRIX,
    MIXED,
    many,
)
from tests.unit.matrix.test_site import NIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.browser


def _site(name: str) -> str:
    return dict(site.files(NIGHTS, site.unjudged(NIGHTS, ()), {}))[name]


PAGES: dict[str, Callable[[], str]] = {
    "mixed": lambda: page(MIXED, beside=BESIDE),
    "hostile": lambda: page(HOSTILE_MATRIX, beside=HOSTILE_BESIDE),
    "many": lambda: page(many(40)),
    "history": lambda: _site("history/one.html"),
}


@pytest.mark.parametrize("width", [375, 768, 1400])
@pytest.mark.parametrize("what", PAGES)
def test_a_matrix_is_for_everybody(what: str, width: int, looked_at: Callable[..., dict[str, Any]]) -> None:
    told = looked_at(PAGES[what](), width)
    assert told["room"] == width
    assert told["wide"] <= width, "the whole page scrolls sideways"
    assert told["violations"] == []


def test_a_report_of_a_site_is_as_good_as_one_that_stands_alone(
    looked_at: Callable[..., dict[str, Any]],
) -> None:
    told = looked_at(_site("reports/one-2026-11-28.html"), 375)
    assert told["wide"] <= 375
    assert [each for each in told["violations"] if each[0] in {"serious", "critical"}] == []


def test_a_matrix_is_for_everybody_in_the_dark(looked_at: Callable[..., dict[str, Any]]) -> None:
    told = looked_at(PAGES["mixed"](), 768, dark=True)
    assert told["dark"] is True
    assert told["violations"] == []


def test_all_that_opens_is_for_everybody_too(looked_at: Callable[..., dict[str, Any]]) -> None:
    told = looked_at(PAGES["mixed"]().replace("<details", "<details open"), 375)
    assert told["wide"] <= 375
    assert told["violations"] == []


def test_hostile_names_run_nothing(asked: Callable[..., Any]) -> None:
    """A script that a name smuggles in would make the title this word; there is no policy here to stop it."""
    script = "({scripts: document.scripts.length, images: document.images.length, title: document.title})"
    told = asked(PAGES["hostile"](), script)
    assert told["scripts"] == 2  # the page's and the one that asks
    assert told["images"] == 0
    assert told["title"] != "owned"


def test_the_policy_lets_the_pages_own_script_run_and_no_other(asked: Callable[..., Any]) -> None:
    """The filter is hidden until the page's script has shown it."""
    assert asked(page(MIXED), 'document.getElementById("filter").hidden', policy=True) is False
    other = page(MIXED).replace('"use strict";', '"use strict"; ')
    assert asked(other, 'document.getElementById("filter").hidden', policy=True) is True


def test_an_address_opens_its_cell(asked: Callable[..., Any]) -> None:
    assert asked(page(MIXED), 'document.querySelector("td:target details").open', at="#old--T4") is True
    assert asked(page(MIXED), 'document.querySelectorAll("#grid details[open]").length') == 0


def test_the_filter_leaves_the_stacks_that_were_asked_for(asked: Callable[..., Any]) -> None:
    script = """(() => {
      const form = document.getElementById("filter"), said = [];
      const shown = () => [...document.querySelectorAll("#grid tbody tr")].filter(row => !row.hidden).length;
      for (const [words, state] of [["STACK-1 torch", ""], ["no such", ""], ["", "f"], ["", ""]]) {
        form.elements.words.value = words; form.elements.state.value = state;
        form.dispatchEvent(new Event("input"));
        said.push([shown(), document.getElementById("left").textContent]);
      }
      return said;
    })()"""
    told = asked(page(many(20)), script)
    assert told == [[11, "11 of 20 stacks"], [0, "0 of 20 stacks"], [7, "7 of 20 stacks"], [20, ""]]


def test_a_cell_is_opened_and_closed_by_keys(asked: Callable[..., Any]) -> None:
    script = """(() => {
      const cell = document.querySelector("#grid details"), word = cell.querySelector("summary");
      word.focus(); word.click();
      const opened = cell.open;
      word.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
      return [word.tabIndex, opened, cell.open, document.activeElement === word];
    })()"""
    assert asked(page(MIXED), script) == [0, True, False, True]


POLICY = '<meta http-equiv="Content-Security-Policy" content="">'
ROWS = "".join(f"<tr>{'<td><b>works</b> stated' * 8}" for _ in range(500))
PLAIN = f'<!doctype html>{POLICY}<title>x</title><body><table id="grid">{ROWS}</table></body>'


def test_500_stacks_on_8_gpus_open_in_a_second(asked: Callable[..., Any]) -> None:
    """The time from the request to a page that is laid out, the least of five: the machine may be busy."""
    text = page(many(500))
    assert len(text.encode()) <= 3_000_000
    script = """(() => {
      const tall = document.documentElement.scrollHeight;
      return [document.querySelectorAll("#grid td").length, tall > 0, performance.now()];
    })()"""
    runs = [asked(text, script, virtual=False) for _ in range(5)]
    assert {(cells, laid_out) for cells, laid_out, _ in runs} == {(4000, True)}
    plain = min(taken for _, _, taken in (asked(PLAIN, script, virtual=False) for _ in range(5)))
    taken = min(taken for _, _, taken in runs)
    # A second on a machine that is not busy; how busy this one is, the plain table tells.
    assert taken <= max(1000, 10 * plain), (taken, plain)
