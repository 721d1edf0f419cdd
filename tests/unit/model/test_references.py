"""Direct references, wheel names and markers: what a text alone says."""

from __future__ import annotations

import pytest

from stackcheck.model import markers, references

WHEEL = (
    "https://example.org/whl/flash_attn-2.7.4.post1+cu12torch2.5cxx11abiFALSE-cp311-cp311-linux_x86_64.whl"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("git+https://github.com/owner/repo@v1", "git"),
        ("git+ssh://git@github.com/owner/repo", "git"),
        (WHEEL, "url"),
        ("https://example.org/x-1.0.tar.gz", "url"),
        ("./ops", "path"),
        (".", "path"),
        ("/srv/x-1.0-py3-none-any.whl", "path"),
        ("x-1.0-py3-none-any.whl", "path"),
        ("2.5.0+cu124", None),
        (">=2.5,<2.6", None),
        ("latest", None),
        ("source", None),
    ],
)
def test_a_text_is_a_version_or_one_kind_of_reference(text: str, kind: str | None) -> None:
    assert references.kind_of(text) == kind


def test_a_wheel_name_says_name_version_local_version_and_tags() -> None:
    wheel = references.wheel_name(WHEEL)
    assert wheel is not None
    assert (wheel.name, str(wheel.version)) == ("flash-attn", "2.7.4.post1+cu12torch2.5cxx11abifalse")
    assert sorted(map(str, wheel.tags)) == ["cp311-cp311-linux_x86_64"]
    assert references.wheel_name("https://example.org/x-1.0.tar.gz") is None


@pytest.mark.parametrize(
    ("git", "revision", "fixed"),
    [
        ("git+https://github.com/o/r@v1.0#subdirectory=python", "v1.0", True),
        ("git+ssh://git@github.com/o/r", "", False),
        ("git+https://u:p@host/o/r@main", "main", False),
        ("git+https://host/o/r@0f3a9b1", "0f3a9b1", True),
    ],
)
def test_a_git_reference_is_fixed_or_moves(git: str, revision: str, fixed: bool) -> None:
    assert (references.revision(git), references.is_fixed(git)) == (revision, fixed)


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("git", "git+github.com/o/r", "is not a git reference"),
        ("url", "https:///x.whl", "is not a URL"),
        ("url", "https://user:hunter2@e.org/x-1.0.whl", "'x-1.0.whl' is not the name of a wheel"),
        ("path", "./ops", ""),
    ],
)
def test_an_unsound_reference_is_said_without_its_credentials(
    kind: references.Kind, text: str, fault: str
) -> None:
    said = references.fault_of(kind, text)
    assert fault in said if fault else said == ""
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("marker", "python", "platform", "holds"),
    [
        ("sys_platform == 'linux'", None, "linux/amd64", True),
        ("sys_platform == 'win32'", "3.11", "linux/amd64", False),
        ("platform_machine == 'aarch64'", None, "linux/arm64", True),
        ("python_version < '3.9'", "3.11", None, False),
        ("python_full_version >= '3.11.4'", "3.11.9", None, True),
        ("python_version < '3.9'", None, "linux/amd64", None),
        ("sys_platform == 'linux'", "3.11", None, None),
        ("platform_release == '5.10'", "3.11", "linux/amd64", None),
        ("implementation_name == 'cpython'", None, None, True),
    ],
)
def test_a_marker_is_decided_by_the_stack_and_by_nothing_of_this_machine(
    marker: str, python: str | None, platform: str | None, holds: bool | None
) -> None:
    assert markers.holds(marker, python=python, platform=platform) is holds
