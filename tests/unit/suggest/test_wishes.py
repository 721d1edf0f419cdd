"""What was asked for holds of what is found, whatever else moves."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.suggest import Suggestion, spell, suggest
from stackcheck.suggest.wishes import Wish, Wishes

TABLES = knowledge.load()


def stack(packages: dict[str, Any], **fields: Any) -> Stack:
    usual = {"id": "case", "python": "3.12", "platform": "linux/amd64"}
    return Stack.model_validate({**usual, **fields, "packages": packages})


def wishes(**wanted: str) -> Wishes:
    return Wishes(tuple(Wish(name.replace("_", "-"), SpecifierSet(text)) for name, text in wanted.items()))


def unmet(of: Stack, **wanted: str) -> list[str]:
    facts = definition_facts(of, TABLES)
    return [found for _, found in wishes(**wanted).unmet(facts["env"], TABLES)]


def upgraded(of: Stack, **wanted: str) -> Suggestion:
    return suggest(definition_facts(of, TABLES), wishes=wishes(**wanted))


def made(found: Suggestion) -> dict[str, str]:
    assert found.proven, found.remaining
    return {".".join(each.path): spell(each.after) for each in found.changes}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"torch": "==2.8"}, []),
        ({"torch": "==2.8.0"}, []),
        ({"torch": ">=2.9"}, ["torch is 2.8.0"]),
        ({"cuda": "==12.8"}, []),
        ({"cuda": "==12.6"}, ["it is torch 2.8.0 (cu128)"]),
        ({"cpu": ""}, ["it is torch 2.8.0 (cu128)"]),
        ({"python": "==3.12"}, []),
        ({"python": ">=3.13"}, ["Python is 3.12"]),
        ({"spconv": ""}, []),
        ({"spconv": "==2.3.8"}, []),
        ({"spconv": "==2.1"}, ["spconv-cu126 is 2.3.8"]),
        ({"numpy": "<2"}, []),
        ({"numpy": "<3"}, ["numpy is <2"]),
        ({"mmcv": ""}, ["mmcv is missing"]),
    ],
)
def test_a_wish_is_held_against_the_stack(wanted: dict[str, str], found: list[str]) -> None:
    of = stack({"torch": "2.8.0", "spconv-cu126": "2.3.8", "numpy": "<2"})
    assert unmet(of, **wanted) == found


def test_an_upgrade_takes_the_companions_along() -> None:
    of = stack({"torch": "2.6.0", "torchvision": "0.21.0", "torchaudio": "2.6.0"})
    assert made(upgraded(of, torch="==2.8")) == {
        "packages.torch": "2.8.0",
        "packages.torchvision": "0.23.0",
        "packages.torchaudio": "2.8.0",
    }


def test_an_upgrade_to_a_range_takes_the_nearest_and_another_python_only_where_it_must() -> None:
    of = stack({"torch": "2.6.0"}, python="3.9")
    assert made(upgraded(of, torch=">=2.7")) == {"packages.torch": "2.7.0"}
    assert made(upgraded(of, torch=">=2.9")) == {"packages.torch": "2.9.0", "python": "3.10"}


def test_another_cuda_changes_the_tag_and_what_the_stack_says_of_it() -> None:
    index = "https://download.pytorch.org/whl/cu124"
    of = stack({"torch": {"version": "2.6.0+cu124", "index": index}}, cuda="12.4")
    found = made(upgraded(of, cuda="==12.6"))
    assert found["cuda"] == "12.6"
    assert found["packages.torch"] == (
        '{ version = "2.6.0+cu126", index = "https://download.pytorch.org/whl/cu126" }'
    )


def test_a_package_that_is_missing_is_added() -> None:
    found = made(upgraded(stack({"torch": "2.8.0"}), torchvision=""))
    assert found == {"packages.torchvision": "0.23.0"}


def test_what_is_met_already_changes_nothing() -> None:
    assert made(upgraded(stack({"torch": "2.8.0"}), torch=">=2.6", cuda="==12.8")) == {}


def test_wishes_that_exclude_each_other_are_not_met() -> None:
    found = upgraded(stack({"torch": "2.8.0"}), torch="==2.8", python="==3.14")
    assert not found.proven


def test_every_change_says_what_it_is_for() -> None:
    found = upgraded(stack({"torch": "2.6.0", "torchvision": "0.21.0"}), torch="==2.8")
    reasons = {each.path[-1]: each.needed_for for each in found.changes}
    assert "WISH: torch is 2.6.0, and torch==2.8 was asked for." in reasons["torch"]
    assert reasons["torchvision"][0].startswith("TORCH101: torchvision 0.21.0 requires torch==2.6.0")
