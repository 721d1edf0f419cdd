"""A smoke test is a pytest item of its own; every other code is one item."""

from __future__ import annotations

from stackcheck.intake.stack import Stack
from stackcheck.pytest_plugin.codes import codes_of, names_of

STACK = Stack.model_validate(
    {
        "id": "s",
        "smoke": [
            {"name": "first", "command": ["true"]},
            {"name": "second", "command": ["true"]},
            {"name": "card", "command": ["true"], "level": "gpu"},
        ],
    }
)


def test_each_test_of_a_level_is_an_item_of_its_code() -> None:
    assert names_of("SMOKE301", STACK) == [("SMOKE301[first]", "first"), ("SMOKE301[second]", "second")]
    assert names_of("SMOKE401", STACK) == [("SMOKE401[card]", "card")]
    assert names_of("TORCH301", STACK) == [("TORCH301", "")]


def test_without_a_target_no_test_is_an_item() -> None:
    assert {"SMOKE301", "SMOKE401"} <= set(codes_of(STACK, check_only=False))
    assert not {"SMOKE301", "SMOKE401"} & set(codes_of(STACK, check_only=True))
