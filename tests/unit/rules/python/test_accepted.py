"""The rule about Requires-Python of pins: cases that fire and their twins, with every message."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck.model.evidence import Outcome
from stackcheck.model.resolution import LockedPackage
from stackcheck.rules.questions import HAS_A_FILE
from tests.unit.rules.harness import lines, resolved, said_with_hints, verdicts

OLD = "FAIL: transformers 4.47.0 accepts Python >=3.9.0; the stack has 3.8: pip and uv do not find it."
LATE = "whisperx 3.3.1 accepts Python >=3.9,<3.13; the stack has 3.13"
CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("before the range", "3.8", {"transformers": "4.47.0"}, [OLD]),
    ("at its beginning", "3.9", {"transformers": "4.47.0"}, []),
    ("a release of it", "3.8.20", {"transformers": "4.47.0"}, [OLD.replace("3.8:", "3.8.20:")]),
    ("after the range", "3.13", {"whisperx": "3.3.1"}, [f"FAIL: {LATE}: pip does not find it."]),
    ("in the range", "3.12", {"whisperx": "3.3.1"}, []),
    (
        "several",
        "3.11",
        {"whisperx": "3.3.1", "transformers": "4.47.0"},
        [],
    ),
    ("one of several", "3.8", {"transformers": "4.47.0", "safetensors": "0.4.0"}, [OLD]),
    ("a range", "3.8", {"transformers": ">=4.47.0"}, []),
    ("from source", "3.8", {"transformers": {"version": "4.47.0", "from": "source"}}, []),
    ("a build of its own", "3.8", {"transformers": "4.47.0+ours"}, []),
]


@pytest.mark.parametrize(
    ("python", "packages", "expected"), [each[1:] for each in CASES], ids=[c[0] for c in CASES]
)
def test_what_is_said(python: str, packages: dict[str, Any], expected: list[str]) -> None:
    assert lines("PYTHON103", python=python, packages=packages) == expected


def test_no_python_is_stated() -> None:
    assert lines("PYTHON103", packages={"transformers": "4.47.0"}) == []


def test_it_names_the_last_release_for_this_python_and_its_question() -> None:
    fields: dict[str, Any] = {"python": "3.8", "packages": {"transformers": "4.47.0"}}
    ((_, _, hint),) = said_with_hints("PYTHON103", **fields)
    assert hint == "take transformers 4.46.3, or a Python in that range"
    (verdict,) = verdicts("PYTHON103", **fields)
    assert (verdict.question, verdict.subject) == (HAS_A_FILE, "transformers")


def test_uv_takes_what_is_past_the_range() -> None:
    """uv 0.13.9 resolves whisperx 3.3.1 for Python 3.13; pip finds no such version."""
    file = "whisperx-3.3.1-py3-none-any.whl"
    taken = LockedPackage("whisperx", Version("3.3.1"), file, url=f"https://pypi.org/{file}")
    (verdict,) = resolved("PYTHON103", taken, python="3.13", packages={"whisperx": "3.3.1"})
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == f"{LATE}: uv takes it all the same, and pip does not find it."


def test_what_excludes_this_python_is_not_said_to_be_compiled() -> None:
    """Numba 0.60.0 has a source archive and requires Python >=3.9; 0.57.0 requires >=3.8."""
    assert lines("WHEEL109", python="3.8", packages={"numba": "0.60.0"}) == []
    (warning,) = lines("WHEEL109", python="3.12", packages={"numba": "0.57.0"})
    assert warning.startswith("WARN: There is no wheel of numba 0.57.0 for Python 3.12")
