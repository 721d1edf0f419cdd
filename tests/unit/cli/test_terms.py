"""`explain` knows every word that a report can carry."""

from __future__ import annotations

import argparse
import json
from typing import get_args

import pytest

from stackcheck.cli import explain, terms
from stackcheck.cli.parser import add_manners
from stackcheck.drift import change_classes
from stackcheck.model.errors import UsageError
from stackcheck.model.resolution import Kind
from stackcheck.model.verdict import Level, Outcome
from stackcheck.report.wording import ACCEPTED, NOTHING
from stackcheck_probes.start import causes


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    parser = argparse.ArgumentParser()
    explain.configure(parser)
    add_manners(parser)
    assert explain.execute(parser.parse_args(words)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("outcome", {*Outcome.__members__, ACCEPTED, NOTHING}),
        ("level", {level.word for level in Level}),
        ("why there is no lock", {*get_args(Kind)}),
        ("class of a change", {*change_classes.CLASSES}),
        ("cause at the start of a container", {*causes.KINDS}),
    ],
)
def test_every_word_of_a_kind_is_explained(kind: str, words: set[str]) -> None:
    assert {each.word for each in terms.every() if each.kind == kind} == words
    assert all(each.means.endswith(".") for each in terms.every())


def test_a_word_is_explained_in_any_case_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "BREAKS-NEXT-BUILD")
    assert text.startswith("breaks-next-build: class of a change\n")
    assert "no index that is asked for it lists it any more." in " ".join(text.split())
    rows = json.loads(told(capsys, "skip", "TORCH101", "--format", "json"))
    assert [row.get("code", row.get("word")) for row in rows] == ["TORCH101", "SKIP"]


def test_a_word_that_names_nothing_is_answered_with_the_near_one() -> None:
    with pytest.raises(UsageError, match="no rule has the code 'CONFLICTS'; did you mean 'CONFLICT'"):
        explain._named("conflicts")


def test_the_index_lists_rules_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert "  SPCONV101 " in text
    assert "\n    no-python-wheel   There are wheels, but none for this Python.\n" in text
