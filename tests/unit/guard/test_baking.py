"""What baking makes of facts: the expectation, the Dockerfile, the command in front, the name of the result."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.guard import baking, expectation, startarchive
from stackcheck.guard.baked_image import render_dockerfile
from stackcheck.inspect.environments import UNSTATED
from stackcheck.intake.interpreter import Candidate
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import EngineError, ProbeError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.rules import load_all
from stackcheck_probes.start import expectation as reader

load_all()
SITE = "/venv/lib/python3.11/site-packages"
CUDA_SO, BNB = f"{SITE}/torch/lib/libtorch_cuda.so", f"{SITE}/bitsandbytes/libbitsandbytes_cuda124.so"
LOADING: dict[str, Any] = {
    "libraries": 2,
    "missing": [],
    "versions": [],
    "undefined": [],
    "abi": {},
    "torch": None,
    "shadowed": [],
    "unreadable": [],
    "roots": ["/opt/venv/lib/python3.11/site-packages"],
    "skipped": [],
    "sonames": ["libc.so.6", "libcuda.so.1"],
    "outside": {"libc.so.6": "/lib/libc.so.6", "libcuda.so.1": "/lib/libcuda.so.1"},
}
SEEN: dict[str, Any] = {
    "interpreter": {
        "executable": "/venv/bin/python",
        "path": [
            {"path": "/usr/lib/python3.11", "origin": "stdlib", "exists": True},
            {"path": SITE, "origin": "site-packages", "exists": True},
        ],
        "user_site": {"path": "/root/.local/lib/python3.11/site-packages", "enabled": True},
        "torches": [
            {"path": f"{SITE}/torch", "version": "2.5.0+cu124", "cuda": "12.4", "hip": None, "wins": True}
        ],
    },
    "distributions": {
        "distributions": [
            {
                "name": "torch",
                "version": "2.5.0+cu124",
                "metadata": "torch-2.5.0+cu124.dist-info",
                "location": SITE,
                "requires": [],
            },
            {
                "name": "bitsandbytes",
                "version": "0.50.2",
                "metadata": "bitsandbytes-0.50.2.dist-info",
                "location": SITE,
                "requires": [],
            },
        ]
    },
    "libraries": {
        "libraries": [
            {
                "path": BNB,
                "groups": [{"codes": ["sm_80"], "fatbins": 1}],
                "images": [{"code": "sm_80", "images": 1, "bytes": 5}],
            },
            {
                "path": CUDA_SO,
                "groups": [{"codes": ["sm_90"], "fatbins": 1}],
                "images": [{"code": "sm_90", "images": 1, "bytes": 9}],
            },
            {"path": f"{SITE}/torch/broken.so", "error": "cut off"},
        ]
    },
    "loading": LOADING,
    "stamps": {"stamps": {BNB: [5, 50], CUDA_SO: [9, 90], f"{SITE}/torch/plain.so": [1, 10]}},
    "cumm_files": {"headers": None},
}


def expected(stack: Stack = UNSTATED, locked: dict[str, str] | None = None, **seen: Any) -> dict[str, Any]:
    return expectation.expectation(stack, knowledge.load(), locked or {}, {**SEEN, **seen}, made="now")


def test_the_expectation_is_what_its_reader_takes() -> None:
    document = expected()
    assert reader.parse(expectation.render(document).decode()) == document | {
        "packages": [list(row) for row in document["packages"]]
    }
    assert {key for key, types in reader.SHAPE.items() if not isinstance(document[key], types)} == set()


def test_what_was_seen_is_what_is_expected() -> None:
    document = expected()
    assert (document["accelerator"], document["cpu"], document["python"]) == (
        "cuda",
        "refuse",
        "/venv/bin/python",
    )
    assert document["site"] == [SITE]
    assert document["user_site"] == "lib/python3.11/site-packages"
    assert document["packages"] == [
        ("bitsandbytes", "0.50.2", "bitsandbytes-0.50.2.dist-info", SITE),
        ("torch", "2.5.0+cu124", "torch-2.5.0+cu124.dist-info", SITE),
    ]
    assert document["libraries"] == [
        ["bitsandbytes/libbitsandbytes_cuda124.so", 5, 50, 0],
        ["torch/lib/libtorch_cuda.so", 9, 90, 1],
        ["torch/plain.so", 1, 10, -1],
    ]
    assert document["codes"][1] == {"groups": [{"codes": ["sm_90"], "fatbins": 1}]}
    assert document["outside"] == {"libc.so.6": "/lib/libc.so.6"}
    assert document["cuda"] == {
        "version": "12.4",
        "by": "torch 2.5.0+cu124",
        "floor": "525.60.13",
        "own": "550.54.14",
    }
    assert document["devices"]["least"]["12.0"] == "570.26"
    assert document["devices"]["last_branch"]["7.0"] == 580
    assert document["devices"]["products"]["l4"] == "8.9"
    assert document["overrides"]["gfx1031"] == "10.3.0"
    assert "BNB_CUDA_VERSION" in {row["name"] for row in document["variables"]}


def test_an_override_that_older_rocm_ran_with_is_expected_there_alone() -> None:
    table = knowledge.load().rocm
    assert table.known_to_run(Version("5.2"))["gfx1010"] == "10.3.0"
    assert "gfx1010" not in table.known_to_run(Version("5.3")) | table.known_to_run(None)


def test_the_lock_wins_over_what_is_installed() -> None:
    document = expected(locked={"torch": "2.6.0", "Bits.And-Bytes": "1", "bitsandbytes": "0.50.2"})
    assert document["packages"] == [
        ("bits-and-bytes", "1", "bits_and_bytes-1.dist-info", SITE),
        ("bitsandbytes", "0.50.2", "bitsandbytes-0.50.2.dist-info", SITE),
        ("torch", "2.6.0", "torch-2.6.0.dist-info", SITE),
    ]
    same = expected(locked={"torch": "2.5.0"})  # the lock of an index names no local version
    assert same["packages"] == [("torch", "2.5.0", "torch-2.5.0+cu124.dist-info", SITE)]


def test_what_the_stack_states_is_taken_along_and_no_secret() -> None:
    env = {"FLAG": "on", "HF_TOKEN": "hunter2", "PATH2": "$PATH:/x", "CUDA_VISIBLE_DEVICES": "0"}
    stack = Stack(id="s", accelerator="cuda", cuda="12.4", gpus=("L4",), env=env, packages={"mypkg": "1"})
    document = expected(stack)
    assert document["env"] == {"FLAG": "on"}
    assert "hunter2" not in expectation.render(document).decode()
    assert document["gpus"] == [{"name": "L4", "capability": "8.9", "gfx": None}]
    assert {"mypkg", "torch", "bitsandbytes"} <= set(document["own"])


def test_a_cpu_torch_does_not_lower_what_the_stack_claims() -> None:
    torch = dict(SEEN["interpreter"]["torches"][0], version="2.5.0", cuda=None)
    interpreter = dict(SEEN["interpreter"], torches=[torch])
    stack = Stack(id="s", accelerator="cuda", cuda="12.4")
    document = expected(stack, interpreter=interpreter)
    assert document["torch"]["cuda"] == "12.4"
    assert document["accelerator"] == "cuda"
    alone = expected(interpreter=interpreter)
    assert (alone["accelerator"], alone["cpu"], alone["torch"]["cuda"], alone["cuda"]) == (
        "cpu",
        "allow",
        None,
        None,
    )


NO_TORCH = dict(SEEN["interpreter"], torches=[])
CUDA_IMAGE = {
    "NVIDIA_VISIBLE_DEVICES": "all",
    "CUDA_VERSION": "12.4.1",
    "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64",
}


def baked_without(interpreter: Any, env: dict[str, str], stack: Stack = UNSTATED) -> dict[str, Any]:
    seen = {**SEEN, "interpreter": interpreter}
    return expectation.expectation(stack, knowledge.load(), {}, seen, made="now", image_env=env)


class TestTorchAndWhatAsksForGpus:
    def test_no_torch_where_gpus_are_asked_for_is_never_healthy(self) -> None:
        document = baked_without(NO_TORCH, CUDA_IMAGE)
        (note,) = document["notes"]
        assert note[:3] == [
            "versions",
            "ERROR",
            "no torch was found by /venv/bin/python, and GPUs are asked for (NVIDIA_VISIBLE_DEVICES=all): "
            "what computes there was not checked.",
        ]
        assert (document["accelerator"], document["cpu"]) == ("cuda", "refuse")
        assert (document["cuda"]["version"], document["cuda"]["by"]) == ("12.4", "the image")
        assert document["library_path"] == "/usr/local/nvidia/lib64"

    def test_a_stack_that_states_a_gpu_and_torch_wants_the_torch(self) -> None:
        stack = Stack(id="s", accelerator="cuda", packages={"torch": "2.5.0"})
        assert baked_without(NO_TORCH, {}, stack)["notes"][0][1] == "ERROR"
        other = Stack(id="s", accelerator="cuda", packages={"jax": "0.4.30"})
        assert baked_without(NO_TORCH, CUDA_IMAGE, other)["notes"] == []

    def test_an_image_that_asks_for_nothing_says_that_nothing_of_gpus_is_checked(self) -> None:
        for env in ({}, {"NVIDIA_VISIBLE_DEVICES": "void", "CUDA_VERSION": "12.4.1"}):
            document = baked_without(NO_TORCH, env)
            assert [row[1] for row in document["notes"]] == ["SKIP"]
            assert document["accelerator"] == "cpu"

    def test_a_torch_for_the_cpu_in_an_image_that_asks_for_gpus_warns(self) -> None:
        torch = dict(SEEN["interpreter"]["torches"][0], version="2.13.0+cpu", cuda=None)
        interpreter = dict(SEEN["interpreter"], torches=[torch])
        (note,) = baked_without(interpreter, CUDA_IMAGE)["notes"]
        assert note[1:3] == [
            "WARN",
            "torch 2.13.0+cpu is a build for the CPU, and the image asks for GPUs (NVIDIA_VISIBLE_DEVICES=all).",
        ]
        assert baked_without(interpreter, {})["notes"] == []

    def test_a_second_torch_of_the_image_is_told_at_every_start(self) -> None:
        first = {**SEEN["interpreter"]["torches"][0], "reachable": True, "source_tree": False, "compiled": True,
                 "origin": "pythonpath"}  # fmt: skip
        second = {**first, "path": "/usr/lib/python3/dist-packages/torch", "version": "2.4.0", "wins": False,
                  "origin": "site-packages"}  # fmt: skip
        interpreter = dict(SEEN["interpreter"], torches=[first, second])
        (note,) = baked_without(interpreter, CUDA_IMAGE)["notes"]
        assert note[:2] == ["two-torches", "FAIL"]
        assert "2 torches are reachable" in note[2]

    def test_torches_of_other_environments_are_named_where_the_one_that_was_asked_has_none(self) -> None:
        place = {
            "path": "/opt/venv/lib/python3.11/site-packages/torch",
            "version": "2.5.0",
            "python": "/opt/venv/bin/python",
        }
        seen = {"interpreter": NO_TORCH, "pythons": {"pythons": [], "conda": [], "torches": [place]}}
        assert baking.torches_elsewhere(seen) == [place]
        assert baking.torches_elsewhere({**seen, "interpreter": SEEN["interpreter"]}) == []
        assert baking.torches_elsewhere({**seen, "pythons": Missing("not run")}) == []
        text = baking.choice_of_pythons(Candidate("python3", "PATH"), [place])  # type: ignore[list-item]
        assert "/opt/venv/bin/python (/opt/venv/lib/python3.11/site-packages/torch, torch 2.5.0)" in text
        assert "--python PATH" in text


def test_what_does_not_load_is_a_fault_from_the_start() -> None:
    row = {
        "library": CUDA_SO,
        "needs": "libcudart.so.10.2",
        "driver": False,
        "other_versions": [],
        "elsewhere": [],
    }
    document = expected(loading=dict(LOADING, missing=[row]))
    assert document["faults"] == [
        [
            "libraries",
            "FAIL",
            "torch/lib/libtorch_cuda.so cannot be loaded: libcudart.so.10.2 is not there.",
            "libcudart.so.10.2",
            "nothing of that name",
            "install the package that brings it, or remove the one that needs it",
        ]
    ]


def test_an_image_that_was_not_seen_cannot_be_baked() -> None:
    with pytest.raises(ProbeError, match="the image cannot be baked: the probe stamps failed"):
        expected(stamps=Missing("the probe stamps failed"))


def test_the_archive_holds_what_the_entrypoint_needs_and_no_more() -> None:
    names = startarchive.modules()
    needed = {"start/entrypoint", "start/bounded", "start/startlook", "machine/nvml", "probes/loading"}
    needed.add("probes/distributions")  # a package may load the libraries of those that it requires
    assert {f"{name}.py" for name in needed} <= set(names)
    other = {"probes/torch_gpu", "isolation", "runners", "probes/torch_build", "watching/__init__"}
    assert not {f"{name}.py" for name in other} & set(names)
    assert {"__init__.py", "start/__init__.py"} <= set(names)
    with zipfile.ZipFile(BytesIO(startarchive.pack())) as archive:
        assert archive.namelist() == sorted(["__main__.py", *(f"stackcheck_probes/{name}" for name in names)])
    assert startarchive.pack() == startarchive.pack()


@pytest.mark.parametrize("inner", [(), ("/bin/sh", "-c", "echo $0"), ("/entry", "--flag", "--")])
def test_what_is_put_in_front_can_be_taken_off_again(inner: tuple[str, ...]) -> None:
    made = startarchive.command("/usr/bin/python3", inner)
    assert made[:8] == (
        "/usr/bin/python3", "-I", "-S", "-B", "/opt/stackcheck/stackcheck.pyz", "entrypoint", "--", *inner,
    )[:8]  # fmt: skip
    assert startarchive.inner_command(made) == inner
    assert startarchive.inner_command(inner) == inner


def test_the_dockerfile_states_the_command_again() -> None:
    config = {"Entrypoint": ["/entry", 'a "b"'], "Cmd": ["run"], "User": "1"}
    text = render_dockerfile("sha256:1", config, "/py", healthcheck=True)
    front = ["/py", "-I", "-S", "-B", "/opt/stackcheck/stackcheck.pyz", "entrypoint"]
    assert text.splitlines() == [
        "FROM sha256:1",
        "COPY start/ /opt/stackcheck/",
        "ENTRYPOINT " + json.dumps([*front, "--", "/entry", 'a "b"']),
        'CMD ["run"]',
        "HEALTHCHECK CMD " + json.dumps([*front, "--check"]),
    ]
    assert render_dockerfile("x", {}, "/py").splitlines()[-1] == "CMD []"


def test_inside_the_check_stands_between_the_entrypoint_and_the_command() -> None:
    config = {"Entrypoint": ["/entry"], "Cmd": ["python", "app.py"]}
    check = ["/py", "-I", "-S", "-B", "/opt/stackcheck/stackcheck.pyz", "entrypoint", "--"]
    assert render_dockerfile("x", config, "/py", inside=True).splitlines()[2:] == [
        'ENTRYPOINT ["/entry"]',
        "CMD " + json.dumps([*check, "python", "app.py"]),
    ]
    for lacking in ({"Entrypoint": ["/entry"]}, {"Cmd": ["python"]}):
        with pytest.raises(EngineError, match="bake it without --inside"):
            render_dockerfile("x", lacking, "/py", inside=True)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("repo/app:1.2", "repo/app:1.2-baked"),
        ("app", "app:latest-baked"),
        ("host:5000/app", "host:5000/app:latest-baked"),
        ("app:1-baked", "app:1-baked"),
    ],
)
def test_the_name_of_the_result(image: str, tag: str) -> None:
    assert baking.result_tag(image) == tag


@pytest.mark.parametrize("image", ["sha256:abc", "app@sha256:abc"])
def test_an_id_has_no_name_to_derive_one_from(image: str) -> None:
    with pytest.raises(UsageError, match="--tag: name the result, because"):
        baking.result_tag(image)
