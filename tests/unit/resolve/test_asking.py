"""A question that several threads put to uv at the same time is asked once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from stackcheck.intake.stack import Stack
from stackcheck.resolve import asking
from stackcheck.resolve.options import Options
from stackcheck.resolve.question import question_of
from stackcheck.resolve.uvrun import UvAnswer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_who_asks_the_same_meanwhile_waits_for_the_first_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Path] = []

    def slow(_binary: Path, args: Any, *, cwd: Path, **_more: Any) -> UvAnswer:
        seen.append(cwd)
        time.sleep(0.05)
        return UvAnswer(0, " ".join(args), "", 0.05)

    monkeypatch.setattr(asking, "run_uv", slow)
    question = question_of(
        Stack.model_validate({"id": "a", "python": "3.11", "packages": {"torch": "2.5.0"}})
    )
    options = Options(offline=True, answers={}, cache=tmp_path, environ={})
    asker = asking.Asker(options, question)
    asked = asker.input_of(question)
    with ThreadPoolExecutor(4) as pool:
        said = list(
            pool.map(lambda form: asker.compile(asked, asked.args, form).stdout, ["a", "a", "b", "a"])
        )
    assert len(seen) == 2
    assert said[0] == said[1] == said[3] != said[2]
