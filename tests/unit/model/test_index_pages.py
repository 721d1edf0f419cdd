from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest

from stackcheck.model.index_pages import MOST_FILES, File, NotAPageError, TooLargeError, parse_page

URL = "https://host/whl/torch/"
HASH = "a" * 64


def files(html: str, url: str = URL) -> tuple[File, ...]:
    return parse_page(html.encode(), url=url, content_type="text/html; charset=utf-8")


def test_a_pep_503_anchor_is_read_with_all_it_says() -> None:
    [found] = files(
        f'<a href="../../pkg/torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl#sha256={HASH}" '
        'data-requires-python="&gt;=3.9" data-yanked="broken">torch</a>'
    )
    assert found == File(
        name="torch-2.5.0+cu124-cp311-cp311-linux_x86_64.whl",
        url="https://host/pkg/torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl",
        sha256=HASH,
        yanked="broken",
        requires_python=">=3.9",
    )
    assert (found.project, str(found.version), found.is_wheel) == ("torch", "2.5.0+cu124", True)


def test_links_that_are_no_distributions_are_left_out() -> None:
    html = (
        '<a href="/login">in</a><a href="README.whl">x</a><a href="javascript:x.whl">x</a>'
        '<a href="ftp://h/a-1.0-py3-none-any.whl">x</a><a>x</a><a href="a-1.0-py3-none-any.whl.metadata">x</a>'
    )
    assert files(html) == ()


def test_a_base_tag_moves_relative_links() -> None:
    [found] = files('<html><base href="https://cdn/x/"><a href="a-1.0-py3-none-any.whl">a</a>')
    assert found.url == "https://cdn/x/a-1.0-py3-none-any.whl"


def test_a_link_with_credentials_loses_them() -> None:
    [found] = files('<a href="https://u:pw@cdn/a-1.0-py3-none-any.whl">a</a>')
    assert found.url == "https://cdn/a-1.0-py3-none-any.whl"


def test_json_is_read_with_size_time_and_yanked() -> None:
    rows = [
        {"filename": "a-1.0-py3-none-any.whl", "url": "../f/a-1.0-py3-none-any.whl", "hashes": {"sha256": HASH}},
        {"filename": "a-1.1.tar.gz", "url": "https://f/a-1.1.tar.gz", "hashes": {}, "size": 12, "yanked": True,
         "upload-time": "2026-01-02T03:04:05Z", "requires-python": ">=3.9"},
        {"filename": "a-1.2.tar.gz", "url": "https://f/x", "yanked": "why", "size": "big", "hashes": 3},
        {"filename": "nonsense", "url": "https://f/x"}, "row", {"filename": "a-1.3.tar.gz"},
    ]  # fmt: skip
    body = json.dumps({"meta": {}, "files": rows}).encode()
    first, second, third = parse_page(body, url=URL, content_type="application/vnd.pypi.simple.v1+json")
    assert (first.url, first.sha256, first.yanked) == (
        "https://host/whl/f/a-1.0-py3-none-any.whl",
        HASH,
        None,
    )
    assert (second.size, second.yanked, second.uploaded) == (12, "", "2026-01-02T03:04:05Z")
    assert (third.size, third.yanked, third.sha256) == (None, "why", "")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"hello", "text/plain", "the answer is 'text/plain', not an index page"),
        (b"%PDF", "application/pdf", "not an index page"),
        (b"hello", "text/html", "the answer is called HTML but holds none"),
        (b"<html>\0", "text/html", "the answer is called HTML but holds none"),
        (b"", "", "the answer is called HTML but holds none"),
        (b"{", "application/json", "the answer is called JSON but is not"),
        (b"[]", "application/json", "not that of an index page (PEP 691)"),
        (b'{"files": 3}', "application/json", "not that of an index page (PEP 691)"),
        (b"[" * 100_000, "application/json", "the answer is called JSON but is not"),
        (b'<html><input type="password">', "text/html", "the answer is a login page"),
        (b"<h1>Please log in</h1>", "text/html", "the answer holds no link but other text"),
    ],
)
def test_what_is_no_page_is_said_to_be_what_it_is(body: bytes, kind: str, words: str) -> None:
    with pytest.raises(NotAPageError) as caught:
        parse_page(body, url=URL, content_type=kind)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "said", ["", "<title>Links for torch</title><h1>Links for torch</h1>", "<h1>Index of /torch/</h1>"]
)
def test_an_empty_page_is_a_page(said: str) -> None:
    assert files(f"<!DOCTYPE html><html><body>{said}</body></html>") == ()


def test_a_page_without_content_type_is_taken_for_html() -> None:
    assert len(parse_page(b"<a href='a-1.0-py3-none-any.whl'>", url=URL)) == 1


@pytest.mark.parametrize(
    "html",
    [
        '<!-- <a href="a-1.0-py3-none-any.whl">x</a> -->',
        '<!-- never closed <a href="a-1.0-py3-none-any.whl">x</a>',
        "<script>document.write('<a href=\"a-1.0-py3-none-any.whl\">')</script>",
        '<abbr href="a-1.0-py3-none-any.whl"></abbr>',
        '<a title="unclosed href=a-1.0-py3-none-any.whl></a>',
    ],
)
def test_what_a_browser_would_not_show_as_a_link_is_none(html: str) -> None:
    assert files(f"<html>{html}") == ()


@pytest.mark.parametrize(
    "html",
    [
        "<A HREF=a-1.0-py3-none-any.whl>x</A>",
        "<a\n  class='x>y'\n  href = 'a-1.0-py3-none-any.whl' >x</a>",
        '<a download href="a-1.0-py3-none-any.whl" href="b-1.0-py3-none-any.whl">x</a>',
        '<!-- c --><a data-requires-python="<4,>=3" href="a-1.0-py3-none-any.whl">x</a>',
        '\u0130\u0130<script src="x"></SCRIPT><a href="a-1.0-py3-none-any.whl">x</a>',
    ],
)
def test_anchors_are_read_however_they_are_spelled(html: str) -> None:
    assert [found.name for found in files(f"<html>{html}")] == ["a-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "</",
        "<a ",
        "<a href='",
        '<a "',
        "<!--",
        "<script",
        "<a =",
        "<a x=",
        "<a\n",
        "<div>",
        "<a>",
        "<b><p>",
    ],
)
def test_pages_that_take_parsers_of_html_minutes_are_read_at_once(piece: str) -> None:
    whole = seconds_of(piece, 8_000_000)
    assert whole < 2.0 or whole < 3 * seconds_of(piece, 4_000_000)  # a slow machine is linear all the same


def seconds_of(piece: str, size: int) -> float:
    """Return the CPU seconds that a page of one piece over and over takes."""
    start = time.process_time()
    with suppress(TooLargeError):  # so many anchors are no page that may be read in part
        assert files("<html>" + piece * (size // len(piece))) == ()
    return time.process_time() - start


def test_a_page_with_more_links_than_are_read_is_too_large_and_never_cut() -> None:
    links = "".join(f'<a href="https://h/goodpkg-1.{n}-py3-none-any.whl">x</a>' for n in range(200))
    rows = [{"filename": f"goodpkg-1.{n}-py3-none-any.whl", "url": "x"} for n in range(MOST_FILES + 1)]
    assert len(files("<html>" + links)) == 200
    with pytest.raises(TooLargeError, match="lists more than 100,000 files"):
        files("<html>" + "<a href=x>x</a>" * (MOST_FILES + 2))
    with pytest.raises(TooLargeError, match="lists more than 100,000 files"):
        parse_page(json.dumps({"files": rows}).encode(), url="https://h/", content_type="application/json")
