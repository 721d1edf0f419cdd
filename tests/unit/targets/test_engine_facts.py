"""What the engines decide without touching anything: owners, names, GPUs, options, fingerprints, images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck.images.dockerfile import make_recipe
from stackcheck.images.dockersteps import bases
from stackcheck.intake.stack import Stack
from stackcheck.model.facts import Missing
from stackcheck.model.image import ImageFacts, parse_image
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Outcome
from stackcheck.rules.image.bytes import base_has_the_python_of_the_stack
from stackcheck.rules.registry import Finding
from stackcheck.targets import BuildOptions, Target
from stackcheck.targets.build_secrets import logins, render_netrc
from stackcheck.targets.containers import fingerprint
from stackcheck.targets.containers.agent_container import container_arguments
from stackcheck.targets.containers.build_request import BuildRequest
from stackcheck.targets.containers.build_tool import arguments, proxy_arguments
from stackcheck.targets.containers.gpus import HostDevices, look_at_host, request_gpus
from stackcheck.targets.containers.images import mirrored
from stackcheck.targets.containers.own_dockerfile import own_build
from stackcheck.targets.containers.tier_images import image_tag
from stackcheck.targets.process.process_identity import NOBODY, Owner, is_gone, parse_owner

if TYPE_CHECKING:
    from collections.abc import Callable

ME = Owner("boot1", "4026", 100, "555")
DAY = 24 * 3600.0
SIX = LockedPackage(
    "six", Version("1.0"), "six-1.0-py3-none-any.whl", "https://pypi.example.com/six.whl", sha256="a" * 64
)


def lock(*packages: LockedPackage) -> Resolution:
    return Resolution(packages, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


def running(processes: dict[int, str]) -> Callable[[int], str | None]:
    def started(pid: int) -> str | None:
        return processes.get(pid)

    return started


class TestOwner:
    def test_it_survives_being_written_down(self) -> None:
        assert parse_owner(str(ME)) == ME
        assert parse_owner("somebody") is None
        assert parse_owner("a.b.c.d") is None

    def test_a_live_process_keeps_what_it_owns(self) -> None:
        assert not is_gone(ME, ME, 10 * DAY, running({100: "555"}))

    def test_a_dead_process_does_not(self) -> None:
        assert is_gone(ME, ME, 0, running({}))

    def test_another_process_under_the_same_number_does_not(self) -> None:
        assert is_gone(ME, ME, 0, running({100: "777"}))

    def test_what_is_nobodys_stays(self) -> None:
        assert not is_gone(parse_owner(NOBODY), ME, 10 * DAY, running({}))

    @pytest.mark.parametrize("owner", [Owner("boot2", "4026", 1, "1"), Owner("boot1", "9", 1, "1")])
    def test_what_cannot_be_told_counts_as_alive_for_a_day(self, owner: Owner) -> None:
        assert not is_gone(owner, ME, DAY - 1, running({}))
        assert is_gone(owner, ME, DAY + 1, running({}))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.11-slim", "m.example.com/hub/library/python:3.11-slim"),
        ("nvidia/cuda:12.4.1-base", "m.example.com/hub/nvidia/cuda:12.4.1-base"),
        ("docker.io/nvidia/cuda:12", "m.example.com/hub/nvidia/cuda:12"),
        ("nvcr.io/nvidia/pytorch:24.10-py3", "nvcr.io/nvidia/pytorch:24.10-py3"),
        ("localhost/python:1", "localhost/python:1"),
        ("host:5000/python", "host:5000/python"),
    ],
)
def test_a_mirror_stands_for_docker_hub_and_for_nothing_else(reference: str, expected: str) -> None:
    assert mirrored(reference, "m.example.com/hub/") == expected
    assert mirrored(reference, "") == reference


CDI = {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}


class TestGpus:
    NVIDIA = HostDevices(nvidia=True)
    AMD = HostDevices(kfd=True, dri=True, groups=(44, 992))

    def test_nvidia_is_a_device_request(self) -> None:
        asked = request_gpus("auto", "cuda", {}, self.NVIDIA)
        assert asked.asked == ("nvidia:all",)
        assert [dict(each) for each in asked.arguments["device_requests"]] == [
            {"Driver": "nvidia", "Count": -1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}
        ]

    def test_named_gpus_are_asked_for_by_name(self) -> None:
        asked = request_gpus(("0", "GPU-5"), "cuda", {}, HostDevices())
        (request,) = asked.arguments["device_requests"]
        assert (request["Count"], request["DeviceIDs"]) == (0, ["0", "GPU-5"])

    def test_cdi_where_the_engine_found_its_devices(self) -> None:
        asked = request_gpus("auto", "cuda", CDI, HostDevices())
        (request,) = asked.arguments["device_requests"]
        assert (request["Driver"], request["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=all"])
        assert request_gpus(("1",), "cuda", CDI, HostDevices()).asked == ("nvidia.com/gpu=1",)

    def test_amd_is_device_nodes_and_numeric_groups(self) -> None:
        asked = request_gpus("auto", "rocm", {}, self.AMD)
        assert asked.arguments == {
            "devices": ["/dev/kfd:/dev/kfd:rwm", "/dev/dri:/dev/dri:rwm"],
            "group_add": ["44", "992"],
        }

    @pytest.mark.parametrize(
        ("wanted", "accelerator", "note"),
        [
            ("none", "cuda", "no GPU was asked for (--gpus none)"),
            ("auto", "cpu", "the stack is for the CPU"),
            ("auto", "cuda", "there is no /dev/nvidiactl on this machine: no NVIDIA GPU, or no driver"),
            ("auto", None, "there is no /dev/nvidiactl on this machine: no NVIDIA GPU, or no driver"),
            ("auto", "rocm", "there is no /dev/kfd on this machine: no AMD GPU, or no amdgpu driver"),
        ],
    )
    def test_asking_for_nothing_has_a_reason(self, wanted: Any, accelerator: str | None, note: str) -> None:
        asked = request_gpus(wanted, accelerator, {}, HostDevices())
        assert (asked.note, asked.arguments) == (note, {})

    def test_the_host_is_read_from_its_device_nodes(self, tmp_path: Path) -> None:
        assert look_at_host(tmp_path) == HostDevices()
        (tmp_path / "dri").mkdir()
        for name in ("nvidiactl", "kfd", "dri/renderD128"):
            (tmp_path / name).touch()
        group = (tmp_path / "kfd").stat().st_gid
        assert look_at_host(tmp_path) == HostDevices(nvidia=True, kfd=True, dri=True, groups=(group,))


class TestFingerprint:
    def recipe(self, *, env: str = "1", base: str = "b:1") -> Any:
        return make_recipe(Stack(id="s", env={"A": env}), lock(SIX), base)

    def test_the_same_inputs_give_the_same_one(self) -> None:
        first = fingerprint.of_recipe(self.recipe(), ["id1"], "linux/amd64")
        assert first == fingerprint.of_recipe(self.recipe(), ["id1"], "linux/amd64")

    def test_environment_base_image_and_platform_are_part_of_it(self) -> None:
        ones = [
            fingerprint.of_recipe(self.recipe(), ["id1"], "linux/amd64"),
            fingerprint.of_recipe(self.recipe(env="2"), ["id1"], "linux/amd64"),
            fingerprint.of_recipe(self.recipe(), ["id2"], "linux/amd64"),
            fingerprint.of_recipe(self.recipe(), ["id1"], "linux/arm64"),
        ]
        assert len(set(ones)) == len(ones)

    def test_a_context_counts_with_names_contents_modes_and_what_dockerignore_leaves(
        self, tmp_path: Path
    ) -> None:
        dockerfile = tmp_path / "Dockerfile"
        dockerfile.write_text("FROM x")
        (tmp_path / ".dockerignore").write_text("# left out\nskip\n")

        def now(below: str = "id", target: str | None = None, **arguments: str) -> str:
            image = {"dockerfile": "Dockerfile", "target": target}
            stack = Stack.model_validate({"id": "s", "file": str(tmp_path / "s.toml"), "image": image})
            return own_build(stack, BuildOptions(build_args=arguments, environ={})).tier.fingerprint(below)

        seen = [now()]
        (tmp_path / "a").write_text("1")
        seen.append(now())
        (tmp_path / "a").write_text("2")
        seen.append(now())
        (tmp_path / "a").chmod(0o755)
        seen.append(now())
        assert len(set(seen)) == 4
        (tmp_path / "skip").write_text("ignored")
        assert now() == seen[-1]
        assert len({seen[-1], now(target="stage"), now(A="1"), now("other")}) == 4

    def test_bases_are_the_images_of_from_lines_and_not_the_stages(self) -> None:
        text = "ARG V=1\nFROM --platform=linux/amd64 gcc:12 AS Build\nfrom debian:12\nFROM build\nFROM x:$V\nFROM y:$W\nFROM scratch"
        assert bases(text) == ("gcc:12", "debian:12", "x:1")


def test_the_options_of_docker_build() -> None:
    order = BuildRequest(
        what="building s", folder=Path("/c"), dockerfile=Path("/c/Dockerfile"), tag="stackcheck/s:1",
        labels={"l": "v"}, target="run", build_args={"https_proxy": "http://u:pw@p", "A": "1"},
        secrets={"token": Path("/t")}, platform="linux/amd64", network="host", no_cache=True,
    )  # fmt: skip
    assert arguments(order) == [
        "--file", "/c/Dockerfile", "--tag", "stackcheck/s:1", "--label=l=v",
        "--build-arg=https_proxy", "--build-arg=A=1", "--secret=id=token,src=/t", "--target=run",
        "--platform=linux/amd64", "--network=host", "--no-cache", "/c",
    ]  # fmt: skip
    environ = {"HTTPS_PROXY": "http://p", "no_proxy": "x", "HTTP_PROXY": "", "PATH": "/bin"}
    assert proxy_arguments(environ) == {"HTTPS_PROXY": "http://p", "no_proxy": "x"}


def test_an_image_name_has_only_what_a_name_may_have() -> None:
    assert (
        image_tag("Cuda124-torch2.5_py311-", "0123456789abcdef")
        == "stackcheck/cuda124-torch2-5-py311:0123456789ab"
    )


def test_the_container_of_the_probes_can_do_nothing_else() -> None:
    target = Target("docker", "image", "n:1", "sha256:1", ("/opt/venv/bin/python",), Missing("x"))
    made = container_arguments(target, 10 << 30)
    assert made["image"] == "sha256:1"
    assert made["entrypoint"] == ["/opt/venv/bin/python", "/stackcheck/agent.pyz", "--bound"]
    assert (made["network_mode"], made["cap_drop"], made["read_only"]) == ("none", ["ALL"], True)
    assert made["security_opt"] == ["no-new-privileges"]
    assert made["pids_limit"] == 4096
    assert made["mem_limit"] == made["memswap_limit"] == 8 << 30
    assert list(made["labels"]) == ["stackcheck.owner"]
    assert "size=2g" in made["tmpfs"]["/tmp"]


class TestLogins:
    def found(self, environ: dict[str, str], **fields: Any) -> dict[str, tuple[str, str]]:
        stack = Stack.model_validate({"id": "s", "python": "3.11", "packages": {"six": "1.0"}, **fields})
        return dict(logins(stack, lock(SIX), {"HOME": "/nonexistent", **environ}))

    def test_of_an_index_in_the_environment(self) -> None:
        url = "https://me:p%40ss@pypi.example.com/simple"
        assert self.found({"PIP_EXTRA_INDEX_URL": f"https://a:b@other.example.com {url}"}) == {
            "pypi.example.com": ("me", "p@ss")
        }
        assert self.found({"UV_INDEX": f"corp={url}"}) == {"pypi.example.com": ("me", "p@ss")}

    def test_by_the_name_of_the_index(self) -> None:
        fields = {"index": {"extra": ["https://pypi.example.com/simple"]}}
        name = "UV_INDEX_HTTPS_PYPI_EXAMPLE_COM__SIMPLE"
        environ = {f"{name}_USERNAME": "me", f"{name}_PASSWORD": "word"}
        assert self.found(environ, **fields) == {"pypi.example.com": ("me", "word")}

    def test_of_the_netrc_file_and_for_no_other_host(self, tmp_path: Path) -> None:
        path = tmp_path / "netrc"
        path.write_text(
            "machine pypi.example.com login me password w\nmachine x.example.com login a password b\n"
        )
        assert self.found({"NETRC": str(path)}) == {"pypi.example.com": ("me", "w")}

    def test_they_are_written_so_that_pythons_netrc_reads_them(self, tmp_path: Path) -> None:
        import netrc  # noqa: PLC0415 - the reader that pip uses

        known = {
            "a.example.com": ("me", "plain"),
            "b.example.com": ("__token__", 'with "quote" \\ and # blank'),
        }
        path = tmp_path / "netrc"
        path.write_text(render_netrc(known))
        assert netrc.netrc(str(path)).hosts == {
            host: (user, "", word) for host, (user, word) in known.items()
        }


INSPECTED = {
    "Id": "sha256:1", "RepoTags": ["a:1"], "RepoDigests": None, "Os": "linux", "Architecture": "amd64",
    "Created": "2026-11-20T10:00:00Z", "Size": 5, "RootFS": {"Layers": ["sha256:2"]},
    "Config": {"Labels": None, "Env": ["PATH=/bin", "A=b=c"], "Entrypoint": None, "Cmd": ["sh"], "User": ""},
}  # fmt: skip


def test_an_image_is_read_as_the_engine_describes_it() -> None:
    facts = parse_image(INSPECTED, base="debian:12", python="3.11.2")
    assert facts == ImageFacts(
        id="sha256:1", tags=("a:1",), os="linux", architecture="amd64", created="2026-11-20T10:00:00Z",
        size_bytes=5, layers=("sha256:2",), env={"PATH": "/bin", "A": "b=c"}, cmd=("sh",),
        base="debian:12", python="3.11.2",
    )  # fmt: skip
    assert parse_image({"Id": "x"}) == ImageFacts(id="x")


class TestImage301:
    def judge(self, stated: str | None, **fields: Any) -> Finding | None:
        found = base_has_the_python_of_the_stack(Stack(id="s", python=stated), ImageFacts(id="i", **fields))
        assert found is None or isinstance(found, Finding)
        return found

    def test_another_python_fails(self) -> None:
        found = self.judge("3.11", base="ubuntu:22.04", base_python="3.10.12")
        assert found is not None
        assert found.outcome is Outcome.FAIL
        assert found.message == "ubuntu:22.04 has Python 3.10.12, and the stack is for Python 3.11"
        assert found.hint == 'take a base with Python 3.11, or state python = "3.10"'
        assert (found.expected, found.found) == ("3.11", "3.10.12")

    def test_the_same_minor_version_passes(self) -> None:
        found = self.judge("3.11.9", tags=("mine:1",), python="3.11.2")
        assert found is not None
        assert (found.outcome, found.message) == (Outcome.PASS, "mine:1 has Python 3.11.2")

    def test_no_answer_is_a_skip_and_nothing_stated_is_no_verdict(self) -> None:
        found = self.judge("3.11")
        assert found is not None
        assert found.outcome is Outcome.SKIP
        assert found.message == "no Python answered in i, so its version is not known"
        assert self.judge(None, python="3.11.2") is None
