"""The system that was seen: glibc and shared memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.model.evidence import Evidence
from stackcheck.model.facts import Missing
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, told
from stackcheck_probes.machine.sharedmemory import large_enough

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.machine import System
    from stackcheck_probes.facts.python import Interpreter


def _has_torch(facts: Facts) -> bool:
    seen = facts.get("interpreter")
    if not isinstance(seen, Mapping):
        return "torch" in facts["stack"].packages
    return any(torch["wins"] for torch in seen["torches"])


@rule("SYSTEM301", when=_has_torch)
def glibc_is_new_enough(interpreter: Interpreter, system: System, tables: Tables) -> Finding:
    """The C library is at least the glibc that the wheels of torch need.

    On an older one the loader refuses the library (`version 'GLIBC_2.28' not found`); on musl (Alpine) no
    wheel of torch loads at all. The name of a wheel can promise less than its files need.

    Source: the row of the release in the table of torch (WHEEL files and symbol tables of the wheels).
    Example: torch 2.7.0 (glibc 2.28) on CentOS 7 (glibc 2.17).
    Fix: take a newer base image, or a torch whose wheels need less.
    """
    torch = next(each for each in interpreter["torches"] if each["wins"])
    libc = system["libc"]
    if libc["name"] == "musl":
        return failed(
            "the system's C library is musl, and there are no wheels of torch for musl",
            expected="glibc",
            found="musl",
            hint="use a base image with glibc (Debian, Ubuntu, Red Hat)",
        )
    row = _release(tables, torch["version"])
    if row is None or libc["version"] is None:
        missing = f"no data for torch {torch['version']}" if libc["version"] else "no glibc version was seen"
        return skipped(f"whether glibc is new enough was not checked: {missing}")
    evidence = Evidence(f"torch {row.torch} needs glibc {row.glibc}", row.source)
    if Version(libc["version"]) >= row.glibc:
        return passed(
            f"glibc {libc['version']} serves torch {row.torch}, which needs {row.glibc}",
            evidence,
            expected=f">={row.glibc}",
            found=libc["version"],
        )
    return failed(
        f"torch {row.torch} needs glibc {row.glibc}, and the system has {libc['version']}",
        evidence,
        expected=f">={row.glibc}",
        found=libc["version"],
        hint="use a newer base image",
    )


def _release(tables: Tables, version: str | None) -> Release | None:
    try:
        return tables.torch.release(version) if version else None
    except InvalidVersion:
        return None


@rule("SYSTEM302", when=states("glibc"))
def glibc_is_the_stack_s(stack: Stack, system: System) -> Finding:
    """The C library is not older than the one that the stack states.

    Wheels are chosen for the glibc that the stack states; on an older one they may not load.

    Source: the manylinux tags of PEP 600.
    Example: the stack states glibc 2.35 (Ubuntu 22.04), the image is Debian 11 with 2.31.
    Fix: take the base image that is meant, or state its glibc.
    """
    wanted, libc = str(stack.glibc), system["libc"]
    found = libc["version"] or libc["name"] or "not known"
    if libc["name"] == "glibc" and libc["version"]:
        if Version(libc["version"]) >= Version(wanted):
            return passed(f"glibc is {found}, the stack states {wanted}", expected=wanted, found=found)
    elif libc["name"] is None:
        return skipped("the glibc of the stack was not compared: the system's C library was not recognised")
    return failed(
        f"the system's C library is {found}, and the stack states glibc {wanted}",
        expected=f"glibc {wanted}",
        found=found,
        hint="use the base image that is meant, or state its glibc",
    )


def _runs_outside_our_container(facts: Facts) -> bool:
    """Say whether /dev/shm is the user's: in a container made here it is ours, and says nothing of theirs."""
    return isinstance(facts.get("image", Missing("no image")), Missing)


@rule("SYSTEM303", when=_runs_outside_our_container)
def shared_memory_is_large_enough(system: System) -> Finding:
    """The shared memory at /dev/shm is larger than what Docker gives by default.

    The workers of a DataLoader hand their batches over through /dev/shm; with 64 MiB they are killed:
    `DataLoader worker is killed by signal: Bus error`.

    Source: github.com/pytorch/pytorch/issues/5040; the default: docs.docker.com (checked 2026-11-20).
    Example: `docker run IMAGE python train.py` with num_workers=8.
    Fix: `docker run --shm-size=8g`, or `--ipc=host`; in Kubernetes an emptyDir with medium Memory.
    """
    return told(large_enough(system["shm"]))
