"""What the probes see of system, environment, NVIDIA's driver and ROCm, on trees made for the test."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck_probes.credentials import is_secret_name
from stackcheck_probes.machine import driverfiles, nvml
from stackcheck_probes.probes import environment, nvidia_driver, rocm_host, system

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck_probes.facts.machine import NvidiaDriver

PROPRIETARY = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder)\n"


def write(path: Path, text: str | bytes = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_system_reads_what_lies_below_its_root(tmp_path: Path) -> None:
    write(tmp_path / "etc/os-release", 'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04 LTS"\nBAD\n')
    write(
        tmp_path / "proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU\nflags\t\t: fpu avx2 avx512f nx\n"
    )
    write(tmp_path / "proc/meminfo", "MemTotal:       1024 kB\n")
    write(tmp_path / "sys/fs/cgroup/memory.max", "4096\n")
    write(tmp_path / ".dockerenv")
    library = write(
        tmp_path / "usr/lib64/libstdc++.so.6.0.30", b"GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4.4\0"
    )
    (tmp_path / "usr/lib64/libstdc++.so.6").symlink_to(library)
    write(tmp_path / "usr/local/cuda/version.json", '{"cuda": {"version": "12.4.1"}}')
    write(tmp_path / "usr/local/cuda/include/cuda_runtime.h")
    facts = system.run({"root": str(tmp_path), "tools": [], "kernel": "6.1.0"})
    assert facts["os"] == {"id": "ubuntu", "version": "22.04", "name": "Ubuntu 22.04 LTS"}
    assert facts["kernel"] == "6.1.0"
    assert (facts["cpu"]["model"], facts["cpu"]["flags"]) == ("Test CPU", ["avx2", "avx512f"])
    assert facts["memory_bytes"] == {"total": 1 << 20, "limit": 4096}
    assert facts["container"] == "/.dockerenv"
    assert facts["shm"] == {
        "path": str(tmp_path / "dev/shm"),
        "bytes": None,
        "error": "No such file or directory",
    }
    path = str(tmp_path / "usr/lib64/libstdc++.so.6")
    assert {"path": path, "file": str(library), "glibcxx": "3.4.30"} in facts["libstdcxx"]
    home = {"path": str(tmp_path / "usr/local/cuda"), "version": "12.4.1", "headers": ["cuda_runtime.h"]}
    assert facts["cuda_home"] == home


def test_an_empty_root_has_no_system_facts_and_no_error(tmp_path: Path) -> None:
    facts = system.run({"root": str(tmp_path), "tools": ["no-such-tool-here"]})
    assert (facts["os"], facts["container"], facts["cuda_home"]) == ({}, None, None)
    assert facts["tools"] == {"no-such-tool-here": None}
    assert facts["memory_bytes"] == {"total": None, "limit": None}


def test_only_listed_variables_are_read_and_never_a_secret() -> None:
    environ = {
        "LD_LIBRARY_PATH": "/usr/local/cuda/lib64",
        "PIP_INDEX_URL": "https://user:hunter2@pypi.example/simple",
        "HSA_OVERRIDE_GFX_VERSION_1": "10.3.0",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "HF_TOKEN": "hunter2",
        "MY_FLAG": "1",
        "UNASKED": "hunter2",
    }
    facts = environment.run({"environ": environ, "names": ["MY_FLAG", "HF_TOKEN", "NOT_SET"]})
    assert facts["variables"] == {
        "HSA_OVERRIDE_GFX_VERSION_1": "10.3.0",
        "LD_LIBRARY_PATH": "/usr/local/cuda/lib64",
        "MY_FLAG": "1",
        "PIP_INDEX_URL": "https://***@pypi.example/simple",
    }
    assert facts["withheld"] == ["HF_TOKEN"]
    assert {"MY_FLAG", "NOT_SET", "PATH"} <= set(facts["asked"])
    assert "HF_TOKEN" not in facts["asked"]


def test_no_listed_variable_looks_like_a_secret_and_each_says_why() -> None:
    assert not [name for name in environment.ALLOWED if is_secret_name(name)]
    assert all(environment.ALLOWED.values())
    assert list(environment.ALLOWED) == sorted(environment.ALLOWED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROPRIETARY, {"version": "550.54.15", "open": False}),
        (OPEN, {"version": "580.95.05", "open": True}),
        ("something else\n", {"version": None, "open": None}),
        ("", None),
    ],
)
def test_the_kernel_module_says_its_version(text: str, expected: dict[str, Any] | None) -> None:
    assert driverfiles.kernel_module(text) == expected


def loader_cache(*paths: str) -> bytes:
    """Return a cache with these libraries; as in ldconfig's, a name is the end of its path."""
    head, entries, strings = 48, b"", b""
    start = head + 24 * len(paths)
    for path in paths:
        at = start + len(strings)
        key = at + path.rindex("/") + 1
        entries += struct.pack("<iIIIQ", 0x303, key, at, 0, 0)
        strings += path.encode() + b"\0"
    header = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(paths), len(strings))
    return header.ljust(head, b"\0") + entries + strings


