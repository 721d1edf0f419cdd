"""What a project's own files say: whether all of it was understood, and whether it agrees."""

import pytest

from stackcheck.intake.stack import Stack
from tests.unit.rules.harness import judged_stack

READ = {"id": "a", "file": "Dockerfile", "read_from": ("Dockerfile",)}


def said(code: str, **fields: object) -> list[tuple[str, str, str]]:
    stack = Stack.model_validate({**READ, **fields})
    return [(each.outcome.name, each.message, each.place) for each in judged_stack(code, stack)]


def test_what_was_not_understood_is_not_checked() -> None:
    text = "Dockerfile:3: 'torch==$V' holds a variable that is not known here, so it was not read."
    assert said("STACK102", unread=(text,)) == [("SKIP", text, "")]
    assert said("STACK102") == [
        ("PASS", "Every line of the files that states what is installed was understood.", "")
    ]


def test_a_later_step_that_takes_something_back_is_a_warning_with_its_line() -> None:
    text = "torch 2.6.0 takes the place of 2.5.0 of Dockerfile:2."
    assert said("STACK103", contradictions=(("Dockerfile:5", text),)) == [("WARN", text, "Dockerfile:5")]
    assert [outcome for outcome, *_ in said("STACK103", packages={"torch": "2.5.0"})] == ["PASS"]


def test_where_no_package_is_stated_nothing_was_held_against_anything() -> None:
    """A manifest that names an image of which nothing is known was not checked, and is not called good."""
    assert said("STACK103") == []


def test_a_line_at_which_pip_stops_is_a_warning_with_its_line() -> None:
    text = "'torchvision==' is not a requirement that pip takes."
    assert said("STACK102", refused=(("requirements.txt:2", text),)) == [("WARN", text, "requirements.txt:2")]


def test_what_the_files_leave_to_choose_says_itself_what_to_do() -> None:
    text = "pyproject.toml:4: Python >=3.12 is a range: say which one with --python."
    assert said("STACK102", unsettled=(text,)) == [("SKIP", text, "")]


@pytest.mark.parametrize("code", ["STACK102", "STACK103"])
def test_a_definition_is_not_asked(code: str) -> None:
    assert said(code, read_from=()) == []
