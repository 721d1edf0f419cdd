"""Compare this project's reader with NVIDIA's cuobjdump, library by library, architecture by architecture.

    python tests/integration/compare_cuobjdump.py CUOBJDUMP FOLDER_OR_FILE... > result.json

cuobjdump comes from PyPI (`pip install nvidia-cuda-cuobjdump`; another version lies in triton wheels under
triton/backends/nvidia/bin). Each library is listed with --list-elf and --list-ptx, and with -all where it
has relocatable code too. What cuobjdump is known to print differently is undone here, and only here:

- it drops the suffix `f` of cubins (sm_100f is listed as sm_100), every version;
- up to 12.x it drops the suffix `a` of cubins of the new ABI (sm_100a, and sm_90a from CUDA 13);
- up to 12.x it prints `a` on cubins below sm_90, where no such target exists (5 cubins of libcublas 12.4);
- it stops with an error on some files, and on concatenated images up to 13.1: recorded as `died`.
"""

from __future__ import annotations

import collections
import json
import re
import subprocess
import sys
from pathlib import Path

from stackcheck_probes.binaries import binaryfiles
from stackcheck_probes.binaries.capability import Ptx, Sass
from stackcheck_probes.binaries.gpucode import GpuCode, Images, from_json
from stackcheck_probes.binaries.libraryfile import read_library

Counts = collections.Counter[str]


def cuobjdump_counts(tool: str, path: str, *, every: bool) -> tuple[Counts, str]:
    """Return what the tool lists by name (sm_90a, compute_90), and its complaint if it gave up."""
    counts: Counts = collections.Counter()
    for option, suffix, prefix in (("--list-elf", "cubin", "sm_"), ("--list-ptx", "ptx", "compute_")):
        command = [tool, option, *(["-all"] if every else []), path]
        done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
        for number in re.findall(rf"\.sm_(\d+[af]?)\.{suffix}$", done.stdout, re.MULTILINE):
            counts[prefix + number] += 1
        if "fatal" in done.stderr or done.returncode < 0:
            return counts, done.stderr.strip()[:200] or f"signal {-done.returncode}"
    return counts, ""


def own_counts(images: tuple[Images, ...]) -> Counts:
    counts: Counts = collections.Counter()
    for row in images:
        if isinstance(row.kind.code, (Sass, Ptx)):
            counts[str(row.kind.code)] += row.images
    return counts


def normalised(counts: Counts, version: tuple[int, ...]) -> Counts:
    """Undo what this version of cuobjdump is known to print differently; the same on both sides."""
    result: Counts = collections.Counter()
    for name, number in counts.items():
        sass = name.startswith("sm_")
        plain = name.rstrip("af")
        drops_a = version < (13,) and int(plain.split("_")[1]) != 90
        result[plain if sass and (name.endswith("f") or (name.endswith("a") and drops_a)) else name] += number
    return result


def outcome_of(mine: Counts, theirs: Counts, version: tuple[int, ...]) -> str:
    """Say how two counts compare. Before 13, cuobjdump drops the `a` of sm_90a in some files only."""
    if mine == theirs:
        return "equal"
    return "equal without a" if version < (13,) and _folded(mine) == _folded(theirs) else "different"


def _folded(counts: Counts) -> Counts:
    return collections.Counter({**counts, "sm_90": counts["sm_90"] + counts["sm_90a"], "sm_90a": 0})


def tool_version(tool: str) -> str:
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"V([\d.]+)", done.stdout)
    return found.group(1) if found else done.stdout.strip()


def compare(tool: str, path: str, version: str) -> dict[str, object] | None:
    """Return the comparison of one library, None when it holds no CUDA code."""
    document = read_library(path)
    if document is None or not (document.get("images") or document.get("relocatable")):
        return None
    name = Path(path).name
    row: dict[str, object] = {"library": name}
    gpu = from_json(document)
    number = tuple(map(int, version.split(".")))
    for every in (False, True) if gpu.images and gpu.relocatable else (False,):
        theirs, complaint = cuobjdump_counts(tool, path, every=every)
        mine, theirs = normalised(own_counts(_listed(gpu, every=every)), number), normalised(theirs, number)
        outcome = "died" if complaint else outcome_of(mine, theirs, number)
        row["all" if every else "default"] = outcome
        row["images"] = sum(mine.values())
        if outcome != "equal":
            row.update(complaint=complaint.replace(path, name), mine=dict(mine), theirs=dict(theirs))
    return row


def _listed(gpu: GpuCode, *, every: bool) -> tuple[Images, ...]:
    if every:
        return gpu.images + gpu.relocatable
    return gpu.images or gpu.relocatable


def main(arguments: list[str]) -> None:
    tool, *roots = arguments
    version = tool_version(tool)
    found = (compare(tool, path, version) for path in binaryfiles.files(roots, []))
    rows = [row for row in found if row is not None]
    outcomes = collections.Counter(str(row[key]) for row in rows for key in ("default", "all") if key in row)
    summary = {"cuobjdump": version, "libraries": len(rows), "outcomes": dict(outcomes), "rows": rows}
    json.dump(summary, sys.stdout, indent=1)


if __name__ == "__main__":
    main(sys.argv[1:])
