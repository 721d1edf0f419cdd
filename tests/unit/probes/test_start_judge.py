"""What the start of a container says of literal facts: every cause, and its twin that is silent."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck_probes.start import startjudge
from stackcheck_probes.start.causes import answer
from tests.unit.probes.start_facts import (
    DRIVER,
    EXPECTED,
    HEADERS,
    L4,
    RTX5090,
    SEEN,
    SITE,
    T4,
    V100,
    causes,
    changed,
)


def only(found: list[tuple[str, str, str, str]]) -> tuple[str, str, str, str]:
    assert len(found) == 1, found
    return found[0]


def test_what_fits_says_nothing_and_is_healthy() -> None:
    assert causes() == []
    assert answer(startjudge.judge(EXPECTED, SEEN)) == 0


class TestDriver:
    def test_no_gpu(self) -> None:
        nothing: dict[str, Any] = {
            "driver__device_nodes": [],
            "driver__nvml": None,
            "driver__kernel_module": None,
        }
        assert only(causes(**nothing)) == (
            "FAIL",
            "no-gpu",
            "no GPU is here: no device node of NVIDIA's driver.",
            "docker run --gpus all (compose: deploy.resources.reservations.devices with capabilities: [gpu]) "
            "(STACKCHECK_CPU=allow to run on the CPU)",
        )
        assert only(causes(cpu="allow", **nothing))[::2] == (
            "SKIP",
            "no GPU is here: no device node of NVIDIA's driver; nothing about GPUs was checked, the CPU is allowed.",
        )
        allowing = changed(EXPECTED, cpu="allow")
        assert only(causes(allowing, **nothing))[0] == "SKIP"
        assert only(causes(allowing, cpu="refuse", **nothing))[0] == "FAIL"

    def test_a_host_with_a_driver_and_a_container_without_a_gpu(self) -> None:
        assert only(causes(driver__device_nodes=[], driver__nvml=None))[2] == (
            "no GPU is here: no device node of NVIDIA's driver, although the host has driver 550.54.15: "
            "the container was started without a GPU."
        )

    def test_a_driver_below_the_floor(self) -> None:
        old = "driver__kernel_module"
        row = dict(DRIVER["libcuda"][0], version="470.82.01", file="/usr/lib64/libcuda.so.470.82.01")
        changes: dict[str, Any] = {old: {"version": "470.82.01", "open": False}, "driver__libcuda": [row]}
        found = causes(**changes)
        assert only(found) == (
            "FAIL",
            "driver-too-old",
            "CUDA 12.4 (torch 2.5.0+cu124) needs a driver >= 525.60.13, and this host has 470.82.01",
            "update the host's driver to 550.54.14 or later, or start an image for an older CUDA major version on this host",
        )

    def test_a_driver_above_the_floor_and_below_its_own_is_a_note(self) -> None:
        row = dict(DRIVER["libcuda"][0], version="535.129.03")
        module = {"version": "535.129.03", "open": False}
        found = causes(driver__kernel_module=module, driver__libcuda=[row], driver__nvml__cuda="12.2")
        assert only(found)[:3] == (
            "SKIP",
            "driver-too-old",
            "driver 535.129.03 runs CUDA 12.4 by minor-version compatibility: machine code runs, PTX of 12.4 does not "
            "(that needs 550.54.14)",
        )

    def test_minor_version_compatibility_does_not_carry_ptx(self) -> None:
        ptx = changed(EXPECTED, codes=[{"groups": [{"codes": ["compute_80:8.4"], "fatbins": 1}]}] * 3)
        row = dict(DRIVER["libcuda"][0], version="535.129.03")
        module = {"version": "535.129.03", "open": False}
        found = causes(ptx, driver__kernel_module=module, driver__libcuda=[row], driver__nvml__cuda="12.2")
        assert [each[:3] for each in found if each[0] == "FAIL"] == [
            (
                "FAIL",
                "gpu-code",
                f"NVIDIA L4 (8.9): {path} has no code for it: compute_80 needs a driver of CUDA 12.4, this one has 12.2",
            )
            for path in ("spconv/core_cc.so", "torch/lib/libtorch_cuda.so")
        ]
        assert [each[0] for each in causes(ptx)] == []

    def test_803_804_and_the_compat_that_is_right(self) -> None:
        other = dict(DRIVER["libcuda"][0], version="535.129.03")
        assert only(causes(driver__libcuda=[other]))[:3] == (
            "FAIL",
            "driver",
            "libcuda is of driver 535.129.03, the kernel module of 550.54.15: error 803",
        )
        compat = dict(
            DRIVER["libcuda"][0], version="560.35.03", compat=True, path="/usr/local/cuda/compat/libcuda.so.1"
        )
        consumer = dict(L4, name="NVIDIA GeForce RTX 4090")
        assert only(causes(driver__libcuda=[compat], driver__nvml__devices=[consumer]))[2:] == (
            "forward compatibility is used on NVIDIA GeForce RTX 4090, where it is not supported: error 804",
            "take /usr/local/cuda/compat off the library path",
        )
        assert only(causes(driver__libcuda=[compat]))[:2] == ("WARN", "driver")

    def test_forward_compatibility_lifts_the_floor(self) -> None:
        compat = dict(DRIVER["libcuda"][0], version="550.54.15", compat=True)
        found = causes(
            driver__kernel_module={"version": "470.82.01", "open": False}, driver__libcuda=[compat]
        )
        assert [each[:2] for each in found] == [("WARN", "driver")]

    def test_a_stub(self) -> None:
        stub = dict(
            DRIVER["libcuda"][0], stub=True, version=None, file="/usr/local/cuda/lib64/stubs/libcuda.so"
        )
        assert only(causes(driver__libcuda=[stub]))[:3] == (
            "FAIL",
            "driver",
            "the libcuda.so.1 that is found first is the toolkit's stub /usr/local/cuda/lib64/stubs/libcuda.so",
        )

    def test_no_libcuda_because_compute_was_not_asked_for(self) -> None:
        asked = {"FLAG": "on", "NVIDIA_DRIVER_CAPABILITIES": "utility"}
        assert only(causes(driver__libcuda=[], environ=asked))[2:] == (
            "NVIDIA_DRIVER_CAPABILITIES=utility leaves out compute: libcuda will not be mounted",
            "docker run -e NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        )
        assert (
            only(causes(driver__libcuda=[]))[2]
            == "the driver 550.54.15 is loaded, and no libcuda.so.1 can be found"
        )
        assert causes(environ=asked) == []  # the library came another way

    def test_nvml_of_another_driver(self) -> None:
        nvml = {"error": "driver/library version mismatch", "code": 18, "driver": None, "devices": []}
        assert only(causes(driver__nvml=nvml))[2] == "NVML refuses to start: driver/library version mismatch"

    def test_a_device_node_that_does_not_open(self) -> None:
        node = {
            "path": "/dev/nvidia0",
            "accessible": False,
            "error": "EACCES",
            "uid": 0,
            "gid": 44,
            "mode": "660",
        }
        assert only(causes(driver__device_nodes=[node])) == (
            "FAIL",
            "driver",
            "/dev/nvidia0 cannot be opened: it belongs to group 44 (mode 660), and user 1000 is in 1000",
            "docker run --group-add=44 (by number: the name may mean another group)",
        )
        granted = dict(node, error="EPERM", mode="666")
        found = only(causes(driver__device_nodes=[granted]))
        assert "although the mode 666 grants it" in found[2]
        assert found[3].startswith("restart the container")

    def test_a_driver_without_a_version(self) -> None:
        found = causes(driver__kernel_module={"version": None, "open": None}, driver__nvml__driver=None)
        assert (
            "SKIP",
            "driver-too-old",
            "the version of the driver is not known, so it was not held against CUDA 12.4",
            "",
        ) in found

    def test_a_driver_too_old_for_the_device_or_too_new(self) -> None:
        blackwell = changed(EXPECTED, codes=[{"groups": [{"codes": ["sm_120"], "fatbins": 1}]}] * 3, gpus=[])
        assert only(causes(blackwell, driver__nvml__devices=[RTX5090]))[:3] == (
            "FAIL",
            "driver-too-old",
            "NVIDIA GeForce RTX 5090 (12.0) needs a driver >= 570.26, and this host has 550.54.15",
        )
        row = dict(DRIVER["libcuda"][0], version="590.48.01")
        module = {"version": "590.48.01", "open": False}
        volta = changed(EXPECTED, codes=[{"groups": [{"codes": ["sm_70"], "fatbins": 1}]}] * 3, gpus=[])
        found = causes(
            volta, driver__kernel_module=module, driver__libcuda=[row], driver__nvml__devices=[V100]
        )
        assert only(found)[:3] == (
            "WARN",
            "driver-too-old",
            "R580 is the last driver branch for Tesla V100 (7.0), and this host has 590.48.01",
        )


class TestDevices:
    def test_a_gpu_without_code_in_its_own_libraries_fails_and_in_others_warns(self) -> None:
        found = causes(
            changed(EXPECTED, gpus=[]),
            driver__nvml__devices=[RTX5090],
            driver__nvml__cuda="12.8",
            **NEW_DRIVER,
        )
        assert [each[:2] for each in found] == [("FAIL", "gpu-code"), ("WARN", "gpu-code")]
        assert found[0][2:] == (
            "NVIDIA GeForce RTX 5090 (12.0): spconv/core_cc.so has no code for it: no image for 12.0; it holds sm_75 sm_86 sm_90",
            "run on a GPU that it was built for, or install a build of spconv for this one",
        )
        assert found[1][3] == "what this library of extra brings will not work there"

    def test_a_weaker_second_gpu(self) -> None:
        strong = changed(EXPECTED, codes=[{"groups": [{"codes": ["sm_89"], "fatbins": 1}]}] * 3)
        found = causes(strong, driver__nvml__devices=[L4, T4])
        assert found[0][:2] == ("FAIL", "gpu-code")
        assert found[0][2].startswith("GPU 1, Tesla T4 (7.5): spconv/core_cc.so has no code for it")
        assert found[0][3] == "hide this GPU with CUDA_VISIBLE_DEVICES, or install a build of spconv for it"
        hidden = {"FLAG": "on", "CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        assert causes(strong, driver__nvml__devices=[L4, T4], environ=hidden) == []

    def test_an_index_among_unlike_gpus_is_not_certain(self) -> None:
        strong = changed(EXPECTED, codes=[{"groups": [{"codes": ["sm_89"], "fatbins": 1}]}] * 3)
        unsure = {"FLAG": "on", "CUDA_VISIBLE_DEVICES": "0"}
        found = causes(strong, driver__nvml__devices=[L4, T4], environ=unsure)
        assert {each[0] for each in found} == {"WARN"}
        assert found[0][3] == (
            "set CUDA_DEVICE_ORDER=PCI_BUS_ID, so that it is known which GPU CUDA_VISIBLE_DEVICES names"
        )

    def test_a_gpu_that_is_not_named_and_served_is_a_note(self) -> None:
        assert only(causes(driver__nvml__devices=[T4]))[:3] == (
            "SKIP",
            "gpu-code",
            "Tesla T4 (7.5) is not one of the GPUs that the stack states (L4 (8.9)); the libraries have code for it",
        )

    def test_code_that_may_be_there_unseen_is_a_note(self) -> None:
        unseen = changed(EXPECTED)
        unseen["codes"][1] = {"unread": ["hidden code: fatbins in .rodata that no section lists; use --deep"]}
        assert only(causes(unseen))[:3] == (
            "SKIP",
            "gpu-code",
            "NVIDIA L4 (8.9): what was read of spconv/core_cc.so does not serve it, and more code may be there unseen",
        )

    def test_one_of_several_builds_that_serves_is_enough(self) -> None:
        rows = [["torch/cuda118.so", 1, 1, 0], ["torch/cuda124.so", 1, 1, 1]]
        codes = [{"groups": [{"codes": [name], "fatbins": 1}]} for name in ("sm_52", "sm_89")]
        assert causes(changed(EXPECTED, libraries=rows, codes=codes)) == []

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("2", "CUDA_VISIBLE_DEVICES='2' hides every device: it names 2, and there is 1 device."),
            ("", "CUDA_VISIBLE_DEVICES='' hides every device."),
            ("GPU-x", "CUDA_VISIBLE_DEVICES='GPU-x' hides every device: it names GPU-x, which is not here."),
        ],
    )
    def test_visible_devices(self, value: str, message: str) -> None:
        environ = {"FLAG": "on", "CUDA_VISIBLE_DEVICES": value}
        assert only(causes(environ=environ))[1:3] == ("devices", message)

    def test_mig(self) -> None:
        sliced = dict(L4, mig=True, mig_devices=["MIG-1"])
        assert causes(driver__nvml__devices=[sliced]) == []
        chosen = {"FLAG": "on", "CUDA_VISIBLE_DEVICES": "MIG-1"}
        assert causes(driver__nvml__devices=[sliced], environ=chosen) == []
        assert only(causes(driver__nvml__devices=[dict(L4, mig=True)]))[2] == (
            "MIG is on for GPU 0, and no MIG device is visible here: CUDA sees no GPU"
        )

    def test_a_lost_gpu_and_one_without_a_capability(self) -> None:
        lost = {"index": 1, "error": "GPU is lost"}
        found = causes(driver__nvml__devices=[L4, lost])
        assert only(found)[1:3] == ("devices", "GPU 1: GPU is lost.")
        unknown = dict(L4, capability=None)
        assert only(causes(driver__nvml__devices=[unknown]))[:3] == (
            "ERROR",
            "devices",
            "GPU 0 (NVIDIA L4): its compute capability is not known.",
        )

    def test_without_nvml_the_kernel_module_names_the_gpu(self) -> None:
        no_nvml = {
            "absent": True,
            "error": "libnvidia-ml.so.1: cannot open",
            "code": 0,
            "driver": None,
            "cuda": None,
            "devices": [],
        }
        named = [{"name": "NVIDIA L4", "uuid": "GPU-a"}]
        assert causes(driver__nvml=no_nvml, driver__named=named) == []
        assert only(causes(driver__nvml=no_nvml))[:3] == (
            "ERROR",
            "devices",
            "the GPUs were not checked: NVML says libnvidia-ml.so.1: cannot open.",
        )


NEW_DRIVER: dict[str, Any] = {
    "driver__kernel_module": {"version": "570.26", "open": True},
    "driver__libcuda": [dict(DRIVER["libcuda"][0], version="570.26")],
}


def test_another_interpreter_as_the_command_is_a_note() -> None:
    baked = changed(EXPECTED, python="/opt/venv/bin/python")
    assert only(causes(baked, starts="/mnt/venv/bin/python3")) == (
        "SKIP",
        "versions",
        "the command starts /mnt/venv/bin/python3, and what was checked are the packages of /opt/venv/bin/python: "
        "those of the other one were not.",
        "",
    )
    assert causes(baked, starts="/opt/venv/bin/python3.11") == []
    assert causes(baked, starts="") == []


class TestFiles:
    def test_another_version(self) -> None:
        metadata = {SITE: ["torch-2.6.0.dist-info", "spconv_cu124-2.3.8.dist-info"]}
        assert only(causes(metadata=metadata)) == (
            "FAIL",
            "versions",
            "torch 2.5.0+cu124 is expected, and 2.6.0 is installed",
            "pip install --force-reinstall --no-deps torch==2.5.0+cu124, or bake the image again",
        )

    def test_a_package_that_is_gone_or_there_twice(self) -> None:
        gone = {SITE: ["torch-2.5.0+cu124.dist-info"]}
        assert only(causes(metadata=gone))[2] == "spconv-cu124 2.3.8 is expected, and nothing is installed"
        twice = {SITE: [*SEEN["metadata"][SITE], "torch-2.6.0.dist-info"]}
        assert only(causes(metadata=twice))[2] == f"torch is installed twice: 2.5.0+cu124 and 2.6.0 in {SITE}"

    def test_a_folder_that_cannot_be_listed_is_not_called_good(self) -> None:
        assert only(causes(metadata={SITE: None}))[:3] == (
            "ERROR",
            "versions",
            f"{SITE} cannot be listed: what is installed was not checked",
        )

    def test_a_torch_for_the_cpu_under_the_same_version(self) -> None:
        assert only(causes(torch__cuda=None))[2] == "torch is expected with CUDA 12.4, and the files say none"
        assert only(causes(torch=None))[:2] == ("ERROR", "versions")

    @pytest.mark.parametrize(
        ("origin", "outcome", "message", "hint"),
        [
            (
                "PYTHONPATH",
                "FAIL",
                "there is a second torch: /x/torch (PYTHONPATH) comes before the stack's",
                "unset PYTHONPATH",
            ),
            (
                "user site",
                "FAIL",
                "there is a second torch: /x/torch (user site) comes before the stack's",
                "set PYTHONNOUSERSITE=1",
            ),
            (
                "working folder",
                "WARN",
                "there is a second torch: /x/torch (working folder); python -c and python -m take it",
                "start elsewhere",
            ),
        ],
    )
    def test_two_torches(self, origin: str, outcome: str, message: str, hint: str) -> None:
        found = causes(torches=[{"path": "/x/torch", "origin": origin}])
        assert only(found) == (outcome, "two-torches", message, hint)

    def test_a_library_that_is_gone(self) -> None:
        loading = LOADS
        found = causes(gone=[f"{SITE}/spconv/core_cc.so"], loading=loading)
        assert only(found)[:3] == ("FAIL", "libraries", "spconv/core_cc.so is gone")
        assert only(causes(gone=[f"{SITE}/extra/plugin.so"], loading=loading))[0] == "WARN"

    def test_what_was_broken_when_baked_is_told_until_something_is_read_again(self) -> None:
        words = [
            "libraries",
            "FAIL",
            "x.so cannot be loaded: libcudart.so.10.2 is not there.",
            "a",
            "b",
            "do it",
        ]
        broken = changed(EXPECTED, faults=[words])
        assert only(causes(broken)) == ("FAIL", "libraries", words[2], "do it")
        assert causes(broken, loading=LOADS) == []

    def test_a_wrong_libcudart_inside_an_extension(self) -> None:
        path = f"{SITE}/spconv/core_cc.so"
        missing = [
            {
                "library": path,
                "needs": "libcudart.so.10.2",
                "driver": False,
                "other_versions": ["libcudart.so.12"],
                "elsewhere": [],
            }
        ]
        fresh = {path: {"path": path, "groups": [{"codes": ["sm_89"], "fatbins": 1}]}}
        assert only(causes(changed=fresh, loading=changed(LOADS, missing=missing)))[2:] == (
            "spconv/core_cc.so cannot be loaded: libcudart.so.10.2 is not there; this tree has libcudart.so.12: it was made for another version.",
            "install the build of the package that was made for the CUDA of this stack",
        )

    def test_what_an_optional_library_misses_and_the_driver_are_left_aside(self) -> None:
        row: dict[str, Any] = {"other_versions": [], "elsewhere": []}
        missing = [
            {"library": f"{SITE}/optional/x.so", "needs": "libav.so", "driver": False, **row},
            {"library": f"{SITE}/torch/x.so", "needs": "libcuda.so.1", "driver": True, **row},
        ]
        assert causes(loading=changed(LOADS, missing=missing)) == []

    def test_versions_symbols_abi_shadows_and_damage_of_what_was_read_again(self) -> None:
        path = f"{SITE}/spconv/core_cc.so"
        loading = changed(
            LOADS,
            versions=[
                {
                    "library": path,
                    "needs": "libc.so.6",
                    "version": "GLIBC_2.38",
                    "in": "/lib/libc.so.6",
                    "newest": "GLIBC_2.36",
                }
            ],
            undefined=[{"library": path, "count": 2, "symbols": ["_ZN3c10x"], "demangled": ["c10::x"]}],
            abi={path: "new"},
            torch={"abi": "old", "c10": "c10", "libraries": []},
            shadowed=[
                {"library": path, "needs": "libx.so.1", "used": "/x/libx.so.1", "instead_of": "/y/libx.so.1"}
            ],
            unreadable=[{"path": f"{SITE}/torch/y.so", "error": "the file is cut off"}],
        )
        assert [each[2] for each in causes(loading=loading)] == [
            "spconv/core_cc.so cannot be loaded: it needs GLIBC_2.38, and /lib/libc.so.6 has GLIBC_2.36.",
            "spconv/core_cc.so cannot be loaded: torch 2.5.0+cu124 does not export c10::x and 1 more; "
            "it was built for another torch with the new C++11 ABI (torch here has the old one).",
            "spconv/core_cc.so uses the new C++11 ABI and torch the old one.",
            "torch/y.so cannot be read: the file is cut off.",
            "spconv/core_cc.so takes libx.so.1 from LD_LIBRARY_PATH, not from its own wheel.",
        ]

    def test_a_changed_library_is_judged_by_what_was_read(self) -> None:
        path = f"{SITE}/torch/lib/libtorch_cuda.so"
        other = {path: {"path": path, "groups": [{"codes": ["sm_52"], "fatbins": 1}]}}
        found = causes(changed=other, loading=LOADS)
        assert (
            only(found)[2]
            == "NVIDIA L4 (8.9): torch/lib/libtorch_cuda.so has no code for it: no image for 8.9; it holds sm_52"
        )
        broken = {path: {"path": path, "error": "ELF header cut off after 40 bytes"}}
        assert only(causes(changed=broken, loading=LOADS))[2] == (
            "torch/lib/libtorch_cuda.so cannot be read: ELF header cut off after 40 bytes."
        )


LOADS: dict[str, Any] = {
    "missing": [],
    "versions": [],
    "undefined": [],
    "abi": {},
    "torch": {"abi": "old", "c10": "c10", "libraries": []},
    "shadowed": [],
    "unreadable": [],
    "roots": ["/opt/venv/lib/python3.11/site-packages"],
}


class TestSurroundings:
    def test_flags(self) -> None:
        assert only(causes(environ={})) == (
            "FAIL",
            "environment",
            "FLAG is not set, and the stack states 'on'",
            "docker run -e FLAG=on",
        )
        assert only(causes(environ={"FLAG": "off"}))[:3] == (
            "WARN",
            "environment",
            "FLAG is 'off', and the stack states 'on'",
        )

    def test_variables_that_are_known_to_harm(self) -> None:
        assert only(causes(environ={"FLAG": "on", "BAD": "1"}))[:3] == (
            "FAIL",
            "environment",
            "BAD='1': it breaks",
        )
        assert causes(environ={"FLAG": "on", "BAD": "2"}) == []
        assert only(causes(environ={"FLAG": "on", "ODD": "2"}))[:3] == (
            "WARN",
            "environment",
            "ODD='2': it does nothing",
        )
        stated = changed(EXPECTED, env={"FLAG": "on", "BAD": "1"})
        assert causes(stated, environ={"FLAG": "on", "BAD": "1"}) == []

    def test_headers(self) -> None:
        gone = dict(HEADERS, all_h=False, exists=False, either_exists=False, own_all_h=False)
        assert only(causes(headers=gone))[1:] == (
            "headers",
            f"cumm's include directory {SITE}/cumm/include is gone, and tensorview/core/all.h with it: cumm does not even import",
            "reinstall cumm (pip install --force-reinstall --no-deps)",
        )
        stray = dict(HEADERS, stray=[f"{SITE}/setup.py"])
        assert only(causes(headers=stray))[2] == (
            f"{SITE}/setup.py: pccm takes cumm and spconv for editable installs and compiles at import"
        )
        assert causes(headers=None) == []

    def test_shared_memory(self) -> None:
        assert only(causes(shm__bytes=64 << 20)) == (
            "WARN",
            "shared-memory",
            "/dev/shm has only 64 MiB: workers of a DataLoader die of `Bus error` there",
            "docker run --shm-size=8g (or --ipc=host)",
        )
        assert causes(changed(EXPECTED, torch=None), shm__bytes=64 << 20, torch=None) == []
