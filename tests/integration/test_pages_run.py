"""Pages of the documentation whose commands are run: what they print is what the page says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("docs/tutorial.md", "docs/gallery.md")


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("run_pages", ROOT / "tools" / "run_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_its_commands_print(page: str) -> None:
    tool = _tool()
    now = tool.fresh(ROOT / page)
    assert tool.settled(now) == tool.settled((ROOT / page).read_text(encoding="utf-8")), (
        f"run: python tools/run_pages.py {page}"
    )
    assert "Traceback" not in now
    assert "(exit code 2)" not in now
    assert "(exit code 3)" not in now


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_every_page_that_is_linked_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
