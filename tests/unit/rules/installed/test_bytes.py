"""Verdicts about what is installed: literal facts in, verdict out."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Missing, TargetPython
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules.installed import bytes as installed  # noqa: F401 - importing them registers the rules
from stackcheck.rules.registry import RULES, judge_one

SITE = "/venv/lib/python3.11/site-packages"
MARKERS = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "platform_python_implementation": "CPython",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def python(torch: str | None = None, **elsewhere: str) -> TargetPython:
    return TargetPython("3.11.7", MARKERS, torch, elsewhere)


def dist(name: str, version: str, *requires: str, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "version": version,
        "requires": list(requires),
        "location": SITE,
        "installer": "pip",
    }
    row |= {"complete": True, "tags": ["py3-none-any"]}
    return row | {"metadata": f"{name}-{version}.dist-info"} | more


def seen(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"distributions": list(rows), "duplicates": [], **more}


def recorded(**more: Any) -> dict[str, Any]:
    return {"shared_files": [], "changed_files": [], **more}


def judge(
    code: str, distributions: dict[str, Any], packages: dict[str, Any] | None = None, **facts: Any
) -> Any:
    stack = Stack(id="s", packages=packages or {})
    facts = {"stack": stack, "distributions": distributions, "python": python(), **facts}
    facts.setdefault("recorded_files", recorded())
    return judge_one(RULES[code], facts)


def only(verdicts: list[Verdict], outcome: Outcome) -> Verdict:
    assert [verdict.outcome for verdict in verdicts] == [outcome]
    return verdicts[0]


def test_what_is_stated_and_installed_passes() -> None:
    stated = {"torch": "2.5.0", "numpy": ">=1.26,<2", "rich": "latest"}
    rows = seen(dist("torch", "2.5.0+cu124"), dist("numpy", "1.26.4"), dist("rich", "13.9"))
    verdict = only(judge("DIST301", rows, stated), Outcome.PASS)
    assert verdict.message == "all 3 packages of the stack are installed in the versions it states."
    assert judge("DIST301", rows) == []


def test_a_missing_and_a_wrong_package_each_fail() -> None:
    verdicts = judge("DIST301", seen(dist("torch", "2.6.0")), {"torch": "2.5.0", "spconv-cu124": "2.3.8"})
    assert [(v.outcome, v.message) for v in verdicts] == [
        (Outcome.FAIL, "torch 2.6.0 is installed, and the stack states 2.5.0."),
        (Outcome.FAIL, "spconv-cu124 is not installed."),
    ]
    assert (verdicts[1].expected, verdicts[1].found) == ("spconv-cu124 2.3.8", "not installed")


def test_the_first_on_the_path_is_the_one_that_counts() -> None:
    rows = seen(dist("numpy", "2.0.0"), dist("numpy", "1.26.4"))
    assert only(judge("DIST301", rows, {"numpy": "1.26.4"}), Outcome.FAIL).found == "numpy 2.0.0"


def test_the_build_of_torch_is_read_from_its_own_files() -> None:
    rows, stated = seen(dist("torch", "2.5.0")), {"torch": "2.5.0+cu124"}
    only(judge("DIST301", rows, stated, python=python("2.5.0+cu124")), Outcome.PASS)
    verdict = only(judge("DIST301", rows, stated, python=python("2.5.0+cpu")), Outcome.FAIL)
    assert verdict.message == "torch 2.5.0+cpu is installed, and the stack states 2.5.0+cu124."


def test_a_build_that_the_metadata_does_not_name_warns() -> None:
    verdict = only(
        judge("DIST301", seen(dist("torchvision", "0.20.0")), {"torchvision": "0.20.0+cu124"}), Outcome.WARN
    )
    assert (
        verdict.message
        == "torchvision 0.20.0 does not say whether it is the build +cu124 that the stack states."
    )


def test_a_package_of_conda_counts_and_an_odd_version_is_not_compared() -> None:
    stated = {"numpy": "1.26.4"}
    only(judge("DIST301", seen(), stated, python=python(numpy="1.26.4")), Outcome.PASS)
    verdict = only(judge("DIST301", seen(dist("numpy", "odd_one")), stated), Outcome.SKIP)
    assert verdict.message == "numpy has the version 'odd_one', which is not a version that can be compared."


def resolution(**versions: str) -> Resolution:
    packages = tuple(
        LockedPackage(name, Version(version), f"{name}.whl") for name, version in versions.items()
    )
    return Resolution(packages, "3.11", "linux/amd64", "0.8", "")


def test_what_is_locked_and_installed_passes() -> None:
    rows = seen(dist("torch", "2.5.0"), dist("numpy", "1.26.4"), dist("pip", "24"))
    facts = resolution(torch="2.5.0+cu124", numpy="1.26.4")
    verdict = only(judge("DIST302", rows, resolution=facts), Outcome.PASS)
    assert verdict.message == "all 2 locked versions are what is installed."


def test_what_is_not_as_locked_fails() -> None:
    rows = seen(dist("torch", "2.5.0+cu121"), dist("numpy", "2.1.0"))
    verdicts = judge("DIST302", rows, resolution=resolution(torch="2.5.0+cu124", numpy="1.26.4", rich="13.9"))
    assert [verdict.message for verdict in verdicts] == [
        "torch 2.5.0+cu124 is locked, and 2.5.0+cu121 is what lies there.",
        "numpy 1.26.4 is locked, and 2.1.0 is what lies there.",
        "rich 13.9 is locked, and not installed is what lies there.",
    ]
    assert judge("DIST302", rows, resolution=Missing("not resolved")) == []


def test_a_ready_image_is_not_held_to_the_lock() -> None:
    stack = Stack(id="s", image={"ready": "pytorch/pytorch:2.5.0-cuda12.4-cudnn9-runtime"})
    facts = {"stack": stack, "distributions": seen(dist("numpy", "2.1.0"))}
    assert judge_one(RULES["DIST302"], facts | {"resolution": resolution(numpy="1.26.4")}) == []


def test_requirements_that_are_met_pass() -> None:
    vision = dist(
        "torchvision", "0.20.0", "torch==2.5.0", "numpy", "x; extra == 'y'", "w; sys_platform == 'win32'"
    )
    rows = seen(dist("torch", "2.5.0+cu124"), vision, dist("numpy", "1.26.4"))
    verdict = only(judge("DIST303", rows), Outcome.PASS)
    assert verdict.message == "the requirements of all 3 installed distributions are met."


def test_torchvision_of_another_torch_fails_even_when_nothing_is_stated() -> None:
    rows = seen(dist("torch", "2.6.0"), dist("torchvision", "0.20.0", "torch==2.5.0"))
    verdict = only(judge("DIST303", rows), Outcome.FAIL)
    assert verdict.message == "torchvision 0.20.0 requires torch==2.5.0, and torch 2.6.0 is installed."
    assert (verdict.expected, verdict.found) == ("torch==2.5.0", "torch 2.6.0")
    assert verdict.evidence[0].what == "Requires-Dist: torch==2.5.0"


def test_a_requirement_between_others_warns_and_with_a_stated_package_fails() -> None:
    rows = seen(dist("app", "1.0", "requests>=2.30"), dist("requests", "2.20"))
    verdict = only(judge("DIST303", rows), Outcome.WARN)
    assert verdict.message == "app 1.0 requires requests>=2.30, and requests 2.20 is installed."
    only(judge("DIST303", rows, {"app": "1.0"}), Outcome.FAIL)


def test_a_requirement_that_is_not_installed() -> None:
    rows = seen(dist("torch", "2.5.0", "nvidia-cudnn-cu12==9.1.0.70; platform_system == 'Linux'"))
    verdict = only(judge("DIST303", rows), Outcome.FAIL)
    assert verdict.message == "torch 2.5.0 requires nvidia-cudnn-cu12==9.1.0.70, which is not installed."


def test_a_requirement_that_cannot_be_read_is_said_and_not_passed() -> None:
    verdict = only(judge("DIST303", seen(dist("old", "1", "what>=>1"))), Outcome.SKIP)
    assert verdict.message == "1 requirements cannot be read: old: what>=>1."


def test_a_prerelease_meets_a_requirement() -> None:
    rows = seen(dist("torch", "2.6.0a0+git1"), dist("vision", "1", "torch>=2.5"))
    only(judge("DIST303", rows), Outcome.PASS)


def test_a_distribution_that_does_not_accept_this_python_warns() -> None:
    rows = seen(dist("new", "1.0", requires_python=">=3.12"), dist("odd", "1", requires_python="three"))
    verdict = only(judge("DIST304", rows), Outcome.WARN)
    assert verdict.message == "Python 3.11.7 is not accepted by new 1.0 (>=3.12)."
    fine = seen(dist("new", "1.0", requires_python=">=3.9"), dist("silent", "1"))
    assert only(judge("DIST304", fine), Outcome.PASS).message == (
        "every installed distribution accepts Python 3.11.7."
    )


def shared(path: str, *owners: str, on_disk: list[str] | None) -> dict[str, Any]:
    return {"path": path, "location": SITE, "owners": list(owners), "on_disk": on_disk}


def test_a_native_library_over_another_s_fails_and_says_whose_it_is() -> None:
    row = shared("cumm/core_cc.so", "cumm-cu118", "cumm-cu124", on_disk=["cumm-cu118"])
    verdict = only(judge("DIST305", seen(), recorded_files=recorded(shared_files=[row])), Outcome.FAIL)
    assert verdict.message == "cumm-cu118 and cumm-cu124 both bring 1 file; what lies there is cumm-cu118's."
    assert verdict.evidence[0].what == f"{SITE}/cumm/core_cc.so"
    assert verdict.hint == "uninstall cumm-cu118 and cumm-cu124, then install the one that is meant"


def test_python_code_over_a_stated_package_s_fails_and_over_another_s_warns() -> None:
    row = shared("torchvision/ops.py", "evil", "torchvision", on_disk=["evil"])
    only(
        judge("DIST305", seen(), {"torchvision": "0.20.0"}, recorded_files=recorded(shared_files=[row])),
        Outcome.FAIL,
    )
    only(judge("DIST305", seen(), recorded_files=recorded(shared_files=[row])), Outcome.WARN)
    kept = row | {"on_disk": ["torchvision"]}
    only(
        judge("DIST305", seen(), {"torchvision": "0.20.0"}, recorded_files=recorded(shared_files=[kept])),
        Outcome.WARN,
    )


def test_two_flavours_of_opencv_warn() -> None:
    row = shared("cv2/cv2.abi3.so", "opencv-python", "opencv-python-headless", on_disk=["opencv-python"])
    only(judge("DIST305", seen(), recorded_files=recorded(shared_files=[row])), Outcome.WARN)


def test_content_that_was_not_compared_warns_and_content_of_neither_fails() -> None:
    row = shared("a/b.so.2", "a", "b", on_disk=None)
    verdict = only(judge("DIST305", seen(), recorded_files=recorded(shared_files=[row])), Outcome.WARN)
    assert verdict.message == "a and b both bring 1 file; it is not known whose content."
    verdict = only(
        judge("DIST305", seen(), recorded_files=recorded(shared_files=[row | {"on_disk": []}])), Outcome.FAIL
    )
    assert verdict.message == "a and b both bring 1 file; what lies there is neither's."


@pytest.mark.parametrize("path", ["tests/__init__.py", "LICENSE", "share/doc/readme.md"])
def test_shared_files_that_nobody_imports_pass(path: str) -> None:
    verdict = only(
        judge(
            "DIST305", seen(), recorded_files=recorded(shared_files=[shared(path, "a", "b", on_disk=["a"])])
        ),
        Outcome.PASS,
    )
    assert verdict.message == "no code of one distribution lies over another's."


def test_two_sets_of_metadata_fail_for_torch_and_warn_for_others() -> None:
    row = {"name": "torch", "location": SITE, "metadata": ["torch-2.4.0.dist-info", "torch-2.5.0.dist-info"]}
    verdict = only(judge("DIST306", seen(duplicates=[row])), Outcome.FAIL)
    assert verdict.message == "torch has 2 sets of metadata: torch-2.4.0.dist-info, torch-2.5.0.dist-info."
    only(judge("DIST306", seen(duplicates=[row | {"name": "rich"}])), Outcome.WARN)
    only(judge("DIST306", seen(duplicates=[row | {"name": "rich"}]), {"rich": "13"}), Outcome.FAIL)
    assert only(judge("DIST306", seen()), Outcome.PASS).message == (
        "no distribution has two sets of metadata in one folder."
    )


def test_files_that_are_gone_warn_unless_conda_installed_them() -> None:
    row = {"name": "cumm", "location": SITE, "missing": 2, "resized": 1, "examples": ["cumm/include/all.h"]}
    verdict = only(
        judge("DIST307", seen(dist("cumm", "1")), recorded_files=recorded(changed_files=[row])), Outcome.WARN
    )
    assert verdict.message == "cumm does not lie there as it was installed: 2 missing and 1 resized."
    assert verdict.evidence[0].what == f"{SITE}/cumm/include/all.h"
    nameless = judge("DIST307", seen(), recorded_files=recorded(changed_files=[row]))
    assert only(nameless, Outcome.WARN).message == verdict.message
    by_conda = seen(dist("cumm", "1", installer="conda"))
    verdicts = judge("DIST307", by_conda, recorded_files=recorded(changed_files=[row]))
    expected = "every recorded file of code and every METADATA is there in its recorded size."
    assert only(verdicts, Outcome.PASS).message == expected


def test_metadata_that_states_nothing_fails_and_reads_as_no_pass_elsewhere() -> None:
    rows = seen(dist("torch", "2.5.0"), dist("goodpkg", "1.0", complete=False))
    verdict = only(judge("DIST308", rows), Outcome.FAIL)
    assert verdict.message == "goodpkg has METADATA that does not state its name and version."
    assert only(judge("DIST303", rows), Outcome.SKIP).message == (
        "what goodpkg requires is not known: its METADATA is not complete."
    )
    assert only(judge("DIST304", rows), Outcome.SKIP).message == (
        "which Python goodpkg accepts is not known: its METADATA is not complete."
    )


def test_a_folder_that_an_uninstallation_left_is_a_warning_unless_the_stack_names_it() -> None:
    rows = seen(dist("goodpkg", "1.0", complete=False, tags=[], installer=None))
    only(judge("DIST308", rows), Outcome.WARN)
    only(judge("DIST308", rows, {"goodpkg": "1.0"}), Outcome.FAIL)


def test_complete_metadata_passes() -> None:
    verdict = only(judge("DIST308", seen(dist("torch", "2.5.0"))), Outcome.PASS)
    assert verdict.message == "the METADATA of all 1 distributions is complete."
