"""Bake a real image, and start it: healthy, with each fault, as PID 1, read-only, as nobody, on the CPU."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.guard import baking
from stackcheck.intake.stack import Stack
from stackcheck.steps.options import Options
from tests.docker import starting
from tests.docker.starting import DRIVER, DRIVERS, SITE, Starter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from stackcheck.guard import baked_image as engine_baking

pytestmark = pytest.mark.docker

STACK = Stack(
    id="start",
    accelerator="cuda",
    gpus=("L4", "H100"),
    env={"FLAG": "on"},
    packages={"torch": "2.5.0+cu124", "cumm-cu124": "0.7.11"},
)


LIBRARY = "torch/lib/libtorch_cuda.so"
NO_GPU = "no GPU is here: no device node of NVIDIA's driver"


def quiet(_line: str) -> None:
    return None


@pytest.fixture(scope="module")
def plain(client: docker.DockerClient, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the image that is baked; it and its children go when the module is done."""
    tag = starting.fresh_tag()
    files = starting.stack_files(starting.fake_nvml(tmp_path_factory.mktemp("nvml")))
    yield starting.build(client, base, files, starting.CONFIG, tag)
    for name in list(starting.images_of(client, tag)):
        client.images.remove(name, force=True)


@pytest.fixture(scope="module")
def baked(plain: str, tmp_path_factory: pytest.TempPathFactory) -> engine_baking.Baked:
    return baking.bake(plain, STACK, baking.Wish(), Options(locks=tmp_path_factory.mktemp("locks")), quiet)


@pytest.fixture
def starter(client: docker.DockerClient, baked: engine_baking.Baked) -> Iterator[Starter]:
    made = Starter(client, baked.name)
    yield made
    made.remove()


def fault(ended: starting.Ended) -> tuple[str, str, str]:
    """Return the only failure of a container that was refused, with nothing of the command's output."""
    assert (ended.code, ended.out, ended.answer) == (1, "", "misconfigured"), ended
    (found,) = [each for each in ended.causes if each[0] == "FAIL"]
    return found


def mounted(tmp_path: Path, content: bytes, place: str) -> dict[str, Any]:
    path = tmp_path / place.replace("/", "_")
    path.write_bytes(content)
    path.chmod(0o644)
    tmp_path.chmod(0o755)
    return {str(path): {"bind": f"/{place}", "mode": "ro"}}


