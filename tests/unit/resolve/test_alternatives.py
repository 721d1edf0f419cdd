"""What pages have for a Python and platform, from literal files."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.index_pages import File
from stackcheck.resolve.alternatives import has_source, lacking, newer_source, serving
from stackcheck.resolve.question import Question, question_of


def question(**fields: Any) -> Question:
    base = {"id": "s", "python": "3.11", "platform": "linux/arm64"}
    return question_of(Stack.model_validate({**base, **fields}))


def wheel(version: str, tag: str, **fields: Any) -> File:
    return File(f"x-{version}-{tag}.whl", "https://h/x", **fields)


def sdist(version: str, **fields: Any) -> File:
    return File(f"x-{version}.tar.gz", "https://h/x", **fields)


FILES = (
    wheel("1.0", "cp311-cp311-manylinux_2_17_x86_64"),
    wheel("1.1", "cp311-cp311-manylinux_2_17_aarch64"),
    wheel("1.2", "cp311-cp311-manylinux_2_39_aarch64"),
    wheel("1.3", "cp312-cp312-manylinux_2_17_aarch64"),
    wheel("1.4", "py3-none-any", yanked="broken"),
    wheel("1.5", "py3-none-any", requires_python=">=3.12"),
    wheel("1.6rc1", "py3-none-any"),
    sdist("1.7"),
)


def test_only_what_would_serve_is_named_newest_first() -> None:
    assert serving(FILES, question()) == ("1.2", "1.1")
    assert serving(FILES, question(glibc="2.28")) == ("1.1",)
    assert serving(FILES, question(platform="windows/amd64")) == ("1.6rc1",)
    assert serving(FILES[:1], question()) == ()


@pytest.mark.parametrize(
    ("requirement", "kind"),
    [
        ("x==1.0", "no-platform-wheel"),
        ("x==1.3", "no-python-wheel"),
        ("x>=1.0,<1.1", "no-platform-wheel"),
        ("x==1.7", "no-wheel"),
    ],
)
def test_what_the_admitted_versions_lack_is_read_from_their_names(requirement: str, kind: str) -> None:
    assert lacking(FILES, requirement, question(), "no-wheel") == kind


def test_a_version_that_is_nowhere_stays_not_found() -> None:
    assert lacking(FILES, "x==9", question(), "not-found") == "not-found"


def test_a_source_counts_only_where_pip_could_build_it() -> None:
    assert has_source(FILES, "x>=1.7", question())
    assert not has_source(FILES, "x<1.7", question())
    assert not has_source([sdist("1.7", requires_python=">=3.12")], "x", question())
    assert not has_source([sdist("1.7", yanked="")], "x", question())


@pytest.mark.parametrize(
    ("wanted", "than", "newer"),
    [("", "1.2", True), ("<1.7", "1.2", False), ("", "1.7", False), (">=1.0", "1.6", True)],
)
def test_a_newer_source_is_what_pip_would_build(wanted: str, than: str, newer: bool) -> None:
    assert newer_source(FILES, SpecifierSet(wanted), Version(than), question()) is newer


def test_a_newer_version_that_has_a_wheel_here_was_passed_over_for_what_it_requires() -> None:
    files = (*FILES, wheel("1.7", "py3-none-any"))
    assert newer_source(FILES, SpecifierSet(), Version("1.2"), question())
    assert not newer_source(files, SpecifierSet(), Version("1.2"), question())
    elsewhere = (*FILES, wheel("1.7", "cp314-cp314-manylinux_2_17_aarch64"))
    assert newer_source(elsewhere, SpecifierSet(), Version("1.2"), question())
