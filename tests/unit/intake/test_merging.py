"""Statements of several files: what they say together, and where one takes back another."""

import pytest

from stackcheck.intake.merging import Merged, takes
from stackcheck.intake.stated import Place, Stated, package

HERE, THERE = Place("a", 1), Place("b", 2)


def merged(*versions: str) -> Merged:
    rows = Merged()
    for version, place in zip(versions, (HERE, THERE), strict=False):
        rows.add(package("torch", place, version=version))
    return rows


@pytest.mark.parametrize(
    ("first", "second", "version", "place"),
    [
        ("2.5.0", "2.5.0", "2.5.0", HERE),
        (">=2.4", "2.5.0", "2.5.0", THERE),
        ("2.5.0", ">=2.4", "2.5.0", HERE),
        ("latest", "2.5.0", "2.5.0", THERE),
        ("2.5.0", "latest", "2.5.0", HERE),
        ("2.5.0", "2.5.0+cu124", "2.5.0+cu124", THERE),
        ("2.5.0+cu124", "2.5.0", "2.5.0+cu124", HERE),
        (">=2", "<3", ">=2,<3", THERE),
    ],
)
def test_two_statements_that_agree_are_one(first: str, second: str, version: str, place: Place) -> None:
    rows = merged(first, second)
    assert (rows.row["packages"]["torch"]["version"], rows.places["packages.torch"]) == (version, place)
    assert rows.open == []


@pytest.mark.parametrize(
    ("first", "second"), [("2.5.0", "2.6.0"), ("<2.5", "2.6.0"), ("2.5.0+cu121", "2.5.0+cu124")]
)
def test_two_that_do_not_are_a_contradiction(first: str, second: str) -> None:
    rows = merged(first, second)
    said = f"torch is {second} here and {first} in a:1; the former was taken."
    assert [(each.text, each.place, each.kind) for each in rows.open] == [(said, THERE, "contradiction")]


def test_a_direct_reference_decides() -> None:
    rows = merged("2.5.0")
    rows.add(package("torch", THERE, git="git+https://h/torch"))
    assert rows.row["packages"]["torch"] == {"version": "latest", "git": "git+https://h/torch"}


def test_a_value_that_differs_is_a_contradiction_and_the_call_decides() -> None:
    rows = Merged()
    rows.add(Stated("python", "3.11", HERE))
    rows.add(Stated("python", "3.12", THERE))
    assert [each.text for each in rows.open] == ["python is 3.12 here and 3.11 in a:1; the latter was taken."]
    rows.put("python", "3.13", Place("the command line"))
    assert rows.row == {"python": "3.13"}


def test_lists_come_together_and_logins_stay_out() -> None:
    rows = Merged()
    rows.add(Stated("index.extra", "https://u:secret@a/simple", HERE))
    rows.add(Stated("index.extra", "https://b/simple", THERE))
    rows.add(Stated("no_build_isolation", "flash-attn", HERE))
    rows.add(Stated("no_build_isolation", value=True, place=THERE))
    assert rows.row == {
        "index": {"extra": ["https://a/simple", "https://b/simple"]},
        "no_build_isolation": True,
    }
    assert [each.text for each in rows.open] == ["the login in the address https://a/simple was left out."]


@pytest.mark.parametrize(
    ("wanted", "version", "answer"),
    [("2.5.0", "2.5.0+cu124", True), ("2.5.0+cu124", "2.5.0", False), (">=2", "2.5", True), ("x", "2", False), ("latest", "2", True)],
)  # fmt: skip
def test_whether_a_version_is_taken(wanted: str, version: str, answer: bool) -> None:
    assert takes(wanted, version) is answer
