"""Wheel files that a stack names by address: their names say where they install."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines, verdicts

AT = "https://example.org/"
CP310 = "flash_attn-2.7.4-cp310-cp310-linux_x86_64.whl"
NEW_GLIBC = "vllm-0.30.0+cpu-cp38-abi3-manylinux_2_39_x86_64.whl"
SEVERAL = "triton-3.2.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"


def named(file: str) -> str:
    return file.partition("-")[0].replace("_", "-")


def stated(file: str, **fields: Any) -> dict[str, Any]:
    return {"platform": "linux/amd64", "packages": {named(file): {"url": AT + file}}, **fields}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (stated(CP310, python="3.11"), "is for cp310-cp310, and the stack has Python 3.11"),
        (stated(CP310.replace("linux_x86_64", "win_amd64")), "is for windows/amd64, and the stack for linux/amd64"),
        (stated(NEW_GLIBC, os="Ubuntu 22.04"), "is for glibc 2.39 and later, and Ubuntu 22.04 has 2.35"),
        (stated(SEVERAL, glibc="2.17"), "is for glibc 2.27 and later, and the system has 2.17"),
        (stated("a-1-py3-none-manylinux2014_x86_64.whl", glibc="2.12"), "is for glibc 2.17 and later, and the system has 2.12"),
    ],
)  # fmt: skip
def test_a_file_for_another_place_is_refused(fields: dict[str, Any], said: str) -> None:
    (found,) = verdicts("WHEEL114", **fields)
    ((name, row),) = fields["packages"].items()
    file = row["url"].removeprefix(AT)
    assert (found.outcome.name, found.message) == ("FAIL", f"{file} {said}: an installer refuses it.")
    assert found.about == (name,)


@pytest.mark.parametrize(
    "fields",
    [
        stated(CP310, python="3.10"),
        stated(CP310),
        stated(NEW_GLIBC, python="3.13", os="Ubuntu 24.04"),
        stated(SEVERAL, python="3.11", glibc="2.27"),
        stated("a-1-py3-none-any.whl", python="3.13", glibc="2.17"),
        {
            "packages": {"flash-attn": {"url": AT + CP310.replace("linux_x86_64", "win_amd64")}},
            "python": "3.10",
        },
    ],
)
def test_a_file_that_fits_what_is_stated_passes(fields: dict[str, Any]) -> None:
    assert [line.partition(":")[0] for line in lines("WHEEL114", **fields)] == ["PASS"]


def test_what_is_no_wheel_file_is_not_judged() -> None:
    assert lines("WHEEL114", packages={"torch": "2.5.0", "own": {"url": AT + "own-1.tar.gz"}}) == []
