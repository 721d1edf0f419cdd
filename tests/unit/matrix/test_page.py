"""The page of a matrix as text: what stands in it, what hostile names cannot do, how large it gets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest

from stackcheck.matrix import chart, comparing, rendering
from stackcheck.matrix.cells import Cell, Matrix, MatrixRow
from stackcheck.matrix.page import MOST_CAUSES, Names, page
from stackcheck.report import render_document
from tests.unit.matrix.matrix_cases import (
    BESIDE,
    HOSTILE_BESIDE,
    HOSTILE_MATRIX,
    HOSTS,
    MIXED,
    NO_CODE,
    many,
)


class Read(HTMLParser):
    """Reads the tags and the attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs in self.tags if attribute in attrs]


PAGES = {
    "mixed": lambda: page(MIXED, beside=BESIDE),
    "moved": lambda: page(MIXED, comparing.moves(many(2), MIXED)),
    "hostile": lambda: page(HOSTILE_MATRIX, beside=HOSTILE_BESIDE),
    "empty": lambda: page(Matrix((), ())),
    "no host": lambda: page(Matrix((), (MatrixRow("one", ()),))),
    "many": lambda: page(many(40)),
}


@pytest.mark.parametrize("what", PAGES)
def test_every_address_in_the_page_is_there_once(what: str) -> None:
    read = Read(PAGES[what]())
    ids = read.of("id")
    assert [each for each, count in Counter(ids).items() if count > 1] == []
    assert {each[1:] for each in read.of("href") if each.startswith("#")} <= set(ids)
    assert set(read.of("aria-labelledby")) <= set(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", each) for each in ids)


@pytest.mark.parametrize("what", PAGES)
def test_a_page_loads_nothing(what: str) -> None:
    read = Read(PAGES[what]())
    tags = Counter(tag for tag, _ in read.tags)
    assert tags["script"] == 1
    assert tags.keys() & {"img", "link", "iframe", "object", "embed", "base"} == set()
    assert read.of("src") == []
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
    outside = [each for each in read.of("href") if not each.startswith(("#", "reports/"))]
    assert all(each.startswith("https://") for each in outside)


@pytest.mark.parametrize("what", PAGES)
def test_the_policy_allows_the_pages_own_script_alone(what: str) -> None:
    text = PAGES[what]()
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    policy = next(
        attrs["content"] for tag, attrs in Read(text).tags if tag == "meta" and "http-equiv" in attrs
    )
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert f"script-src 'sha256-{digest}';" in policy
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_no_control_character_of_a_name_comes_through() -> None:
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b\ud800]", PAGES["hostile"]()) is None


def test_a_cell_says_word_code_level_cause_and_run() -> None:
    text = page(MIXED, beside=BESIDE)
    cell = text[text.index('<td id="old--T4"') :].partition("</td>")[0]
    for said in (
        "<b>FAILS</b>",
        "ARCH101",
        "<small>stated, since 2026-11-28</small>",
        NO_CODE.cause,
        'href="#why-1"',
    ):
        assert said in cell
    good = text[text.index('<td id="old--H100-driver-550"') :].partition("</td>")[0]
    assert '<a href="reports/old.html">A run</a> showed it on <time>2026-11-30T10:00:00+00:00</time>' in good


def test_rows_and_columns_have_a_scope() -> None:
    scopes = Counter(attrs.get("scope") for tag, attrs in Read(page(MIXED)).tags if tag == "th")
    assert scopes == {"col": 3 + 4, "row": 3 + 3}, "of the matrix, and of its libraries"


def test_what_a_cause_rests_on_becomes_a_link_where_it_is_an_address() -> None:
    text = page(MIXED)
    assert '<a rel="noreferrer" href="https://download.pytorch.org/whl/cu124/">' in text
    row = MatrixRow("one", (Cell("fails", "stated", "X", "y", evidence="javascript:alert(1)"), Cell("works")))
    assert 'href="javascript' not in page(Matrix(HOSTS, (row,)))


def test_what_is_not_known_is_told_apart_from_what_fails() -> None:
    text = page(MIXED)
    assert (
        text.index('id="why"')
        < text.index(NO_CODE.cause, text.index('id="why"'))
        < text.index('id="unknown"')
    )
    assert "no row says it." in text[text.index('id="unknown"') :]


