"""Time the reader against cuobjdump, in one run: python tests/benchmarks/gpucode.py SITE_PACKAGES [CUOBJDUMP]

SITE_PACKAGES holds a torch with CUDA. Times are the least of several runs of a whole process
(`python -I -S`), which is what a user waits for. Beside them stand the interpreter alone, and for the whole
tree the floor: an interpreter that only lists the folders and reads as many headers; no program in it can be
faster, and machines differ. Memory is the largest resident set of the process. Cold means that the library
was dropped from the page cache (posix_fadvise) just before; bytes read come from /proc/PID/io.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROBES = Path(__file__).parents[2] / "probes"
PYTHON = [os.path.realpath(sys.executable), "-I", "-S"]
LIBRARY = "torch/lib/libtorch_cuda.so"
# Modules load from .pyc files beside them; the byte counter of the kernel is printed by the process itself.
ONE = """
import sys
sys.path.insert(0, {probes!r})
from stackcheck_probes.binaries import libraryfile
assert libraryfile.read_library({path!r})["fatbins"] > 100
if len(sys.argv) > 1:
    with open("/proc/self/io") as counters:
        print(next(line.split()[1] for line in counters if line.startswith("read_bytes")))
"""
FLOOR = """
import os, sys
left, folders = {images}, [{path!r}]
while folders:
    with os.scandir(folders.pop()) as entries:
        folders += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
handle, pread = os.open({library!r}, os.O_RDONLY), os.pread
os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
for at in range(0, left * 32768, 32768):
    pread(handle, 44, at)
"""
ALL = """
import sys
sys.path.insert(0, {probes!r})
from stackcheck_probes.probes import libraries
found = libraries.run({{"roots": [{path!r}]}})
images = sum(row["images"] for library in found["libraries"] for row in library.get("images", ()))
print(found["binaries"], len(found["libraries"]), images)
"""


def main(arguments: list[str]) -> None:
    site = Path(arguments[0])
    tool = arguments[1] if len(arguments) > 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        one, everything = Path(folder) / "one.py", Path(folder) / "all.py"
        one.write_text(ONE.format(probes=str(PROBES), path=str(site / LIBRARY)))
        everything.write_text(ALL.format(probes=str(PROBES), path=str(site)))
        alone = least([*PYTHON, "-c", "pass"], 15)
        load = os.getloadavg()[0]
        print(f"interpreter alone: {alone:.1f} ms; load average {load:.1f}, {os.cpu_count()} cores")
        one_library(site / LIBRARY, [*PYTHON, str(one)], tool)
        images = whole_stack(site, [*PYTHON, str(everything)], tool)
        floor = Path(folder) / "floor.py"
        floor.write_text(FLOOR.format(images=images, path=str(site), library=str(site / LIBRARY)))
        print(f"  listing the folders and {images} reads alone: {least([*PYTHON, str(floor)], 15):.1f} ms")


def one_library(path: Path, command: list[str], tool: str) -> None:
    size = path.stat().st_size
    warm = least(command, 25)
    cold = min(_cold(path, command) for _ in range(7))
    _evict(path)
    read = int(subprocess.run([*command, "io"], check=True, capture_output=True, text=True).stdout)
    memory = resident_mb(command)
    print(
        f"{path.name}, {size / 1e6:.0f} MB: warm {warm:.1f} ms, cold {cold:.1f} ms, {memory:.1f} MB resident"
    )
    print(f"  cold it reads {read / 1e6:.1f} MB, {read / size:.2%} of the file")
    if tool:
        theirs = least([tool, "--list-elf", str(path)], 2)
        print(f"  cuobjdump --list-elf {theirs:.0f} ms: {theirs / warm:.0f} times slower")


def whole_stack(site: Path, command: list[str], tool: str) -> int:
    """Measure the whole tree; return how many images it holds."""
    counts = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    warm = least(command, 15)
    print(f"whole site-packages, {counts[0]} binaries, {counts[1]} with GPU code: warm {warm:.1f} ms")
    if tool:
        sys.path.insert(0, str(PROBES))
        from stackcheck_probes.binaries import binaryfiles  # noqa: PLC0415

        paths = binaryfiles.files([str(site)], [])
        theirs = sum(
            least([tool, option, path], 1) for path in paths for option in ("--list-elf", "--list-ptx")
        )
        ratio = theirs / warm
        print(f"  cuobjdump --list-elf and --list-ptx on each: {theirs:.0f} ms, {ratio:.0f} times slower")
    return int(counts[2])


def least(command: list[str], runs: int) -> float:
    """Return the shortest wall time of the command in milliseconds."""
    return min(_wall(command) for _ in range(runs))


def _wall(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1e3


def _cold(path: Path, command: list[str]) -> float:
    _evict(path)
    return _wall(command)


def _evict(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def resident_mb(command: list[str]) -> float:
    """Return the largest resident set of one run of the command in MB."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, _, usage = os.wait4(child, 0)
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
