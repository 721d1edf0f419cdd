"""Files of smoke tests are read beside the definition, whole, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.named import MOST_SMOKE, check_named, smoke_files
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import UsageError
from stackcheck.storage.confinement import anywhere

if TYPE_CHECKING:
    from pathlib import Path


def stack(folder: Path) -> Stack:
    tests = [{"name": "a", "script": "a.py", "files": ["data/x"]}]
    return Stack.model_validate({"id": "s", "file": str(folder / "m.toml"), "smoke": tests})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "a.py").write_text("pass")
    (tmp_path / "data/x").write_bytes(b"\0")
    return tmp_path


def test_they_are_read_as_bytes(folder: Path) -> None:
    assert smoke_files(stack(folder)) == {"a.py": b"pass", "data/x": b"\0"}


def test_one_that_is_missing_is_named(folder: Path) -> None:
    (folder / "a.py").unlink()
    with pytest.raises(UsageError, match=r"m\.toml::s: smoke a: .*a\.py: there is no such file\."):
        smoke_files(stack(folder))


def test_a_link_is_held_to_the_repository_as_every_named_file_is(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "stacks").mkdir()
    (folder / "stacks/a.py").symlink_to("../a.py")
    (folder / "stacks/data").symlink_to("../data")
    assert smoke_files(stack(folder / "stacks")) == {"a.py": b"pass", "data/x": b"\0"}
    (folder / "stacks/a.py").unlink()
    (folder / "stacks/a.py").symlink_to("/etc/hostname")
    for look in (smoke_files, lambda each: check_named([each])):
        with pytest.raises(UsageError, match=r"smoke a: .*a\.py: this leads out of .* --allow-outside"):
            look(stack(folder / "stacks"))
    with anywhere(allowed=True):
        assert smoke_files(stack(folder / "stacks"))["a.py"]


def test_together_they_are_bounded(folder: Path) -> None:
    (folder / "data/x").write_bytes(b"\0" * MOST_SMOKE)
    with pytest.raises(UsageError, match="hold more than 1,048,576 bytes"):
        smoke_files(stack(folder))