class TestBaking:
    def test_what_was_there_is_kept(self, client: docker.DockerClient, baked: engine_baking.Baked) -> None:
        config = client.images.get(baked.name).attrs["Config"]
        assert config["Entrypoint"] == [
            "/usr/bin/python3", "-I", "-S", "-B", "/opt/stackcheck/stackcheck.pyz", "entrypoint", "--",
            "/usr/bin/env", "INNER=yes",
        ]  # fmt: skip
        assert config["Cmd"] == ["sh", "-c", "echo command $INNER"]
        assert (config["User"], config["WorkingDir"], config["StopSignal"]) == ("1234:1234", "/srv", "SIGINT")

    def test_without_a_gpu_it_says_what_was_not_checked(self, baked: engine_baking.Baked) -> None:
        assert baked.said["answer"] == "healthy"
        assert [each["kind"] for each in baked.said["causes"] if each["outcome"] == "SKIP"] == ["no-gpu"]

    def test_the_files_are_root_s_and_nobody_can_write_them(self, starter: Starter) -> None:
        ended = starter.run("sh", "-c", "stat -c '%n %u:%g %a' /opt/stackcheck/*")
        assert ended.out.splitlines() == [
            "/opt/stackcheck/expectation.json 0:0 444",
            "/opt/stackcheck/stackcheck.pyz 0:0 444",
        ]

    def test_baking_twice_replaces_and_nests_nothing(
        self, client: docker.DockerClient, baked: engine_baking.Baked, tmp_path: Path
    ) -> None:
        before = client.images.get(baked.name).attrs
        again = baking.bake(baked.name, STACK, baking.Wish(), Options(locks=tmp_path), quiet)
        after = client.images.get(again.name).attrs
        assert again.name == baked.name
        assert after["Config"]["Entrypoint"] == before["Config"]["Entrypoint"]
        assert len(after["RootFS"]["Layers"]) == len(before["RootFS"]["Layers"])
        assert again.onto == baked.onto
        if before["Id"] != after["Id"]:
            client.images.remove(before["Id"])  # it has no name any more, by which the module would find it

    def test_a_layer_of_the_user_s_on_top_is_kept_when_baked_again(
        self, client: docker.DockerClient, baked: engine_baking.Baked, tmp_path: Path
    ) -> None:
        tag = baked.name.rpartition(":")[2]
        child = starting.build(client, baked.name, {"srv/mine": b""}, "", f"{tag}-child")
        again = baking.bake(child, STACK, baking.Wish(), Options(locks=tmp_path), quiet)
        assert again.entrypoint == baked.entrypoint
        starter = Starter(client, again.name)
        try:
            assert starter.run("ls", "/srv").out == "mine\n"
        finally:
            starter.remove()

    def test_a_shell_form_and_no_command_are_kept(
        self, client: docker.DockerClient, plain: str, tmp_path: Path
    ) -> None:
        tag = plain.rpartition(":")[2]
        shell = starting.build(
            client, plain, {}, 'ENTRYPOINT echo "shell $FLAG" $0\nCMD []\n', f"{tag}-shell"
        )
        made = baking.bake(
            shell, STACK, baking.Wish(cpu="allow", healthcheck=True), Options(locks=tmp_path), quiet
        )
        starter = Starter(client, made.name)
        try:
            assert starter.run(gpus=None).out == "shell on /bin/sh\n"
        finally:
            starter.remove()
        config = client.images.get(made.name).attrs["Config"]
        assert config["Healthcheck"]["Test"] == ["CMD", *made.entrypoint[:5], "entrypoint", "--check"]

    def test_a_lock_that_the_image_does_not_hold_is_told(self, plain: str, tmp_path: Path) -> None:
        stack = STACK.model_copy(update={"id": "locked"})
        lock = tmp_path / "pylock.locked.toml"
        lock.write_text(
            'lock-version = "1.0"\ncreated-by = "stackcheck"\n'
            '[[packages]]\nname = "torch"\nversion = "2.6.0"\n'
            '[[packages.wheels]]\nurl = "https://example.org/torch-2.6.0-py3-none-any.whl"\n'
            f'hashes = {{ sha256 = "{"0" * 64}" }}\n'
            '[tool.stackcheck]\nstack = "locked"\nfingerprint = "0"\npython = "3.11"\n'
            'platform = "x86_64-manylinux_2_28"\nresolver = "uv 0.13"\n'
        )
        made = baking.bake(plain, stack, baking.Wish(tag=f"{plain}-locked"), Options(locks=tmp_path), quiet)
        assert made.said["exit_code"] == 1
        (found,) = [each["message"] for each in made.said["causes"] if each["outcome"] == "FAIL"]
        assert found == "torch 2.6.0 is expected, and 2.5.0+cu124 is installed"


class TestHealthy:
    def test_the_command_of_the_image_runs(self, starter: Starter) -> None:
        ended = starter.run()
        assert (ended.code, ended.out, ended.answer, ended.causes) == (0, "command yes\n", "healthy", [])

    def test_another_command_its_exit_code_and_environment(self, starter: Starter) -> None:
        ended = starter.run("sh", "-c", "echo $$; pwd; env | grep -c ^LC_; exit 41")
        assert (ended.code, ended.out) == (41, "1\n/srv\n0\n")

    def test_nothing_is_written_and_nothing_is_left_running(self, starter: Starter) -> None:
        ended = starter.run(
            "sh", "-c", "ls /proc | grep '^[0-9]' | tr '\\n' ' '; cat /proc/1/status | grep SigIgn"
        )
        numbers, _, ignored = ended.out.partition("SigIgn:")
        assert len(numbers.split()) <= 4  # sh and the three of the pipe: not the child that checked
        assert "2" not in numbers.split()[:1]
        assert int(ignored, 16) == 0
        assert [path for path in ended.changes if not path.startswith(("/dev", "/proc"))] == []

    def test_read_only_and_as_nobody(self, starter: Starter) -> None:
        ended = starter.run(
            read_only=True, user="65534:65534", cap_drop=["ALL"], security_opt=["no-new-privileges"]
        )
        assert (ended.code, ended.out) == (0, "command yes\n")

    @pytest.mark.parametrize("policy", ["enforce", "warn", "off"])
    def test_it_is_pid_1_and_gets_signals(self, starter: Starter, policy: str) -> None:
        script = (
            "import os, signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(33))\n"
            "print(os.getpid(), flush=True)\ntime.sleep(60)\n"
        )
        container = starter.create("python3", "-c", script, environment={"STACKCHECK_POLICY": policy})
        container.start()
        starting.say_until(container, "1\n")
        container.kill("SIGTERM")
        assert starter.end(container).code == 33

    def test_a_signal_while_it_checks_ends_it_at_once(self, starter: Starter) -> None:
        container = starter.create(fake="mode=hang", environment={"STACKCHECK_TIMEOUT": "30"})
        container.start()
        time.sleep(1.0)
        asked = time.monotonic()
        container.kill("SIGTERM")
        assert starter.end(container).code == 128 + 15
        assert time.monotonic() - asked < 5

    def test_a_mig_device_and_a_second_gpu_of_the_same_kind(self, starter: Starter) -> None:
        assert starter.run(gpus="NVIDIA H100 80GB HBM3:9.0:mig1").causes == []
        assert starter.run(gpus="NVIDIA L4:8.9,NVIDIA L4:8.9").causes == []

    def test_a_gpu_that_the_stack_does_not_name_and_that_is_served(self, starter: Starter) -> None:
        ended = starter.run(gpus="NVIDIA A10:8.6")
        text = "NVIDIA A10 (8.6) is not one of the GPUs that the stack states (L4 (8.9), H100 (9.0))"
        assert ended.code == 0
        assert ended.causes == [
            (
                "SKIP",
                "gpu-code",
                f"{text}; the libraries have code for it",
            )
        ]


