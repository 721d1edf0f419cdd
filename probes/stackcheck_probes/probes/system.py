"""The machine and system that a stack runs on: distribution, C and C++ libraries, CPU, memory, tools."""

from __future__ import annotations

import os
import re
import sys

from stackcheck_probes.machine import files, sharedmemory
from stackcheck_probes.machine.running import first_output

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.machine import Cpu, CudaHome, Libc, Libstdcxx, Memory, System, Tool

NAME = "system"
GRADE = "static"

TOOLS = ("gcc", "g++", "cc", "nvcc", "cmake", "ninja", "ldconfig")
LIBSTDCXX = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "usr/lib64",
    "lib64",
    "usr/lib",
    "opt/conda/lib",
)
CPU_FLAGS = frozenset(
    (
        "sse4_2",
        "avx",
        "avx2",
        "fma",
        "f16c",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512dq",
        "avx512_vnni",
        "avx512_bf16",
        "amx_tile",
        "amx_bf16",
        "asimd",
        "asimdhp",
        "asimddp",
        "sve",
        "sve2",
        "bf16",
        "i8mm",
    )
)
"""The instruction sets that torch's dispatcher and its libraries choose by; the rest is noise."""


def run(params: dict[str, Any]) -> System:
    """Return the facts; `root` puts all files below another folder, `tools` names the tools to ask."""
    root = params.get("root", "/")
    machine = os.uname()
    return {
        "os": _os_release(root),
        "kernel": params.get("kernel", machine.release),
        "machine": machine.machine,
        "libc": _libc(),
        "libstdcxx": _libstdcxx(root),
        "cpu": _cpu(root),
        "memory_bytes": _memory(root),
        "shm": sharedmemory.look(os.path.join(root, "dev/shm")),
        "container": _container(root),
        "tools": {name: _tool(name) for name in params.get("tools", TOOLS)},
        "python_headers": _python_headers(),
        "cuda_home": _cuda_home(root),
    }


def _os_release(root: str) -> dict[str, str]:
    """Return id, version and name of the distribution (os-release(5))."""
    text = files.text(os.path.join(root, "etc/os-release")) or files.text(
        os.path.join(root, "usr/lib/os-release")
    )
    rows = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    wanted = {"ID": "id", "VERSION_ID": "version", "PRETTY_NAME": "name", "ID_LIKE": "like"}
    return {name: rows[key].strip("\"'")[:200] for key, name in wanted.items() if key in rows}


def _libc() -> Libc:
    """Return the C library that this process runs on: glibc says its version itself, musl does not."""
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        text = ""
    if not text:
        musl = any(name.startswith("ld-musl-") for name in files.names("/lib"))
        return {"name": "musl" if musl else None, "version": None}
    name, _, version = text.partition(" ")
    return {"name": name, "version": version}


def _libstdcxx(root: str) -> list[Libstdcxx]:
    """Return each libstdc++.so.6 with the newest GLIBCXX version that it defines."""
    folders = [os.path.join(root, folder) for folder in LIBSTDCXX] + [os.path.join(sys.prefix, "lib")]
    found: dict[str, Libstdcxx] = {}
    for folder in folders:
        path = os.path.join(folder, "libstdc++.so.6")
        real = os.path.realpath(path)
        if real not in found and os.path.isfile(real):
            found[real] = {"path": path, "file": real, "glibcxx": _newest_glibcxx(real)}
    return list(found.values())


def _newest_glibcxx(path: str) -> str | None:
    """Return the newest version name in the file; 64 MB are read at most."""
    try:
        with open(path, "rb") as file:
            content = file.read(64 << 20)
    except OSError:
        return None
    versions = {
        tuple(map(int, each.split(b"."))) for each in re.findall(rb"GLIBCXX_([0-9.]*[0-9])\0", content)
    }
    return ".".join(map(str, max(versions))) if versions else None


def _cpu(root: str) -> Cpu:
    text = files.text(os.path.join(root, "proc/cpuinfo"))
    rows = dict(re.findall(r"^([^\t:\n]+?)\s*: *(.*)$", text, re.MULTILINE))
    flags = (rows.get("flags") or rows.get("Features") or "").split()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"model": rows.get("model name"), "flags": sorted(CPU_FLAGS.intersection(flags)), "usable": usable}


def _memory(root: str) -> Memory:
    total = re.search(
        r"^MemTotal: *([0-9]+) kB", files.text(os.path.join(root, "proc/meminfo")), re.MULTILINE
    )
    limit = files.text(os.path.join(root, "sys/fs/cgroup/memory.max")).strip()
    return {
        "total": int(total.group(1)) * 1024 if total else None,
        "limit": int(limit) if limit.isdigit() else None,
    }


def _container(root: str) -> str | None:
    """Say by what mark this is a container; None when nothing says so."""
    marks = (".dockerenv", "run/.containerenv")
    found = [mark for mark in marks if os.path.exists(os.path.join(root, mark))]
    if found:
        return "/" + found[0]
    groups = files.text(os.path.join(root, "proc/1/cgroup"))
    inside = re.search(r"(docker|kubepods|containerd|libpod|lxc)", groups)
    return "cgroup " + inside.group(1) if inside else None


def _tool(name: str) -> Tool | None:
    """Return where a tool is and the version that it prints; None when it is not on PATH."""
    import shutil

    path = shutil.which(name)
    if path is None:
        return None
    text = first_output([path, "--version"]) or ""
    release = re.search(r"release ([0-9]+(?:\.[0-9]+)+)", text)  # nvcc
    match = release or re.search(
        r"\b([0-9]+(?:\.[0-9]+)+)\b", text.split("\n", 1)[0].rpartition(")")[2] or text
    )
    return {"path": path, "version": match.group(1) if match else None}


def _python_headers() -> bool:
    import sysconfig

    return os.path.isfile(os.path.join(sysconfig.get_paths()["include"], "Python.h"))


def _cuda_home(root: str) -> CudaHome | None:
    """Return the toolkit under /usr/local/cuda, by its version.json (toolkits 11.1 and later)."""
    import json

    home = os.path.join(root, "usr/local/cuda")
    if not os.path.isdir(home):
        return None
    try:
        version = json.loads(files.text(os.path.join(home, "version.json")))["cuda"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        version = None
    headers = ("cuda_runtime.h", "cuda/std/cassert", "cccl/cuda/std/cassert")
    present = [name for name in headers if os.path.isfile(os.path.join(home, "include", name))]
    return {"path": os.path.realpath(home), "version": version, "headers": present}
