"""What `importing.load` keeps of an import: errors with their place, warnings, stderr, versions."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from stackcheck_probes.watching import importing, loaded, measure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackcheck_probes.facts.measured import Check, Loaded


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `probed` whose `__init__.py` the test writes."""
    (tmp_path / "probed").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "probed" / "__init__.py"
    sys.modules.pop("probed", None)


def load(package: Path, source: str) -> Loaded:
    package.write_text(source)
    _, facts = importing.load("probed")
    json.dumps(facts)
    return facts


def test_a_good_import(package: Path) -> None:
    facts = load(package, "__version__ = '1.2'\n")
    assert facts == {
        "installed": True,
        "import_error": None,
        "distribution_version": None,
        "warnings": [],
        "stderr": "",
        "version": "1.2",
        "file": str(package),
    }


def test_a_bare_assert_is_told_by_its_place(package: Path) -> None:
    error = load(package, "\nassert 1 > 2\n")["import_error"]
    assert error == {"type": "AssertionError", "message": "", "at": f"{package}:2: assert 1 > 2"}


def test_a_package_that_exits_is_an_error_and_not_the_end(package: Path) -> None:
    error = load(package, "import sys\nsys.exit('no GPU')\n")["import_error"]
    assert error is not None
    assert error["type"] == "SystemExit"


def test_warnings_and_stderr_are_kept_and_the_probes_own_call_stack_is_not(package: Path) -> None:
    source = (
        "import sys, warnings\n"
        "print('compiled using NumPy 1.x', file=sys.stderr)\n"
        "print('Traceback (most recent call last):  File agent.py', file=sys.stderr)\n"
        "warnings.warn('_ARRAY_API not found')\n"
        "warnings.warn('old', DeprecationWarning)\n"
    )
    facts = load(package, source)
    assert facts["stderr"] == "compiled using NumPy 1.x"
    assert facts["warnings"] == ["UserWarning: _ARRAY_API not found"]


def test_long_texts_are_cut(package: Path) -> None:
    error = load(package, "raise ImportError('x' * 100_000)\n")["import_error"]
    assert error is not None
    assert len(error["message"]) == importing.MAX_TEXT
    assert len(error["at"]) <= 300


def test_what_is_not_there() -> None:
    assert importing.load("no_such_package_at_all") == (None, {"installed": False, "import_error": None})
    assert importing.load_beside_torch("no_such_package_at_all") == (
        None,
        None,
        {"installed": False, "import_error": None},
    )


def test_a_bare_directory_of_that_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "probed").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert importing.load("probed") == (None, {"installed": False, "import_error": None})


def test_an_attempt_keeps_the_exception() -> None:
    def check(number: int) -> Check:
        return {"tolerance": 1 / number}

    assert measure.attempt(check, 2) == {"error": None, "tolerance": 0.5}
    error = measure.attempt(check, 0)["error"]
    assert error is not None
    assert error["type"] == "ZeroDivisionError"


def test_mapped_libraries_are_told_apart_by_their_stem() -> None:
    files = [
        "/site/nvidia/cudnn/lib/libcudnn.so.9",
        "/site/nvidia/cudnn/lib/libcudnn_graph.so.9",
        "/site/cumm_cu124.libs/libnvrtc-6d168ef8.so.12.4.127",
        "/site/cumm_cu124.libs/libnvrtc-builtins-4425561a.so.12.4.127",
    ]
    assert loaded.mapped("libcudnn", files) == files[:1]
    assert loaded.mapped("libnvrtc", files) == files[2:3]