class TestFaults:
    def test_a_gpu_without_code(self, starter: Starter) -> None:
        assert fault(starter.run(gpus="Tesla T4:7.5")) == (
            "FAIL", "gpu-code",
            f"Tesla T4 (7.5): {LIBRARY} has no code for it: no image for 7.5; it holds sm_86 sm_90",
        )  # fmt: skip

    def test_a_weaker_second_gpu_and_how_to_hide_it(self, starter: Starter) -> None:
        both = "NVIDIA L4:8.9,Tesla T4:7.5"
        found = fault(starter.run(gpus=both))
        assert found[2].startswith("GPU 1, Tesla T4 (7.5): torch/lib/libtorch_cuda.so has no code for it")
        hidden = {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        assert starter.run(gpus=both, environment=hidden).causes == []
        by_uuid = {"CUDA_VISIBLE_DEVICES": "GPU-1"}
        assert starter.run(gpus=both, environment=by_uuid).causes == []
        unsure = starter.run(gpus=both, environment={"CUDA_VISIBLE_DEVICES": "0"})
        assert [each[:2] for each in unsure.causes] == [("WARN", "gpu-code")]
        assert unsure.code == 0

    def test_no_gpu_and_the_cpu_allowed(self, starter: Starter) -> None:
        assert fault(starter.run(gpus=None)) == (
            "FAIL",
            "no-gpu",
            f"{NO_GPU}.",
        )
        ended = starter.run(gpus=None, environment={"STACKCHECK_CPU": "allow"})
        assert (ended.code, ended.out) == (0, "command yes\n")
        assert ended.causes == [
            (
                "SKIP",
                "no-gpu",
                f"{NO_GPU}; nothing about GPUs was checked, the CPU is allowed.",
            )
        ]

    def test_an_old_driver(self, starter: Starter, tmp_path: Path) -> None:
        old = "470.82.01"
        volumes = mounted(tmp_path, starting.ELF, f"{DRIVERS}/libcuda.so.{old}")
        ended = starter.run(
            fake=f"driver={old};cuda=11040;gpus=NVIDIA L4:8.9",
            volumes=volumes,
            environment={"LD_LIBRARY_PATH": "/driver"},
        )
        text = f"CUDA 12.4 (torch 2.5.0+cu124) needs a driver >= 525.60.13, and this host has {old}"
        found = [each for each in ended.causes if each[1] == "driver-too-old"]
        assert found == [("FAIL", "driver-too-old", text)]
        assert ended.code == 1

    def test_libcuda_of_another_driver_is_803(self, starter: Starter) -> None:
        found = fault(starter.run(fake="driver=560.35.03;cuda=12060;gpus=NVIDIA L4:8.9"))
        assert found == (
            "FAIL",
            "driver",
            f"libcuda is of driver {DRIVER}, the kernel module of 560.35.03: error 803",
        )

    def test_compat_on_a_consumer_gpu_is_804(self, starter: Starter, tmp_path: Path) -> None:
        folder = tmp_path / "compat"
        folder.mkdir(mode=0o755)
        (folder / "libcuda.so.560.35.03").write_bytes(starting.ELF)
        (folder / "libcuda.so.1").symlink_to("libcuda.so.560.35.03")
        tmp_path.chmod(0o755)
        place = "/usr/local/cuda/compat"
        options: dict[str, Any] = {
            "volumes": {str(folder): {"bind": place, "mode": "ro"}},
            "environment": {"LD_LIBRARY_PATH": place},
        }
        found = fault(starter.run(gpus="NVIDIA GeForce RTX 4090:8.9", **options))
        assert (
            found[2] == "forward compatibility is used on NVIDIA GeForce RTX 4090, "
            "where it is not supported: error 804"
        )
        ended = starter.run(gpus="NVIDIA L4:8.9", **options)
        assert [each[0] for each in ended.causes] == ["WARN"]

    def test_a_stub(self, starter: Starter, tmp_path: Path) -> None:
        folder = tmp_path / "stubs"
        folder.mkdir(mode=0o755)
        (folder / "libcuda.so.1").write_bytes(b"")
        tmp_path.chmod(0o755)
        place = "/usr/local/cuda/lib64/stubs"
        options = {
            "volumes": {str(folder): {"bind": place, "mode": "ro"}},
            "environment": {"LD_LIBRARY_PATH": place},
        }
        assert (
            fault(starter.run(**options))[2]
            == f"the libcuda.so.1 that is found first is the toolkit's stub {place}/libcuda.so.1"
        )

    def test_a_management_library_of_another_driver(self, starter: Starter) -> None:
        found = fault(starter.run(fake="mode=mismatch"))
        assert found[2] == "NVML refuses to start: driver/library version mismatch"

    def test_mig_without_a_device(self, starter: Starter) -> None:
        found = fault(starter.run(gpus="NVIDIA H100 80GB HBM3:9.0:mig"))
        assert found[2] == "MIG is on for GPU 0, and no MIG device is visible here: CUDA sees no GPU"

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("3", "CUDA_VISIBLE_DEVICES='3' hides every device: it names 3, and there is 1 device."),
            ("", "CUDA_VISIBLE_DEVICES='' hides every device."),
            ("GPU-9", "CUDA_VISIBLE_DEVICES='GPU-9' hides every device: it names GPU-9, which is not here."),
        ],
    )
    def test_visible_devices(self, starter: Starter, value: str, message: str) -> None:
        assert fault(starter.run(environment={"CUDA_VISIBLE_DEVICES": value}))[2] == message

    def test_another_library_is_read_again_and_judged(self, starter: Starter, tmp_path: Path) -> None:
        other = (starting.DATA / "gpucode/sm_120.cubin").read_bytes()
        volumes = mounted(tmp_path, other, f"{SITE}/torch/lib/libtorch_cuda.so")
        found = fault(starter.run(volumes=volumes))
        assert found == (
            "FAIL", "gpu-code",
            f"NVIDIA L4 (8.9): {LIBRARY} has no code for it: no image for 8.9; it holds sm_120",
        )  # fmt: skip

    def test_a_library_that_is_cut_off(self, starter: Starter, tmp_path: Path) -> None:
        cut = (starting.DATA / "gpucode/rdc.so").read_bytes()[:40]
        ended = starter.run(volumes=mounted(tmp_path, cut, f"{SITE}/torch/lib/libtorch_cuda.so"))
        assert ended.code == 1
        assert (
            "FAIL",
            "libraries",
            "torch/lib/libtorch_cuda.so cannot be read: ELF header cut off after 40 bytes.",
        ) in ended.causes

    def test_a_torch_for_the_cpu_under_the_same_version(self, starter: Starter, tmp_path: Path) -> None:
        text = b"__version__ = '2.5.0+cu124'\ncuda = None\nhip = None\n"
        found = fault(starter.run(volumes=mounted(tmp_path, text, f"{SITE}/torch/version.py")))
        assert found == ("FAIL", "versions", "torch is expected with CUDA 12.4, and the files say none")

    def test_a_second_torch(self, starter: Starter, tmp_path: Path) -> None:
        volumes = mounted(tmp_path, b"", "srv/other/torch/__init__.py")
        found = fault(starter.run(volumes=volumes, environment={"PYTHONPATH": "/srv/other"}))
        assert found == (
            "FAIL",
            "two-torches",
            "there is a second torch: /srv/other/torch (PYTHONPATH) comes before the stack's",
        )

    def test_headers_that_are_overridden(self, starter: Starter) -> None:
        found = fault(starter.run(environment={"CUMM_INCLUDE_PATH": "/nowhere"}))
        assert found[1:] == (
            "headers", "cumm takes its headers from /nowhere (CUMM_INCLUDE_PATH), which has no tensorview",
        )  # fmt: skip

    def test_flags_and_shared_memory_are_told(self, starter: Starter) -> None:
        ended = starter.run(environment={"FLAG": "off"}, shm_size="64m")
        assert ended.code == 0
        assert [each[1:] for each in ended.causes] == [
            ("environment", "FLAG is 'off', and the stack states 'on'"),
            ("shared-memory", "/dev/shm has only 64 MiB: workers of a DataLoader die of `Bus error` there"),
        ]


