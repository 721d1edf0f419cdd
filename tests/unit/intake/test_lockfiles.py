"""Lock files of other tools: what they pin, and from where."""

import json
import tomllib

from stackcheck.intake import lockfiles
from stackcheck.intake.stated import Found


def read(text: str, python: str | None = None, platform: str = "linux/amd64") -> Found:
    return lockfiles.held(lockfiles.read(text, tomllib.loads(text), "the.lock"), python, platform)


def rows(found: Found) -> dict[str, object]:
    return {each.key.removeprefix("packages."): each.value for each in found.stated}


UV = """
version = 1
requires-python = "==3.11.*"
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
[[package]]
name = "torch"
version = "2.7.0"
source = { registry = "https://pypi.org/simple" }
resolution-markers = ["sys_platform == 'darwin'"]
[[package]]
name = "torch"
version = "2.7.0+cu128"
source = { registry = "https://download.pytorch.org/whl/cu128" }
resolution-markers = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
[[package]]
name = "detectron2"
version = "0.6"
source = { git = "https://github.com/facebookresearch/detectron2?rev=main#abc123" }
"""


def test_uv_lock_states_what_holds_on_linux_and_not_the_project_itself() -> None:
    found = read(UV)
    assert rows(found) == {
        "python": "3.11",
        "torch": {"version": "2.7.0+cu128", "index": "https://download.pytorch.org/whl/cu128"},
        "detectron2": {"version": "0.6", "git": "git+https://github.com/facebookresearch/detectron2@abc123"},
    }
    assert [each.place.line for each in found.stated] == [3, 14, 19]


def test_uv_lock_states_what_holds_on_an_intel_mac() -> None:
    assert rows(read(UV, platform="macos/amd64"))["torch"] == {"version": "2.7.0"}


FORKED = (
    '[[package]]\nname = "a"\nversion = "1"\nresolution-markers = ["python_version < \'3.12\'"]\n'
    '[[package]]\nname = "a"\nversion = "2"\nresolution-markers = ["python_version >= \'3.12\'"]\n'
)


def test_two_versions_that_both_may_hold_here_are_said() -> None:
    found = read(FORKED)
    assert [each.text for each in found.open] == ["a is locked as 1, 2: the first of them was taken."]


def test_a_python_that_is_known_chooses_among_the_versions_of_a_lock() -> None:
    found = read(FORKED, "3.13")
    assert (rows(found)["a"], found.open) == ({"version": "2"}, ())


def test_pylock_is_read() -> None:
    found = read(
        'lock-version = "1.0"\nrequires-python = ">=3.11"\n[[packages]]\nname = "torch"\nversion = "2.5.0"\n'
        'index = "https://download.pytorch.org/whl/cu124"\n[[packages]]\nname = "own"\n'
        'vcs = { type = "git", url = "https://github.com/o/r", commit-id = "abc" }\n'
        '[[packages]]\nname = "here"\ndirectory = { path = "." }\n'
    )
    assert rows(found) == {
        "torch": {"version": "2.5.0", "index": "https://download.pytorch.org/whl/cu124"},
        "own": {"version": "latest", "git": "git+https://github.com/o/r@abc"},
    }


def test_poetry_lock_is_read() -> None:
    found = read(
        '[[package]]\nname = "torch"\nversion = "2.5.0+cu124"\n[package.source]\ntype = "legacy"\n'
        'url = "https://download.pytorch.org/whl/cu124"\nreference = "torch"\n[metadata]\npython-versions = "~3.11"\n'
    )
    assert rows(found)["torch"] == {
        "version": "2.5.0+cu124",
        "index": "https://download.pytorch.org/whl/cu124",
    }


def test_pipfile_lock_is_read() -> None:
    document = {
        "_meta": {
            "requires": {"python_version": "3.11"},
            "sources": [{"name": "torch", "url": "https://download.pytorch.org/whl/cu124"}],
        },
        "default": {
            "torch": {"version": "==2.5.0+cu124", "index": "torch"},
            "x": {"git": "https://h/x", "ref": "1"},
        },
        "develop": {"pytest": {"version": "==8.0"}},
    }
    found = lockfiles.read_pipfile_lock(document, json.dumps(document, indent=1), "Pipfile.lock")
    assert rows(found) == {
        "python": "3.11",
        "torch": {"version": "2.5.0+cu124", "index": "https://download.pytorch.org/whl/cu124"},
        "x": {"version": "latest", "git": "git+https://h/x@1"},
    }


def test_odd_types_state_nothing_and_do_not_fail() -> None:
    assert read("package = 1\nmetadata = 2\nrequires-python = 3\n").stated == ()
    assert read('[[package]]\nname = 1\n[[package]]\nname = "a"\nversion = 2\nsource = 1\n').stated[
        0
    ].value == {"version": "latest"}
    assert lockfiles.read_pipfile_lock({"default": [], "_meta": 1}, "", "Pipfile.lock").stated == ()
