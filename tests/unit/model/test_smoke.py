"""What a smoke test may state."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.intake.stack import parse_stack


def faults(*tests: dict[str, Any]) -> list[str]:
    return parse_stack({"id": "s", "smoke": list(tests)})[1]


def test_a_command_or_a_script_is_enough() -> None:
    assert faults({"name": "a", "command": ["true"]}, {"name": "b", "script": "smoke/b.py"}) == []


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"name": "a"}, "state either `command` or `script`"),
        ({"name": "a", "command": ["x"], "script": "b.py"}, "state either `command` or `script`"),
        ({"name": "a", "command": ["x"], "args": ["y"]}, "`args` belong to a `script`"),
        ({"name": "a", "script": "../b.py"}, "name a file below the folder of the definition"),
        ({"name": "a", "script": "/etc/passwd"}, "name a file below the folder of the definition"),
        ({"name": "a", "command": ["x"], "files": ["a/../../b"]}, "name a file below the folder"),
        ({"name": "a", "command": ["x"], "tiemout_s": 3}, "unknown key; did you mean 'timeout_s'?"),
        ({"name": "a", "command": ["x"], "timeout_s": 0}, "greater than or equal to 1"),
        ({"name": "A b", "command": ["x"]}, "match pattern"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(row: dict[str, Any], what: str) -> None:
    assert what in " ".join(faults(row))


def test_two_of_one_name_would_not_be_told_apart() -> None:
    said = faults({"name": "a", "command": ["x"]}, {"name": "a", "command": ["y"]})
    assert "two smoke tests are named 'a'" in said[0]