class TestWhatCannotBeChecked:
    def test_a_library_of_the_driver_that_crashes(self, starter: Starter) -> None:
        ended = starter.run(fake="mode=crash")
        assert (ended.code, ended.out) == (3, "")
        assert ended.causes == [("ERROR", "devices", "NVML did not come back: it was ended by SIGSEGV")]

    def test_a_library_of_the_driver_that_hangs(self, starter: Starter) -> None:
        started = time.monotonic()
        ended = starter.run(fake="mode=hang", environment={"STACKCHECK_TIMEOUT": "0.5"})
        assert time.monotonic() - started < 15
        assert ended.code == 3
        assert ended.causes == [("ERROR", "devices", "NVML did not come back: no answer within 0.5 s")]

    @pytest.mark.parametrize(
        ("policy", "code", "out"),
        [("enforce", 3, ""), ("warn", 0, "command yes\n"), ("off", 0, "command yes\n")],
    )
    def test_a_broken_expectation_by_policy(
        self, starter: Starter, tmp_path: Path, policy: str, code: int, out: str
    ) -> None:
        volumes = mounted(tmp_path, b"{", "opt/stackcheck/expectation.json")
        ended = starter.run(volumes=volumes, environment={"STACKCHECK_POLICY": policy})
        assert (ended.code, ended.out) == (code, out)
        if policy == "off":
            assert ended.err == ""
        else:
            assert ended.causes[0][2].startswith(
                "the expectation /opt/stackcheck/expectation.json is not JSON: "
            )

    def test_a_gpu_that_nvml_does_not_name_is_known_by_the_kernel_module_or_not_checked(
        self, starter: Starter
    ) -> None:
        ended = starter.run(fake=f"driver={DRIVER};cuda=12040;gpus=")
        assert ended.code == 3
        assert ended.causes == [
            ("ERROR", "devices", "the GPUs were not checked: NVML says that there are none.")
        ]


