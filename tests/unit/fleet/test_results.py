"""The folder of results: whole or not there, and what is done is not done again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stackcheck.fleet.results import LEDGER, Folder
from stackcheck.fleet.work import Answer, Assigned, Outcome, lost
from stackcheck.intake.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = '{"schema_version": 2, "tool": {}, "reports": []}'


def outcome(stack: str, result: str = "PASS", gpu: str = "") -> Outcome:
    return Outcome(stack, gpu, result, "", 0, 1.0)


def keep(folder: Folder, key: str, result: str = "PASS", gpu: str = "") -> None:
    folder.keep([key], Answer(DOCUMENT, (outcome(key, result, gpu),), "node"))


def test_what_is_kept_is_done_for_the_next_call(tmp_path: Path) -> None:
    keep(Folder(tmp_path), "a", "FAIL", "T4")
    again = Folder(tmp_path)
    assert (again.done["a"], again.nodes["a"]) == (outcome("a", "FAIL", "T4"), "node")
    names = [path.name for path in tmp_path.glob("*.json")]
    assert len(names) == 1
    assert names[0].startswith("a-on-T4-")


def test_of_an_error_nothing_is_known_so_it_is_not_done(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    keep(folder, "a", "ERROR")
    assert folder.done["a"].result == "ERROR"
    assert Folder(tmp_path).done == {}


def test_a_line_that_a_kill_cut_short_is_not_read_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    keep(Folder(tmp_path), "a")
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(b'{"file": "b.json", "node": "n", "tas')
    keep(Folder(tmp_path), "c")
    assert sorted(Folder(tmp_path).done) == ["a", "c"]


def test_a_line_without_its_document_and_lines_of_others_do_not_count(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    keep(folder, "a")
    next(tmp_path.glob("a-*.json")).unlink()
    others = (
        "null",
        "[]",
        '{"tasks": {"x": []}, "node": 1}',
        json.dumps({"tasks": {"y": ["y"]}, "node": "n"}),
    )
    with (tmp_path / LEDGER).open("a") as file:
        file.write("\n".join(others) + "\n")
    assert Folder(tmp_path).done == {}


def test_what_was_lost_is_told_and_tried_again_and_forgotten_when_it_is_done(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    report = lost(Assigned(Stack(id="a")), "nothing is known of it: its node died.")
    assert report.result is not None
    assert (report.result.word, report.exit_code()) == ("ERROR", 3)
    assert [each.message for each in report.counted] == ["nothing is known of it: its node died."]
    folder.keep_lost("a", report)
    assert Folder(tmp_path).done == {}
    assert [path.name for path in tmp_path.glob("*.json")] == ["lost-a.json"]
    keep(Folder(tmp_path), "a")
    assert list(tmp_path.glob("lost-*")) == []


def test_again_forgets_what_is_done(tmp_path: Path) -> None:
    keep(Folder(tmp_path), "a")
    folder = Folder(tmp_path)
    folder.forget(["a", "b"])
    assert folder.done == {}
