"""Verdicts about system, environment, driver and AMD machine: literal facts in, verdict out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Missing
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules.driver import bytes as host_driver  # noqa: F401 - importing them registers the rules
from stackcheck.rules.machine import bytes as machine  # noqa: F401 - importing them registers the rules
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.rules.rocm import bytes as rocm_machine  # noqa: F401 - importing them registers the rules
from stackcheck.rules.variables import run as variables_run  # noqa: F401 - importing them registers the rules
from stackcheck_probes.judging.rocmfit import effective_gfx

CUDA = Stack(id="s", accelerator="cuda")
ROCM = Stack(id="s", accelerator="rocm", gpus=("gfx803",))
CPU = Stack(id="s", accelerator="cpu")
NO_STACK = Stack(id="s")


def judge(code: str, stack: Stack, **facts: Any) -> list[Verdict]:
    return judge_one(RULES[code], {**definition_facts(stack, knowledge.load()), **facts})


def only(verdicts: list[Verdict], outcome: Outcome) -> Verdict:
    assert [verdict.outcome for verdict in verdicts] == [outcome]
    return verdicts[0]


def libc(version: str | None, name: str | None = "glibc") -> dict[str, Any]:
    return {"libc": {"name": name, "version": version}}


def torch(version: str | None) -> dict[str, Any]:
    return {"torches": [{"version": version, "wins": True}]}


def test_a_glibc_older_than_torch_needs_fails() -> None:
    verdict = only(
        judge("SYSTEM301", CUDA, interpreter=torch("2.7.0+cu126"), system=libc("2.17")), Outcome.FAIL
    )
    assert verdict.message == "torch 2.7.0 needs glibc 2.28, and the system has 2.17."
    assert (verdict.expected, verdict.found) == (">=2.28", "2.17")
    assert "torch 2.7.0" in verdict.evidence[0].source


def test_a_glibc_that_is_new_enough_passes() -> None:
    verdict = only(
        judge("SYSTEM301", CUDA, interpreter=torch("2.5.0+cu124"), system=libc("2.36")), Outcome.PASS
    )
    assert verdict.message == "glibc 2.36 serves torch 2.5.0, which needs 2.17."


def test_glibc_two_nine_is_older_than_two_seventeen() -> None:
    only(judge("SYSTEM301", CUDA, interpreter=torch("2.5.0"), system=libc("2.9")), Outcome.FAIL)


def test_musl_fails_and_what_is_not_known_is_not_passed() -> None:
    verdict = only(
        judge("SYSTEM301", CUDA, interpreter=torch("2.5.0"), system=libc(None, "musl")), Outcome.FAIL
    )
    assert verdict.message == "the system's C library is musl, and there are no wheels of torch for musl."
    verdict = only(judge("SYSTEM301", CUDA, interpreter=torch("99.0"), system=libc("2.36")), Outcome.SKIP)
    assert verdict.message == "whether glibc is new enough was not checked: no data for torch 99.0."
    verdict = only(judge("SYSTEM301", CUDA, interpreter=torch("git"), system=libc("2.36")), Outcome.SKIP)
    assert verdict.message == "whether glibc is new enough was not checked: no data for torch git."
    verdict = only(
        judge("SYSTEM301", CUDA, interpreter=torch("2.5.0"), system=libc(None, None)), Outcome.SKIP
    )
    assert verdict.message == "whether glibc is new enough was not checked: no glibc version was seen."
    assert judge("SYSTEM301", CUDA, interpreter={"torches": []}, system=libc("2.36")) == []


def test_a_stated_torch_whose_interpreter_was_not_seen_is_a_skip() -> None:
    stack = Stack(id="s", packages={"torch": "2.5.0"})
    verdict = only(
        judge("SYSTEM301", stack, interpreter=Missing("not run."), system=libc("2.36")), Outcome.SKIP
    )
    assert verdict.message == "not run."


def test_a_glibc_older_than_the_stack_s_fails() -> None:
    stack = Stack(id="s", glibc="2.35")
    verdict = only(judge("SYSTEM302", stack, system=libc("2.31")), Outcome.FAIL)
    assert verdict.message == "the system's C library is 2.31, and the stack states glibc 2.35."
    assert only(judge("SYSTEM302", stack, system=libc(None, "musl")), Outcome.FAIL).found == "musl"


def test_the_stack_s_glibc_or_a_newer_one_passes() -> None:
    stack = Stack(id="s", glibc="2.35")
    verdict = only(judge("SYSTEM302", stack, system=libc("2.36")), Outcome.PASS)
    assert verdict.message == "glibc is 2.36, the stack states 2.35."
    only(judge("SYSTEM302", stack, system=libc(None, None)), Outcome.SKIP)
    assert judge("SYSTEM302", NO_STACK, system=libc("2.31")) == []


def shm(size: int | None) -> dict[str, Any]:
    return {"shm": {"path": "/dev/shm", "bytes": size, "error": "No such file or directory"}}


def test_docker_s_default_shared_memory_warns() -> None:
    verdict = only(judge("SYSTEM303", CUDA, system=shm(64 << 20)), Outcome.WARN)
    assert verdict.message == "/dev/shm has only 64 MiB: workers of a DataLoader die of `Bus error` there."
    assert verdict.hint == "docker run --shm-size=8g (or --ipc=host)"
    verdict = only(judge("SYSTEM303", CUDA, system=shm(None)), Outcome.WARN)
    assert verdict.message == (
        "/dev/shm is not there (No such file or directory): workers of a DataLoader need it."
    )


def test_large_shared_memory_passes_and_that_of_our_own_container_is_not_judged() -> None:
    verdict = only(judge("SYSTEM303", CUDA, system=shm(8 << 30), image=Missing("no image")), Outcome.PASS)
    assert verdict.message == "/dev/shm has 8192 MiB."
    assert judge("SYSTEM303", CUDA, system=shm(64 << 20), image=SimpleNamespace(id="sha256:1")) == []


IMAGE, VENV = SimpleNamespace(kind="image"), SimpleNamespace(kind="venv")


def environment(asked: str = "A B", **variables: str) -> dict[str, Any]:
    return {"variables": variables, "withheld": [], "asked": asked.split()}


def test_variables_as_stated_pass() -> None:
    stack = Stack(id="s", env={"A": "1", "B": "/x:$B"})
    facts = environment(A="1", B="/x:/y")
    verdict = only(judge("ENV301", stack, environment=facts, building=IMAGE), Outcome.PASS)
    assert verdict.message == "all 2 variables of the stack are set as stated."
    assert judge("ENV301", NO_STACK, environment=facts, building=IMAGE) == []


def test_variables_that_differ_fail_in_an_image_and_warn_elsewhere() -> None:
    stack = Stack(id="s", env={"A": "1", "B": "2"})
    verdicts = judge("ENV301", stack, environment=environment(A="0"), building=IMAGE)
    assert [(v.outcome, v.message) for v in verdicts] == [
        (Outcome.FAIL, "A is '0', and the stack states '1'."),
        (Outcome.FAIL, "B is not set, and the stack states '2'."),
    ]
    assert verdicts[1].hint == "set it by ENV B=... in the image, or by -e when it is run"
    outside = judge("ENV301", stack, environment=environment(A="0"), building=VENV)
    assert {verdict.outcome for verdict in outside} == {Outcome.WARN}


def test_a_secret_of_the_stack_is_neither_compared_nor_shown() -> None:
    stack = Stack(id="s", env={"HF_TOKEN": "hunter2", "A": "https://me:hunter2@host/"})
    facts = environment("A", A="https://***@other/")
    verdicts = judge("ENV301", stack, environment=facts, building=IMAGE)
    assert verdicts[0].message == "HF_TOKEN was not compared: a variable of that name may hold a secret."
    assert verdicts[1].message == "A is 'https://***@other/', and the stack states 'https://***@host/'."
    assert "hunter2" not in str(verdicts)


def loaded(version: str | None = "550.54.15", **more: Any) -> dict[str, Any]:
    row = {"path": "/usr/lib64/libcuda.so.1", "file": f"/usr/lib64/libcuda.so.{version}", "version": version}
    return row | {"via": "ld.so.cache", "stub": False, "compat": False} | more


def nodes(*names: str) -> list[dict[str, Any]]:
    return [{"path": f"/dev/{name}", "accessible": True} for name in names]


L4 = {
    "index": 0,
    "name": "NVIDIA L4",
    "capability": "8.9",
    "uuid": "GPU-8932f937-d72c",
    "mig_devices": ["MIG-1"],
}


def host(*libcuda: dict[str, Any], module: str | None = "550.54.15", **more: Any) -> dict[str, Any]:
    return {
        "kernel_module": {"version": module, "open": False} if module else None,
        "nvml": {"error": None, "code": 0, "driver": module, "devices": [L4]},
        "device_nodes": nodes("nvidia0", "nvidiactl", "nvidia-uvm") if module else [],
        "libcuda": list(libcuda),
        "stub_folders": [],
        "driver_packages": [],
        **more,
    }


def test_libcuda_of_the_kernel_module_s_driver_passes() -> None:
    verdict = only(judge("DRIVER301", CUDA, nvidia_driver=host(loaded())), Outcome.PASS)
    assert verdict.message == "libcuda and the kernel module are both 550.54.15."


def test_no_driver_is_a_skip_for_cuda_and_nothing_for_others() -> None:
    verdict = only(judge("DRIVER301", CUDA, nvidia_driver=host(module=None)), Outcome.SKIP)
    assert verdict.message == "no NVIDIA driver here: neither a kernel module nor a device node."
    assert judge("DRIVER301", NO_STACK, nvidia_driver=host(module=None)) == []
    assert judge("DRIVER301", CPU, nvidia_driver=host(loaded("535.1.2"))) == []


def test_libcuda_of_another_driver_fails() -> None:
    verdict = only(judge("DRIVER301", NO_STACK, nvidia_driver=host(loaded("535.129.03"))), Outcome.FAIL)
    assert verdict.message == "libcuda is of driver 535.129.03, the kernel module of 550.54.15: error 803."
    assert (verdict.expected, verdict.found) == ("550.54.15", "535.129.03")


def test_a_driver_without_libcuda_fails() -> None:
    verdict = only(judge("DRIVER301", CUDA, nvidia_driver=host()), Outcome.FAIL)
    assert verdict.message == "the driver 550.54.15 is loaded, and no libcuda.so.1 can be found."
    assert verdict.hint == "start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility"


def test_a_management_library_of_another_driver_fails() -> None:
    nvml = {"error": "driver/library version mismatch", "code": 18, "driver": None, "devices": []}
    verdict = only(judge("DRIVER301", CUDA, nvidia_driver=host(loaded(), nvml=nvml)), Outcome.FAIL)
    assert verdict.message == "NVML refuses to start: driver/library version mismatch."


def test_a_libcuda_without_a_version_is_not_compared() -> None:
    verdict = only(
        judge("DRIVER301", CUDA, nvidia_driver=host(loaded(None, file="/x/libcuda.so.1.1"))), Outcome.SKIP
    )
    assert (
        verdict.message
        == "libcuda and the kernel module were not compared: /x/libcuda.so.1.1 names no version."
    )


@pytest.mark.parametrize(
    ("version", "device", "outcome", "message"),
    [
        (
            "560.35.03",
            "NVIDIA H100",
            Outcome.WARN,
            "libcuda 560.35.03 of forward compatibility is used over the driver 550.54.15; "
            "that works on data centre GPUs only.",
        ),
        (
            "560.35.03",
            "NVIDIA GeForce RTX 4090",
            Outcome.FAIL,
            "forward compatibility is used on NVIDIA GeForce RTX 4090, where it is not supported: error 804.",
        ),
        (
            "535.54.03",
            "NVIDIA H100",
            Outcome.FAIL,
            "libcuda 535.54.03 of forward compatibility is older than the driver 550.54.15: error 803.",
        ),
    ],
)
def test_forward_compatibility(version: str, device: str, outcome: Outcome, message: str) -> None:
    row = loaded(version, compat=True, path="/usr/local/cuda/compat/libcuda.so.1")
    nvml = {"error": None, "code": 0, "devices": [{"name": device}, {"index": 1, "error": "GPU is lost"}]}
    verdict = only(judge("DRIVER301", CUDA, nvidia_driver=host(row, nvml=nvml)), outcome)
    assert verdict.message == message
    assert verdict.hint == "take /usr/local/cuda/compat off the library path"


@pytest.mark.parametrize(
    ("stated", "outcome"),
    [
        ("550.54.15", Outcome.PASS),
        ("==550.54.15", Outcome.PASS),
        (">=525.60.13", Outcome.PASS),
        (">=570.26", Outcome.FAIL),
        ("570.26", Outcome.FAIL),
        ("535.129.03", Outcome.WARN),
        ("<545", Outcome.FAIL),
        ("whatever", Outcome.SKIP),
    ],
)
def test_the_driver_against_the_stack_s(stated: str, outcome: Outcome) -> None:
    stack = Stack(id="s", driver=stated)
    verdict = only(judge("DRIVER302", stack, nvidia_driver=host(loaded())), outcome)
    messages = {
        Outcome.PASS: f"the driver is 550.54.15, within the stack's {stated}.",
        Outcome.SKIP: f"the driver 550.54.15 was not compared with {stated!r}: one of them is not a version.",
    }
    assert verdict.message == messages.get(outcome, f"the driver is 550.54.15, the stack states {stated}.")


def test_a_stated_driver_without_a_driver_here_is_a_skip() -> None:
    stack = Stack(id="s", driver=">=550")
    verdict = only(judge("DRIVER302", stack, nvidia_driver=host(module=None)), Outcome.SKIP)
    assert verdict.message == "the driver >=550 of the stack was not compared: no NVIDIA driver here."


def test_a_stub_that_is_found_first_fails_and_one_beside_warns() -> None:
    stub = loaded(None, stub=True, file="/usr/local/cuda/lib64/stubs/libcuda.so", via="LD_LIBRARY_PATH")
    verdict = only(judge("DRIVER303", CUDA, nvidia_driver=host(stub, loaded())), Outcome.FAIL)
    assert verdict.message == (
        "the libcuda.so.1 that is found first is the toolkit's stub /usr/local/cuda/lib64/stubs/libcuda.so."
    )
    folder = {"path": "/usr/local/cuda/lib64/stubs", "kind": "stubs", "via": "LD_LIBRARY_PATH"}
    beside = host(loaded(), stub_folders=[folder | {"libcuda": ["libcuda.so"]}])
    verdict = only(judge("DRIVER303", CUDA, nvidia_driver=beside), Outcome.WARN)
    assert verdict.message == (
        "/usr/local/cuda/lib64/stubs is on the library path (LD_LIBRARY_PATH) and holds the stub libcuda.so."
    )
    empty = host(loaded(), stub_folders=[folder | {"libcuda": []}])
    assert only(judge("DRIVER303", CUDA, nvidia_driver=empty), Outcome.PASS).message == (
        "no stub of libcuda is on the library path."
    )


INSIDE, OUTSIDE = {"container": "/.dockerenv"}, {"container": None}


def test_driver_packages_in_an_image_warn_and_the_compat_package_does_not() -> None:
    facts = host(loaded(), driver_packages=["cuda-compat-12-4", "libnvidia-compute-535"])
    verdict = only(judge("DRIVER304", CUDA, nvidia_driver=facts, system=INSIDE), Outcome.WARN)
    assert verdict.message == "the image brings driver libraries of its own: libnvidia-compute-535."
    compat = host(loaded(), driver_packages=["cuda-compat-12-4"])
    assert only(judge("DRIVER304", CUDA, nvidia_driver=compat, system=INSIDE), Outcome.PASS).message == (
        "no package of the image brings driver libraries."
    )
    assert judge("DRIVER304", CUDA, nvidia_driver=facts, system=OUTSIDE) == []


def test_nodes_that_cuda_needs_are_there_and_open() -> None:
    verdict = only(judge("DRIVER307", CUDA, nvidia_driver=host(loaded())), Outcome.PASS)
    assert verdict.message == "the device nodes that CUDA needs are there and open."
    without = host(loaded(), device_nodes=nodes("nvidia0", "nvidiactl"))
    verdict = only(judge("DRIVER307", CUDA, nvidia_driver=without), Outcome.FAIL)
    assert verdict.message == "there is no /dev/nvidia-uvm: nvidia-smi works and CUDA does not."
    shut = {"path": "/dev/nvidia0", "accessible": False, "error": "EPERM", "uid": 0, "gid": 0, "mode": "666"}
    lost = host(loaded(), device_nodes=[shut, *nodes("nvidiactl", "nvidia-uvm")], uid=0, groups=[0])
    verdict = only(judge("DRIVER307", CUDA, nvidia_driver=lost), Outcome.FAIL)
    assert "although the mode 666 grants it" in verdict.message
    other = {**shut, "path": "/dev/nvidia1"}
    shared = host(
        loaded(), device_nodes=[other, *nodes("nvidia0", "nvidiactl", "nvidia-uvm")], uid=0, groups=[0]
    )
    verdict = only(judge("DRIVER307", CUDA, nvidia_driver=shared), Outcome.SKIP)
    assert verdict.message.startswith("1 of 2 GPUs cannot be opened here and were left aside")
    assert judge("DRIVER307", CUDA, nvidia_driver=host(module=None)) == []


def test_gpus_that_answer_pass_and_lost_ones_fail() -> None:
    verdict = only(judge("DRIVER308", CUDA, nvidia_driver=host(loaded())), Outcome.PASS)
    assert verdict.message == "1 GPU(s) answer NVML."

    def with_devices(*devices: dict[str, Any]) -> dict[str, Any]:
        return host(loaded(), nvml={"error": None, "code": 0, "devices": list(devices)})

    lost = with_devices(L4, {"index": 1, "error": "GPU is lost", "code": 15})
    verdict = only(judge("DRIVER308", CUDA, nvidia_driver=lost), Outcome.FAIL)
    assert verdict.message == "GPU 1: GPU is lost."
    others = with_devices(L4, {"index": 1, "error": "no permission", "code": 4})
    only(judge("DRIVER308", CUDA, nvidia_driver=others), Outcome.PASS)
    waiting = with_devices({**L4, "fabric": 2})
    verdict = only(judge("DRIVER308", CUDA, nvidia_driver=waiting), Outcome.WARN)
    assert "CUDA may answer 802" in verdict.message
    only(judge("DRIVER308", CUDA, nvidia_driver=with_devices({**L4, "fabric": 3})), Outcome.PASS)


@pytest.mark.parametrize(
    ("variables", "outcome", "message"),
    [
        ({"ROCR_VISIBLE_DEVICES": "0"}, Outcome.PASS, "1 of 2 GPUs are visible."),
        ({"HIP_VISIBLE_DEVICES": "GPU-0000000000000007"}, Outcome.PASS, "1 of 2 GPUs are visible."),
        ({"HIP_VISIBLE_DEVICES": "0,1"}, Outcome.PASS, "2 of 2 GPUs are visible."),
        (
            {"ROCR_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "1"},
            Outcome.FAIL,
            "HIP_VISIBLE_DEVICES='1' hides every device: it names 1, and there is 1 device.",
        ),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, Outcome.FAIL, "CUDA_VISIBLE_DEVICES='-1' hides every device."),
    ],
)
def test_variables_that_hide_gpus_of_amd(variables: dict[str, str], outcome: Outcome, message: str) -> None:
    gpus = [{"node": "1", "gfx": "gfx1100", "uuid": "GPU-0000000000000007"},
            {"node": "2", "gfx": "gfx1100", "uuid": "GPU-0000000000000008"}]  # fmt: skip
    facts = amd(variables=variables, gpus=gpus)
    assert only(judge("ROCM305", ROCM, rocm_host=facts), outcome).message == message
    assert judge("ROCM305", ROCM, rocm_host=amd(gpus=gpus)) == []


def test_a_management_library_that_fails_is_no_library_that_is_absent() -> None:
    failing = host(loaded(), nvml={"error": "unknown error", "code": 999, "devices": []})
    verdict = only(judge("DRIVER301", CUDA, nvidia_driver=failing), Outcome.FAIL)
    assert verdict.message == "NVML refuses to start: unknown error."
    absent = {"error": "libnvidia-ml.so.1: cannot open", "code": 0, "absent": True, "devices": []}
    only(judge("DRIVER301", CUDA, nvidia_driver=host(loaded(), nvml=absent)), Outcome.PASS)


def test_a_container_without_the_compute_capability_fails() -> None:
    name = "NVIDIA_DRIVER_CAPABILITIES"
    facts = {"nvidia_driver": host(loaded()), "system": INSIDE}
    verdict = only(
        judge("DRIVER305", CUDA, environment=environment(**{name: "utility"}), **facts), Outcome.FAIL
    )
    assert verdict.message == f"{name}=utility leaves out compute: libcuda will not be mounted."
    for value in ("all", "compute,utility"):
        verdict = only(
            judge("DRIVER305", CUDA, environment=environment(**{name: value}), **facts), Outcome.PASS
        )
        assert verdict.message == f"{name}={value} holds compute."
    assert judge("DRIVER305", CUDA, environment=environment(), **facts) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2", "hides every device: it names 2, and there is 1 device."),
        ("0,1", "names 1, and there is 1 device: reading ends there, which leaves 1 of 1 devices."),
        ("-1", "hides every device."),
        ("", "hides every device."),
        ("0,0", "hides every device: it names 0 twice."),
        ("GPU-deadbeef", "hides every device: it names GPU-deadbeef, which is not here."),
    ],
)
def test_visible_devices_that_do_not_exist_fail(value: str, message: str) -> None:
    facts = {"nvidia_driver": host(loaded()), "environment": environment(CUDA_VISIBLE_DEVICES=value)}
    assert only(judge("DRIVER306", CUDA, **facts), Outcome.FAIL).message == (
        f"CUDA_VISIBLE_DEVICES={value!r} {message}"
    )


@pytest.mark.parametrize("value", ["0", "GPU-8932f937", "MIG-1", "0,-1"])
def test_visible_devices_that_exist_pass(value: str) -> None:
    facts = {"nvidia_driver": host(loaded()), "environment": environment(CUDA_VISIBLE_DEVICES=value)}
    verdict = only(judge("DRIVER306", CUDA, **facts), Outcome.PASS)
    assert verdict.message == f"CUDA_VISIBLE_DEVICES={value!r} names devices that exist."
    assert judge("DRIVER306", CUDA, nvidia_driver=host(loaded()), environment=environment()) == []


def amd(gfx: str | None = "gfx803", **more: Any) -> Any:
    return {
        "kfd": {"path": "/dev/kfd", "exists": True, "accessible": True, "gid": 992, "mode": "660"},
        "render_nodes": [{"path": "/dev/dri/renderD128", "exists": True, "accessible": True}],
        "uid": 1000,
        "groups": [100, 109],
        "gpus": [{"node": "1", "gfx": gfx}] if gfx else [],
        "override": {},
        "rocm": [],
        "kernel_files": [],
        "variables": {},
        **more,
    }


def test_a_kfd_that_cannot_be_opened_fails_with_the_group_by_number() -> None:
    facts = amd()
    facts["kfd"] = facts["kfd"] | {"accessible": False}
    verdict = only(judge("ROCM301", NO_STACK, rocm_host=facts), Outcome.FAIL)
    assert verdict.message == (
        "/dev/kfd cannot be opened: it belongs to group 992 (mode 660), and user 1000 is in 100, 109."
    )
    assert verdict.hint == "docker run --group-add=992 (by number: the name may mean another group)"


def test_nodes_that_can_be_opened_pass_and_without_kfd_it_is_a_skip() -> None:
    assert only(judge("ROCM301", ROCM, rocm_host=amd()), Outcome.PASS).message == (
        "/dev/kfd and 1 render nodes can be opened."
    )
    verdict = only(judge("ROCM301", ROCM, rocm_host=amd(render_nodes=[])), Outcome.FAIL)
    assert verdict.message == "there is no render node beside /dev/kfd: no process reaches a GPU."
    absent = amd(None, kfd={"path": "/dev/kfd", "exists": False})
    verdict = only(judge("ROCM301", ROCM, rocm_host=absent), Outcome.SKIP)
    assert verdict.message == "no AMD GPU here: /dev/kfd does not exist."
    assert judge("ROCM301", NO_STACK, rocm_host=absent) == []
    assert judge("ROCM301", CUDA, rocm_host=amd()) == []


@pytest.mark.parametrize(
    ("real", "value", "claimed", "outcome", "message"),
    [
        ("gfx803", "8.0.3", "gfx803", Outcome.PASS, " states what the GPU is, gfx803."),
        (
            "gfx1031",
            "10.3.0",
            "gfx1030",
            Outcome.WARN,
            " makes gfx1031 run code for gfx1030, which AMD does not support.",
        ),
        (
            "gfx803",
            "gfx803",
            None,
            Outcome.FAIL,
            "=gfx803 is not MAJOR.MINOR.STEPPING: the runtime will find no GPU.",
        ),
        (None, "8.0.3", "gfx803", Outcome.SKIP, " claims gfx803; no AMD GPU is here to compare it with."),
    ],
)
def test_the_override(
    real: str | None, value: str, claimed: str | None, outcome: Outcome, message: str
) -> None:
    facts = amd(real, override={"all": {"value": value, "gfx": claimed}})
    assert (
        only(judge("ROCM302", ROCM, rocm_host=facts), outcome).message == f"HSA_OVERRIDE_GFX_VERSION{message}"
    )
    assert judge("ROCM302", ROCM, rocm_host=amd(real)) == []


def test_an_override_of_one_node_wins_for_it() -> None:
    override = {"all": {"value": "x", "gfx": "gfx1030"}, "1": {"value": "y", "gfx": "gfx1100"}}
    facts = amd("gfx1101", override=override)
    facts["gpus"].append({"node": "2", "gfx": "gfx1031"})
    assert effective_gfx(facts) == {"1": "gfx1100", "2": "gfx1030"}


def files(library: str, path: str = "/opt/rocm/lib", **counts: int) -> dict[str, Any]:
    return {"path": f"{path}/{library}/library", "library": library, "gfx": counts}


def test_rocblas_without_the_gfx_fails_and_with_it_passes() -> None:
    facts = amd(kernel_files=[files("rocblas", gfx90a=12, gfx1100=8)])
    verdict = only(judge("ROCM303", ROCM, rocm_host=facts), Outcome.FAIL)
    assert verdict.message == "rocBLAS has no files for gfx803: the first matrix product will fail."
    assert (verdict.expected, verdict.found) == ("gfx803", "gfx1100, gfx90a")
    rebuilt = amd(kernel_files=[files("rocblas", gfx803=20)])
    assert only(judge("ROCM303", ROCM, rocm_host=rebuilt), Outcome.PASS).message == (
        "rocBLAS has 20 files for gfx803."
    )


def test_the_stack_s_gpus_are_asked_for_where_there_is_no_gpu() -> None:
    facts = amd(None, kernel_files=[files("rocblas", gfx90a=12)])
    assert only(judge("ROCM303", ROCM, rocm_host=facts), Outcome.FAIL).expected == "gfx803"


def test_two_copies_of_rocblas_of_which_one_has_the_gfx_warn() -> None:
    both = [files("rocblas", gfx803=20), files("rocblas", "/site/torch/lib", gfx90a=1)]
    verdict = only(judge("ROCM303", ROCM, rocm_host=amd(kernel_files=both)), Outcome.WARN)
    assert verdict.message == (
        "/site/torch/lib/rocblas/library has no files for gfx803, while /opt/rocm/lib/rocblas/library has."
    )


def test_rocblas_that_was_not_seen_is_a_skip() -> None:
    verdict = only(judge("ROCM303", ROCM, rocm_host=amd()), Outcome.SKIP)
    assert verdict.message == "the kernels of rocBLAS were not checked: no rocBLAS was found."
    facts = amd(None, kernel_files=[files("rocblas", gfx90a=1)])
    verdict = only(judge("ROCM303", NO_STACK, rocm_host=facts), Outcome.SKIP)
    assert verdict.message == (
        "the kernels of rocBLAS were not checked: neither this machine nor the stack names a gfx."
    )


def test_hipblaslt_that_torch_may_prefer_without_kernels_warns() -> None:
    facts = amd(kernel_files=[files("hipblaslt", gfx90a=3)])
    verdict = only(judge("ROCM304", ROCM, rocm_host=facts), Outcome.WARN)
    assert verdict.message == "hipBLASLt has no kernels for gfx803, and torch may prefer it."
    told = facts | {"variables": {"TORCH_BLAS_PREFER_HIPBLASLT": "0"}}
    assert only(judge("ROCM304", ROCM, rocm_host=told), Outcome.PASS).message == (
        "hipBLASLt has no kernels for gfx803, and torch is told not to prefer it."
    )
    has = amd("gfx90a", kernel_files=[files("hipblaslt", gfx90a=3)])
    assert (
        only(judge("ROCM304", ROCM, rocm_host=has), Outcome.PASS).message
        == "hipBLASLt has kernels for gfx90a."
    )
    assert judge("ROCM304", ROCM, rocm_host=amd()) == []