def test_a_real_stack(client: docker.DockerClient, tmp_path: Path) -> None:
    found = client.images.list(filters={"label": "stackcheck.stack=cuda124-torch25-py311"})
    real = next((image for image in found if image.tags and image.labels.get("stackcheck.fingerprint")), None)
    if real is None:
        pytest.skip("the image of cuda124-torch25-py311 is not here: `stackcheck build` makes it")
    tag = f"{starting.REPOSITORY}:{starting.fresh_tag()}"
    made = baking.bake(real.tags[0], None, baking.Wish(tag=tag), Options(locks=tmp_path), quiet)
    starter = Starter(client, made.name)
    on_the_cpu: dict[str, Any] = {"gpus": None, "environment": {"STACKCHECK_CPU": "allow"}}
    try:
        ended = starter.run("python", "-c", "import torch; print(torch.__version__)", **on_the_cpu)
        assert (ended.code, ended.answer) == (0, "healthy")
        assert ended.out.startswith("2.5.0")
        assert json.loads(ended.err.splitlines()[0])["seconds"] < 0.5
        bare = starter.run("true", fake=f"driver={DRIVER};cuda=12040;gpus=NVIDIA L4:8.9")
        assert (bare.code, bare.answer) == (1, "misconfigured")  # a device node, and no driver library
        assert bare.causes[0][2] == (
            "the driver (version not known) is loaded, and no libcuda.so.1 can be found"
        )
    finally:
        starter.remove()
        client.images.remove(tag, force=True)
