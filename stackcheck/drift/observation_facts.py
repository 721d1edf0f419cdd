"""Facts of an image and of a machine, as the probes saw them. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcheck.drift.facts import Gap, Key, Seen, Snapshot, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from stackcheck.model.report import Report
    from stackcheck.probing.observation import Observation
    from stackcheck_probes.facts.binaries import Libraries, Loading
    from stackcheck_probes.facts.machine import Environment
    from stackcheck_probes.facts.python import Distributions, Interpreter

IMAGE = ("package", "library", "missing", "environment", "torch", "size")
"""Areas that only a probe of the image can fill."""
HOST = ("host", "gpu")
_PROBE = {
    "package": "distributions",
    "library": "libraries",
    "missing": "loading",
    "environment": "environment",
    "torch": "interpreter",
}
_VOLATILE = frozenset({"HOSTNAME", "HOME", "PWD", "OLDPWD", "SHLVL", "TERM", "_"})
_TOLERANCE = 0.05
Rows: TypeAlias = "Iterator[tuple[str, str, str, Seen | str]]"


def image_facts(report: Report, observation: Observation) -> Snapshot:
    """Return what the probes saw of an image or environment; a probe that gave nothing is a gap."""
    rows: list[tuple[str, str, str, Seen | str]] = []
    gaps: list[Gap] = []
    for area, probe in _PROBE.items():
        entry = observation.probes.get(probe)
        if entry is None or entry.facts is None:
            reason = getattr(observation.facts(probe), "reason", "")
            gaps.append(Gap(area, "", "", reason, fault=entry is not None and entry.failure is not None))
        elif area == "environment" and report.subject.kind != "image":
            gaps.append(Gap(area, "", "", "outside an image the environment is the caller's own"))
        else:
            rows += _READERS[area](entry.facts)
    if report.subject.size_bytes:
        rows.append(("size", "image", "size", str(report.subject.size_bytes)))
    else:
        gaps.append(Gap("size", "", "", "the size of what was probed is not known"))
    return snapshot(rows, gaps)


def builds(failure: str = "") -> Snapshot:
    """Return whether the stack builds, with the reason when it does not."""
    return snapshot([("image", "image", "builds", Seen("no", failure) if failure else Seen("yes"))])


def _packages(facts: Distributions) -> Rows:
    for row in facts["distributions"]:
        yield ("package", str(row["name"]), "version", str(row["version"]))


def _libraries(facts: Libraries) -> Rows:
    for row in facts["libraries"]:
        path = _below(str(row["path"]), facts["roots"])
        code = {key: value for key, value in row.items() if key != "path"}
        digest = hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()[:16]
        names = sorted({name for group in row.get("groups", ()) for name in group["codes"]})
        names += sorted(str(each["target"]) for each in row.get("targets", ()))
        yield ("library", path, "code", digest)
        yield ("library", path, "architectures", " ".join(names) or "none that was read")


def _missing(facts: Loading) -> Rows:
    for row in facts["missing"]:
        where = _below(str(row["library"]), facts["roots"])
        others = ", ".join(map(str, row.get("other_versions") or ())) or "none"
        yield ("missing", f"{where} needs {row['needs']}", "library", Seen("missing", f"there is: {others}"))


def _environment(facts: Environment) -> Rows:
    for name, value in facts["variables"].items():
        if name not in _VOLATILE:
            yield ("environment", str(name), "value", str(value))


def _torch(facts: Interpreter) -> Rows:
    for row in facts["torches"]:
        if row["wins"]:
            built_for = Seen(str(row.get("cuda") or row.get("hip") or "none"), f"torch {row['version']}")
            yield ("torch", "torch", "cuda", built_for)


_READERS: dict[str, Callable[[Any], Rows]] = {
    "package": _packages,
    "library": _libraries,
    "missing": _missing,
    "environment": _environment,
    "torch": _torch,
}


def _below(path: str, roots: Iterable[str]) -> str:
    """Return a path as it is below the folders that were searched: an environment may lie elsewhere."""
    root = next((root for root in roots if path.startswith(f"{root}/")), "")
    return path[len(root) + 1 :] if root else path


def host_facts(nvidia: Mapping[str, Any], rocm: Mapping[str, Any]) -> Snapshot:
    """Return driver and GPUs of a machine from the probes `nvidia_driver` and `rocm_host`."""
    rows: list[tuple[str, str, str, Seen | str]] = []
    nvml = nvidia.get("nvml") or {}
    module = nvidia.get("kernel_module") or {}
    if driver := nvml.get("driver") or module.get("version"):
        note = f"serves CUDA {nvml['cuda']}" if nvml.get("cuda") else ""
        rows.append(("host", "NVIDIA driver", "driver", Seen(str(driver), note)))
    for device in nvml.get("devices", ()):
        name = f"{device.get('name')} ({device.get('capability')})"
        rows.append(("gpu", f"NVIDIA GPU {device.get('index')}", "name", name))
    rows += [("gpu", f"AMD node {row['node']}", "name", str(row["gfx"])) for row in rocm.get("gpus", ())]
    return snapshot(rows)


def same_machine(baseline: Snapshot, fresh: Snapshot, *, proven: bool) -> Snapshot:
    """Return the host as it may be compared: a machine without a GPU may simply be another machine.

    `proven` tells that both were seen on one machine. Without it, what is gone says nothing.
    """
    if proven:
        return fresh
    gaps = [
        Gap(key.area, key.subject, "", "not seen here, and the baseline may be of another machine")
        for key in baseline.facts
        if key.area in HOST and key not in fresh.facts
    ]
    return fresh | Snapshot({}, frozenset(gaps))


def steady_size(baseline: Snapshot, fresh: Snapshot) -> Snapshot:
    """Return the facts with the baseline's size where today's is within 5 % of it."""
    key = Key("size", "image", "size")
    before, after = baseline.facts.get(key), fresh.facts.get(key)
    sizes = [int(each.value) for each in (before, after) if each and each.value.isdecimal()]
    if before and len(sizes) == 2 and abs(sizes[1] - sizes[0]) <= _TOLERANCE * sizes[0]:
        return fresh | Snapshot({key: before})
    return fresh