def look_for_driver(root: Path, library_path: str = "", cache: bytes = b"") -> NvidiaDriver:
    if cache:
        write(root / "etc/ld.so.cache", cache)
    return nvidia_driver.run({"root": str(root), "library_path": library_path, "nvml": None})


def test_no_driver_is_a_fact(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {
        "kernel_module": None,
        "nvml": None,
        "device_nodes": [],
        "libcuda": [],
        "stub_folders": [],
        "driver_packages": [],
        "uid": os.geteuid(),
        "groups": sorted({os.getegid(), *os.getgroups()}),
    }
    assert dict(look_for_driver(tmp_path)) == nothing


def test_libcuda_is_found_in_the_order_of_the_loader(tmp_path: Path) -> None:
    compat = write(tmp_path / "usr/local/cuda/compat/libcuda.so.560.35.03")
    (compat.parent / "libcuda.so.1").symlink_to(compat)
    host = write(tmp_path / "usr/lib64/libcuda.so.550.54.15")
    (host.parent / "libcuda.so.1").symlink_to(host)
    write(tmp_path / "proc/driver/nvidia/version", PROPRIETARY)
    write(tmp_path / "dev/nvidia0")
    cache = loader_cache("/usr/lib64/libcuda.so.1", "/lib/libc.so.6")
    facts = look_for_driver(tmp_path, "/nowhere:/usr/local/cuda/compat", cache)
    assert [(row["version"], row["via"], row["compat"], row["stub"]) for row in facts["libcuda"]] == [
        ("560.35.03", "LD_LIBRARY_PATH", True, False),
        ("550.54.15", "ld.so.cache", False, False),
    ]
    assert facts["device_nodes"] == [{"path": str(tmp_path / "dev/nvidia0"), "accessible": True}]
    assert facts["stub_folders"] == [
        {
            "path": "/usr/local/cuda/compat",
            "kind": "compat",
            "via": "LD_LIBRARY_PATH",
            "libcuda": ["libcuda.so.1", "libcuda.so.560.35.03"],
        }
    ]


def test_a_stub_is_recognised_behind_its_link(tmp_path: Path) -> None:
    stub = write(tmp_path / "usr/local/cuda/lib64/stubs/libcuda.so")
    (stub.parent / "libcuda.so.1").symlink_to(stub)
    configuration = write(tmp_path / "etc/ld.so.conf.d/cuda.conf", "/usr/local/cuda/lib64/stubs\n")
    cache = loader_cache("/usr/local/cuda/lib64/stubs/libcuda.so.1")
    facts = look_for_driver(tmp_path, cache=cache)
    assert [(row["stub"], row["version"]) for row in facts["libcuda"]] == [(True, None)]
    assert [(row["kind"], row["via"]) for row in facts["stub_folders"]] == [("stubs", str(configuration))]


def test_packages_that_bring_driver_libraries_are_named(tmp_path: Path) -> None:
    for name in ("libnvidia-compute-535", "libc6", "cuda-compat-12-4", "libcuda1"):
        write(tmp_path / f"var/lib/dpkg/info/{name}.list")
    packages = ["cuda-compat-12-4", "libcuda1", "libnvidia-compute-535"]
    assert look_for_driver(tmp_path)["driver_packages"] == packages


def test_a_management_library_that_is_not_there_is_an_answer() -> None:
    facts = nvml.read("libstackcheck-nonesuch.so.1")
    assert "libstackcheck-nonesuch.so.1: cannot open shared object file" in str(facts["error"])
    assert (facts["driver"], facts["cuda"], facts["devices"]) == (None, None, [])


def test_rocm_reads_gpus_nodes_and_kernel_files(tmp_path: Path) -> None:
    nodes = tmp_path / "sys/class/kfd/kfd/topology/nodes"
    write(nodes / "0/properties", "cpu_cores_count 8\ngfx_target_version 0\n")
    write(nodes / "1/properties", "simd_count 144\ngfx_target_version 80003\n")
    write(nodes / "1/io_links/0/properties", "type 2\nflags 1\n")
    write(nodes / "2/properties", "gfx_target_version 90010\n")
    write(tmp_path / "dev/kfd")
    write(tmp_path / "opt/rocm-6.4.0/.info/version", "6.4.0-47\n")
    (tmp_path / "opt/rocm").symlink_to(tmp_path / "opt/rocm-6.4.0")
    library = tmp_path / "opt/rocm-6.4.0/lib/rocblas/library"
    for name in ("TensileLibrary_gfx90a.dat", "Kernels.so-000-gfx90a.hsaco", "TensileLibrary_gfx1100.co"):
        write(library / name)
    facts = rocm_host.run({"root": str(tmp_path), "environ": {"ROCM_ARCH": "gfx803"}, "sys_path": []})
    assert facts["gpus"] == [
        {"node": "1", "gfx": "gfx803", "link_flags": [1]},
        {"node": "2", "gfx": "gfx90a", "link_flags": []},
    ]
    assert (facts["kfd"]["exists"], facts["kfd"]["accessible"]) == (True, True)
    assert [row["version"] for row in facts["rocm"]] == ["6.4.0-47"]
    counts = {"gfx1100": 1, "gfx90a": 2}
    assert facts["kernel_files"] == [{"path": str(library), "library": "rocblas", "gfx": counts}]
    assert facts["variables"] == {"ROCM_ARCH": "gfx803"}


def test_rocm_files_inside_a_wheel_of_torch_are_found(tmp_path: Path) -> None:
    write(tmp_path / "site/torch/lib/rocblas/library/TensileLibrary_gfx1030.dat")
    facts = rocm_host.run(
        {"root": str(tmp_path / "root"), "environ": {}, "sys_path": [str(tmp_path / "site")]}
    )
    assert [row["gfx"] for row in facts["kernel_files"]] == [{"gfx1030": 1}]
    assert facts["kfd"] == {"path": str(tmp_path / "root/dev/kfd"), "exists": False}


@pytest.mark.parametrize(
    ("value", "gfx"),
    [
        ("8.0.3", "gfx803"),
        ("10.3.0", "gfx1030"),
        ("9.0.10", "gfx90a"),
        ("11.0.0", "gfx1100"),
        ("gfx1030", None),
        ("10.3", None),
        ("64.0.0", None),
        ("10.3.256", None),
        ("10.3.0 ", None),
    ],
)
def test_the_override_claims_a_gfx_or_is_malformed(value: str, gfx: str | None) -> None:
    environ = {"HSA_OVERRIDE_GFX_VERSION": value, "HSA_OVERRIDE_GFX_VERSION_2": "10.3.0", "OTHER": "1"}
    expected = {"all": {"value": value, "gfx": gfx}, "2": {"value": "10.3.0", "gfx": "gfx1030"}}
    assert rocm_host.override(environ) == expected
