"""The page about trust shows the figures that the hostile campaign has recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDED = json.loads((ROOT / "tests/hostile/recorded.json").read_text(encoding="utf-8"))["parts"]
KINDS = ("green", "leak", "ran", "fault", "hang", "memory", "raw", "unsaid")
LEAST = {
    "definitions": 60, "passwords": 190, "environments": 60, "images": 20, "indexes": 30,
    "corruptions": 600, "kills": 200,
}  # fmt: skip


def test_every_part_is_recorded_with_as_many_attempts_as_were_promised() -> None:
    made = {each["part"]: each["attempts"] for each in RECORDED}
    assert {part: made.get(part, 0) >= least for part, least in LEAST.items()} == dict.fromkeys(LEAST, True)


@pytest.mark.parametrize("part", RECORDED, ids=lambda part: part["part"])
def test_the_page_shows_what_is_recorded(part: dict[str, object]) -> None:
    page = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
    cells = " | ".join(str(part.get(kind, 0)) for kind in KINDS)
    assert f" | {part['attempts']} | {cells} |\n" in page


def test_nothing_bad_ended_green_and_nothing_leaked_or_ran() -> None:
    bad = [(each["part"], kind) for each in RECORDED for kind in ("green", "leak", "ran") if each.get(kind)]
    assert bad == []
