"""Which pages uv had to do without, as its log of 0.13.8 says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.resolve.question import question_of
from stackcheck.resolve.uncached_pages import (
    asks_several,
    keep_absent,
    load_absent,
    not_cached,
    unread_pages,
    verbose,
)
from stackcheck.resolve.uvinput import uv_input

if TYPE_CHECKING:
    from pathlib import Path

LOG = """DEBUG Adding direct dependency: torch>=2.5.1, <2.5.1+
DEBUG Sending fresh GET request for: https://me:****@download.pytorch.org/whl/cu118/torch/
DEBUG Found stale response for: https://pypi.org/simple/torch/
DEBUG Sending fresh GET request for: https://data.pyg.org/whl/torch-2.5.0+cu118.html
DEBUG Sending fresh GET request for: https://files.pythonhosted.org/packages/torch-2.5.1.whl.metadata
"""


def _stack(**index: object) -> Stack:
    return Stack.model_validate(
        {"id": "case", "python": "3.11", "index": index, "packages": {"torch": "2.5.1"}}
    )


def test_the_log_names_pages_of_indexes_and_stated_pages() -> None:
    page, index = "https://data.pyg.org/whl/torch-2.5.0+cu118.html", "https://download.pytorch.org/whl/cu118"
    torch = f"{index}/torch/"
    assert unread_pages(LOG, question_of(_stack(find_links=[page], extra=[index]))) == {torch, page}
    assert unread_pages(LOG, question_of(_stack(url=f"{index}/"))) == {torch}
    assert unread_pages("", question_of(_stack(extra=[index]))) == frozenset()


def test_places_that_the_stack_does_not_state_do_not_count() -> None:
    assert unread_pages(LOG, question_of(_stack())) == frozenset()
    assert (
        unread_pages(LOG, question_of(_stack(find_links=["wheels"], url="https://pypi.org/simple")))
        == frozenset()
    )


@pytest.mark.parametrize(
    ("index", "environ", "several"),
    [
        ({}, {}, False),
        ({"url": "https://pypi.org/simple"}, {}, False),
        ({"extra": ["https://download.pytorch.org/whl/cu118"]}, {}, True),
        ({"find_links": ["https://data.pyg.org/whl/torch-2.5.0+cu118.html"]}, {}, True),
        ({"url": "https://pypi.org/simple"}, {"PIP_FIND_LINKS": "/wheels"}, True),
        ({}, {"PIP_FIND_LINKS": "/wheels"}, False),
    ],
)
def test_one_place_alone_has_nothing_to_choose(
    index: dict[str, object], environ: dict[str, str], several: bool
) -> None:
    stack = _stack(**index)
    assert asks_several(question_of(stack), uv_input(question_of(stack), environ).env) is several


def test_uv_is_asked_to_say_what_it_does() -> None:
    assert verbose(("--quiet", "--offline")) == ("--offline", "--verbose")


def test_what_is_missing_is_said_by_the_index() -> None:
    stack = _stack(
        extra=["https://me:secret@a.org/simple", "https://b.org/simple/"], url="https://c.org/simple"
    )
    one = not_cached(["https://b.org/simple/x/", "https://b.org/simple/y/"], question_of(stack))
    two = not_cached(["https://b.org/simple/x/", "https://a.org/simple/x/"], question_of(stack))
    said = "are not in uv's cache, and the network was not to be used"
    assert one.message == f"pages of https://b.org/simple/ {said}"
    assert two.message == f"pages of https://a.org/simple and https://b.org/simple/ {said}"
    assert (one.kind, one.hint, one.offline) == ("offline", "run once without --offline", True)


def test_absent_pages_are_kept(tmp_path: Path) -> None:
    assert load_absent(tmp_path) == frozenset()
    keep_absent(tmp_path, {"https://a.org/simple/a/"})
    assert load_absent(tmp_path) == {"https://a.org/simple/a/"}
    (tmp_path / "absent.json").write_text("{", encoding="utf-8")
    assert load_absent(tmp_path) == frozenset()
    keep_absent(tmp_path / "no" / "such", {"a"})