def test_what_moved_stands_on_the_page_too() -> None:
    before = Matrix(HOSTS, (MatrixRow("old", (Cell("works"), NO_CODE)),))
    text = page(Matrix(HOSTS, MIXED.rows[:1]), comparing.moves(before, Matrix(HOSTS, MIXED.rows[:1])))
    assert text.index("<h3>Worse</h3>") < text.index("old on T4: works -&gt; fails")
    assert "<p>Nothing moved.</p>" in page(MIXED, ())


def test_causes_beyond_what_is_listed_are_counted() -> None:
    rows = tuple(
        MatrixRow(f"s{number}", (Cell("fails", "stated", "ARCH101", f"cause {number}"), Cell("works")))
        for number in range(MOST_CAUSES + 3)
    )
    text = page(Matrix(HOSTS, rows))
    assert "3 more causes stand in their cells alone." in text
    assert text.count('<li id="why-') == MOST_CAUSES


def test_500_stacks_on_8_gpus_are_less_than_3_megabytes() -> None:
    assert len(page(many(500)).encode()) <= 3_000_000


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("cuda124-torch25", "cuda124-torch25"),
        ("H100, driver 550", "H100-driver-550"),
        ("a--b", "a-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "x"),
        ("\u202e<b>", "b"),
        ("a" * 500, "a" * 60),
    ],
)
def test_a_name_becomes_an_id(text: str, slug: str) -> None:
    assert Names().slug(text) == slug


def test_equal_names_are_told_apart_also_where_capitals_do_not_count() -> None:
    names = Names()
    assert [names.slug(each) for each in ("a", "A", "a!", "a-2")] == ["a", "A-2", "a-3", "a-2-2"]


def test_the_html_of_the_command_is_this_page() -> None:
    assert render_document(rendering.document(MIXED), "html") == page(MIXED)
    assert render_document(rendering.document(MIXED), "csv") == rendering.as_csv(MIXED)


def test_the_evidence_is_read_again() -> None:
    document = json.loads(render_document(rendering.document(MIXED), "json"))
    assert rendering.matrix_of(document, "m.json") == MIXED
    for row in document["matrix"]:
        for cell in row["cells"]:
            del cell["evidence"]  # as it was written before there was any
    assert rendering.matrix_of(document, "m.json").rows[0].cells[0].cause == NO_CODE.cause


def test_one_result_is_no_history() -> None:
    assert chart.results_chart([chart.Result("2026-11-30", "PASS")]) is None
    assert chart.drift_chart([]) is None


def test_results_stand_in_the_row_of_their_word() -> None:
    drawn = chart.results_chart(
        [chart.Result("a", "PASS"), chart.Result("b", "FAIL"), chart.Result("c", "PASS")]
    )
    assert drawn is not None
    assert drawn.text == "3 reports: PASS 2, FAIL 1; the last one says PASS."
    rows = {word: y for y, word in drawn.lanes}
    assert [mark.y for mark in drawn.marks] == [rows["PASS"], rows["FAIL"], rows["PASS"]]
    assert [mark.x for mark in drawn.marks] == sorted(mark.x for mark in drawn.marks)


def test_a_bar_is_as_high_as_changes_were_seen() -> None:
    nights = [
        chart.Night("a", {"breaks-running": 1, "benign": 3}),
        chart.Night("b", {"benign": 2}),
        chart.Night("c", {}, "tested"),
    ]
    drawn = chart.drift_chart(nights)
    assert drawn is not None
    heights = [mark.height for mark in drawn.marks]
    assert heights == pytest.approx([16, 48, 32, 0, 0])
    assert [mark.text for mark in drawn.marks][-2:] == [
        "c: no change",
        "c: made the baseline, because tested",
    ]
    assert drawn.text == "3 drift runs; the last one saw no change."


def test_the_last_sixty_are_drawn() -> None:
    drawn = chart.results_chart([chart.Result(str(number), "PASS") for number in range(200)])
    assert drawn is not None
    assert len(drawn.marks) == chart.MOST
    assert (drawn.first, drawn.last) == ("140", "199")
