"""Benchmark: facts of wheels against plain zlib, and composed against the unpacked files; ratios of one run.

    python tests/benchmarks/wheelfacts.py WHEEL... [--rounds 3]

CPU of fresh processes, and their memory. Asked: a wheel read in place at most 1.3 times plain zlib over the
same members. The wheels must be for the Python that runs this; they are unpacked beside each other.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from stackcheck.resolve.uvrun import find_uv

USED = """
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime - before, used.ru_maxrss / 1024)
"""
START = """
import resource, sys, zipfile, zlib, dataclasses
from stackcheck.wheels.read import read_wheel
from stackcheck.wheels.answers import answer
from stackcheck.wheels.compose import Place, composed, facts_of
from stackcheck_probes.binaries.binaryfiles import is_binary_name
from stackcheck_probes.probes import distributions, libraries, loading, recorded_files
used = resource.getrusage(resource.RUSAGE_SELF)
before = used.ru_utime + used.ru_stime
"""
ZLIB = """
with open(sys.argv[1], "rb") as file, zipfile.ZipFile(file) as archive:
    for info in archive.infolist():
        if not is_binary_name(info.filename):
            continue
        file.seek(info.header_offset + 26)
        file.seek(int.from_bytes(file.read(2), "little") + int.from_bytes(file.read(2), "little"), 1)
        unpacker, left = zlib.decompressobj(-15), info.compress_size
        while left > 0:
            packed = file.read(min(left, 1 << 17))
            left -= len(packed)
            while packed:
                unpacker.decompress(packed, 1 << 17)
                packed = unpacker.unconsumed_tail
"""
READ = """
with open(sys.argv[1], "rb") as file:
    read_wheel(file)
"""
UNPACKED = """
distributions.run({"sys_path": [sys.argv[1]]})
recorded_files.run({"sys_path": [sys.argv[1]]})
libraries.run({"roots": [sys.argv[1]], "deep": "hidden"})
loading.run({"roots": [sys.argv[1]], "alone": sys.argv[1], "library_path": ""})
"""
KEEP = """
from stackcheck.wheels.keep import keep
from hashlib import sha256
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        keep(read_wheel(file, sha256=sha256(path.encode()).hexdigest()), {"STACKCHECK_CACHE": sys.argv[1]})
"""
COMPOSED = """
from hashlib import sha256
from stackcheck.wheels.keep import kept
wheels = [kept(sha256(each.encode()).hexdigest(), {"STACKCHECK_CACHE": sys.argv[1]}) for each in sys.argv[2:]]
seen = composed(wheels, Place("/nowhere", "/nowhere"))
for probe in ("distributions", "recorded_files", "libraries", "loading"):
    assert answer(seen, probe, {}) is not None
"""


def best(rounds: int, code: str, *arguments: str) -> tuple[float, float]:
    """Return seconds of CPU and MB of memory of the quickest of some fresh processes."""
    found = []
    for _ in range(rounds):
        command = [sys.executable, "-c", START + code + USED, *arguments]
        cpu, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        found.append((float(cpu), float(memory)))
    return min(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheels", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for wheel in asked.wheels:
        plain, _ = best(asked.rounds, ZLIB, wheel)
        read, memory = best(asked.rounds, READ, wheel)
        name = Path(wheel).name[:40]
        print(
            f"{name:40} zlib {plain:6.3f} s  read {read:6.3f} s, {memory:3.0f} MB  {read / plain:4.2f} times"
        )
    with tempfile.TemporaryDirectory() as folder:
        packages = f"{folder}/packages"
        command = [str(find_uv()), "pip", "install", "-q", "--no-deps", "--target", packages, *asked.wheels]
        subprocess.run([*command, "--python", sys.executable], check=True)
        best(1, KEEP, folder, *asked.wheels)
        unpacked, _ = best(asked.rounds, UNPACKED, packages)
        kept, memory = best(asked.rounds, COMPOSED, folder, *asked.wheels)
        print(f"probes of the unpacked files {unpacked:.3f} s, from kept facts {kept:.3f} s, {memory:.0f} MB")


if __name__ == "__main__":
    main()
