"""What the start of a container says of AMD machines: nodes, groups, and overrides right, missing, harmful."""

from __future__ import annotations

from stackcheck_probes.judging import rocmfit
from tests.unit.probes.start_facts import rocm

ALL = {"all": {"value": "10.3.0", "gfx": "gfx1030"}}


def gpu(gfx: str) -> list[dict[str, object]]:
    return [{"node": "1", "gfx": gfx, "link_flags": []}]


def only(found: list[tuple[str, str, str, str]]) -> tuple[str, str, str, str]:
    assert len(found) == 1, found
    return found[0]


def test_a_gpu_with_code_says_nothing() -> None:
    assert rocm("gfx1030", "gfx90a:xnack-") == []
    assert rocm("gfx90a:xnack-", gpus=gpu("gfx90a")) == []


def test_no_kfd() -> None:
    assert only(rocm("gfx1030", kfd={"path": "/dev/kfd", "exists": False})) == (
        "FAIL",
        "no-gpu",
        "no AMD GPU is here: /dev/kfd does not exist.",
        "docker run --device=/dev/kfd --device=/dev/dri (STACKCHECK_CPU=allow to run on the CPU)",
    )


def test_the_group_of_kfd() -> None:
    kfd = {"path": "/dev/kfd", "exists": True, "accessible": False, "gid": 992, "mode": "660"}
    assert only(rocm("gfx1030", kfd=kfd)) == (
        "FAIL",
        "rocm",
        "/dev/kfd cannot be opened: it belongs to group 992 (mode 660), and user 1000 is in 109, 1000",
        "docker run --group-add=992 (by number: the name may mean another group)",
    )


def test_an_override_that_is_missing() -> None:
    assert only(rocm("gfx1030", gpus=gpu("gfx1031"))) == (
        "FAIL",
        "gpu-code",
        "torch: there is no code for gfx1031: the first kernel ends in 'invalid device function'",
        "docker run -e HSA_OVERRIDE_GFX_VERSION=10.3.0",
    )
    assert only(rocm("gfx1030", gpus=gpu("gfx803")))[3] == "build for gfx803 (PYTORCH_ROCM_ARCH=gfx803)"


def test_an_override_that_is_right() -> None:
    assert rocm("gfx1030", gpus=gpu("gfx1031"), override=ALL) == []
    other = {"all": {"value": "10.3.1", "gfx": "gfx1031"}}
    assert only(rocm("gfx1031", gpus=gpu("gfx1030"), override=other))[0] == "WARN"
    assert only(rocm("gfx1030", gpus=gpu("gfx1099"), override=ALL))[:3] == (
        "WARN",
        "gpu-code",
        "torch: gfx1099 runs code for gfx1030 by HSA_OVERRIDE_GFX_VERSION, which AMD does not support",
    )


def test_an_override_forced_on_a_part_that_is_served_natively() -> None:
    assert only(rocm("gfx1030", "gfx1031", gpus=gpu("gfx1031"), override=ALL)) == (
        "WARN",
        "gpu-code",
        "torch: HSA_OVERRIDE_GFX_VERSION makes gfx1031 pass for gfx1030, and is not needed: there is code for gfx1031",
        "unset HSA_OVERRIDE_GFX_VERSION: the kernels made for gfx1031 are then used",
    )


def test_an_override_that_does_harm() -> None:
    assert only(rocm("gfx1030", "gfx1100", gpus=gpu("gfx1100"), override=ALL))[:3] == (
        "FAIL",
        "gpu-code",
        "torch: HSA_OVERRIDE_GFX_VERSION makes gfx1100 pass for gfx1030, another instruction set",
    )
    assert only(rocm("gfx1031", gpus=gpu("gfx1032"), override=ALL))[2] == (
        "torch: there is no code for gfx1030, which gfx1032 passes for by HSA_OVERRIDE_GFX_VERSION: "
        "the first kernel ends in 'invalid device function'"
    )


def test_an_override_that_the_runtime_refuses() -> None:
    refused = {"all": {"value": "gfx1030", "gfx": None}}
    assert only(rocm("gfx1030", override=refused))[:3] == (
        "FAIL",
        "rocm",
        "HSA_OVERRIDE_GFX_VERSION=gfx1030 is not MAJOR.MINOR.STEPPING: the runtime will find no GPU",
    )


def test_what_cannot_be_compared_is_told() -> None:
    assert only(rocm("gfx1030", gpus=[]))[2] == (
        "the kernel driver lists no GPU, so no code was held against one"
    )
    assert only(rocm())[2] == (
        "no library was seen to have code for AMD GPUs, so gfx1030 was not held against any"
    )


def test_an_override_to_another_family_passes_only_where_it_is_known_to_have_run() -> None:
    targets = frozenset({"gfx1030"})
    assert rocmfit.serves("gfx1010", "gfx1030", targets, {}).outcome == "FAIL"
    assert rocmfit.serves("gfx1010", "gfx1030", targets, {"gfx1010": "10.3.0"}).outcome == "PASS"
