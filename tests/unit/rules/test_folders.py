"""A rule is found by its code: the letters name the folder, the lowest level of its answers names the file."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck import rules

if TYPE_CHECKING:
    from stackcheck.rules.registry import Rule

ROOT = Path(rules.__file__).parent
FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def families(folder: str) -> dict[str, str]:
    found: dict[str, str] = importlib.import_module(f"stackcheck.rules.{folder}").FAMILIES
    return found


def test_every_family_stands_in_one_folder_with_one_title() -> None:
    letters = Counter(each for folder in FOLDERS for each in families(folder))
    titles = Counter(title for folder in FOLDERS for title in families(folder).values())
    assert {each for each, times in letters.items() if times > 1} == set()
    assert {each for each, times in titles.items() if times > 1} == set()
    assert set(letters) == {rule.family for rule in rules.load_all()}


@pytest.mark.parametrize("rule", rules.load_all(), ids=lambda rule: rule.code)
def test_letters_name_the_folder_and_the_lowest_level_the_file(rule: Rule) -> None:
    package, folder, file = rule.module.rsplit(".", 2)
    level = min(rule.levels).name.lower()
    assert package == "stackcheck.rules"
    assert rule.family in families(folder)
    assert file.partition("_")[0] == level, f"{rule.code} answers at {level}, and stands in {file}.py"


def test_modules_beside_the_folders_have_no_rules() -> None:
    loose = {f"stackcheck.rules.{path.stem}" for path in ROOT.glob("*.py")}
    assert {rule.module for rule in rules.load_all()} & loose == set()
