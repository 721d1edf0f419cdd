"""LOAD rules where the system is not here: unpacked wheels, judged by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.intake.stack import Stack
from tests.unit.rules.harness import seen_said, seen_verdicts

ROOT = "/cache/unpacked/0/site-packages"
LIBRARY = f"{ROOT}/pkg/_C.so"


def loading(**more: Any) -> dict[str, Any]:
    names = ("missing", "versions", "undefined", "shadowed", "unreadable", "skipped", "cut")
    lists: dict[str, Any] = {name: [] for name in names}
    seen: dict[str, Any] = {"roots": [ROOT], "libraries": 3, "torch": None, "abi": {}, "copies": {}, **lists}
    return {"loading": {**seen, "alone": True, "of_system": [], "unserved": [], **more}}


def lacks(needs: str, *others: str, library: str = LIBRARY, elsewhere: str = "") -> dict[str, Any]:
    row = {"library": library, "needs": needs, "driver": needs == "libcuda.so.1", "other_versions": [*others]}
    return {**row, "elsewhere": [elsewhere] if elsewhere else []}


def wants(version: str, needs: str = "libc.so.6") -> dict[str, Any]:
    return {"library": LIBRARY, "needs": needs, "version": version}


def test_the_libraries_of_every_system_and_of_the_driver_are_left_aside() -> None:
    rows = [lacks(name) for name in ("libc.so.6", "libstdc++.so.6", "ld-linux-aarch64.so.1", "libcuda.so.1")]
    rows.append(lacks("libpython3.12.so.1.0"))
    text = "All 3 libraries find in the wheels what they need, but for what every system has."
    assert seen_said("LOAD301", loading(unserved=rows)) == [("PASS", text)]


def test_what_an_image_may_bring_is_said_not_to_be_checked() -> None:
    rows = [lacks("libGL.so.1"), lacks("libGL.so.1", library=f"{ROOT}/cv2/cv2.so"), lacks("libcudart.so.12")]
    assert seen_said("LOAD301", loading(unserved=rows)) == [
        (
            "SKIP",
            "Nothing among the packages brings libGL.so.1 (pkg/_C.so and 1 more), libcudart.so.12 (pkg/_C.so); "
            "whether the system does was not looked at.",
        )
    ]


def test_a_library_of_another_version_than_the_wheels_have_is_a_warning() -> None:
    (verdict,) = seen_verdicts("LOAD301", loading(unserved=[lacks("libcudart.so.10.2", "libcudart.so.12")]))
    assert verdict.outcome.name == "WARN"
    assert verdict.message == (
        "pkg/_C.so needs libcudart.so.10.2; the wheels have libcudart.so.12, so it was made for another "
        "version, unless the system brings that one."
    )


def test_a_library_off_every_search_path_is_a_warning() -> None:
    row = lacks("libx.so.1", elsewhere=f"{ROOT}/other/lib/libx.so.1")
    assert seen_said("LOAD301", loading(unserved=[row])) == [
        (
            "WARN",
            "pkg/_C.so needs libx.so.1; other/lib/libx.so.1 is off its search path, unless the system brings "
            "that one.",
        )
    ]


def test_a_list_that_was_cut_is_not_a_pass() -> None:
    said = seen_said("LOAD301", loading(unserved=[lacks("libc.so.6")], cut=["unserved"]))
    assert said == [("SKIP", "More than 1 needs are not served; the rest was not listed.")]


@pytest.mark.parametrize(("glibc", "outcome"), [("2.28", "PASS"), ("2.27", "FAIL"), (None, "SKIP")])
def test_the_newest_glibc_that_is_needed_is_held_against_the_stack_s(glibc: str | None, outcome: str) -> None:
    stack = Stack.model_validate({"id": "s", "glibc": glibc, "packages": {"pkg": "1.0"}})
    facts = loading(of_system=[wants("GLIBC_2.17", "libm.so.6"), wants("GLIBC_2.28")])
    (verdict,) = seen_verdicts("LOAD302", facts, stack)
    assert verdict.outcome.name == outcome
    assert (
        verdict.message
        == {
            "PASS": "glibc 2.28 (the system) serves all: the libraries need GLIBC_2.28 (pkg/_C.so).",
            "FAIL": "pkg/_C.so cannot be loaded: it needs GLIBC_2.28, and the system has GLIBC_2.27.",
            "SKIP": "The libraries need GLIBC_2.28 (pkg/_C.so); the stack states no glibc that it could be "
            "compared with.",
        }[outcome]
    )


def test_versions_of_the_cxx_library_are_not_held_against_this_machine_s() -> None:
    old = [wants("GLIBCXX_3.4.30", "libstdc++.so.6"), wants("GCC_12.0.0", "libgcc_s.so.1")]
    late = [wants("GLIBCXX_3.4.99", "libstdc++.so.6"), wants("OPENSSL_3", "libssl.so.3")]
    stack = Stack.model_validate({"id": "s", "os": "Ubuntu 22.04", "platform": "linux/amd64"})
    nothing = "Whatever is asked of the system, every one with its glibc has."
    assert seen_said("LOAD302", loading(of_system=old), stack) == [("PASS", nothing)]
    assert seen_said("LOAD302", loading(of_system=[*old, *late]), stack) == [
        (
            "SKIP",
            "Of the system GLIBCXX_3.4.99 (pkg/_C.so) are needed; which versions it has was not looked at.",
        )
    ]


def test_the_search_path_of_this_machine_is_not_judged() -> None:
    assert seen_said("LOAD305", loading()) == []
