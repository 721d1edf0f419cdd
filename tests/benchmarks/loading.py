"""Benchmark: what the loader would say, against nm, pyelftools and importing torch; ratios of one run.

    python tests/benchmarks/loading.py PYTHON [--rounds 5]

PYTHON is the interpreter of an environment with torch and extensions; pyelftools and nm are left out, and
said to be, where they are not installed. Asked: ABI of six extensions at least 40 times faster than `nm -D`
and 200 times than pyelftools; everything static at most 120 ms, at most 45 MB, and 20 times faster than
`import torch`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROBES = Path(__file__).parents[2] / "probes"
ABI = """
import sys, time
sys.path.insert(0, {probes!r})
from stackcheck_probes.binaries.bytesource import FileSource
from stackcheck_probes.binaries.elf import Elf
from stackcheck_probes.loader.symbols import Symbols
from stackcheck_probes.probes.loading import JUDGED, _exported
best = 9e9
for _ in range({rounds}):
    start = time.perf_counter()
    torch = [Symbols(Elf(FileSource(path))) for path in {torch!r}]
    for path in {extensions!r}:
        own = Symbols(Elf(FileSource(path)))
        names = [n for n in own.undefined() if n.startswith(JUDGED)]
        missing = [n for n in names if not _exported(n, torch)]
    best = min(best, time.perf_counter() - start)
print(best)
"""
PYELFTOOLS = """
import sys, time
from elftools.elf.elffile import ELFFile
start = time.perf_counter()
exported = set()
for path in {torch!r}:
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        exported.update(s.name for s in table.iter_symbols() if s["st_shndx"] != "SHN_UNDEF")
for path in {extensions!r}:
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        wanted = [s.name for s in table.iter_symbols() if s["st_shndx"] == "SHN_UNDEF"]
        missing = [name for name in wanted if name not in exported]
print(time.perf_counter() - start)
"""
STATIC = """
import sys
sys.path.insert(0, {probes!r})
from stackcheck_probes.binaries import binaryfiles
from stackcheck_probes.probes import distributions, libraries, loading
binaryfiles.keep()  # as the agent's children do
only = {{"roots": {roots!r}, "packages": {packages!r}}}
distributions.run({{"sys_path": only["roots"]}})
libraries.run(only)
loading.run(dict(only, library_path=""))
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
AUDIT = """
import sys
sys.path.insert(0, {probes!r})
from stackcheck_probes.probes import recorded_files
recorded_files.run({{"sys_path": {roots!r}}})
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
OWN = ("torch", "torchvision", "torchaudio", "torio", "torch_geometric", "spconv", "cumm", "mmcv", "xformers")
"""What the benchmark calls the stack's own packages: all but the nvidia-* wheels and pure tools."""


def least(command: list[str], rounds: int) -> tuple[float, str]:
    """Return the least wall time of a command in seconds, and what its last run printed."""
    best, printed = 9e9, ""
    for _ in range(rounds):
        start = time.perf_counter()
        with tempfile.TemporaryFile(
            "w+"
        ) as out:  # nm prints so much that keeping it would count as our memory
            subprocess.run(command, check=True, stdout=out, stderr=subprocess.DEVNULL)
            best = min(best, time.perf_counter() - start)
            out.seek(0)
            printed = out.read(1 << 16)
    return best, printed.strip()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    find = (
        "import json, site, sys; print(json.dumps([p for p in sys.path if p.endswith('site-packages')][:1]))"
    )
    roots = json.loads(
        subprocess.run([args.python, "-c", find], check=True, capture_output=True, text=True).stdout
    )
    site = Path(roots[0])
    torch = [
        str(p)
        for p in sorted((site / "torch" / "lib").glob("lib*.so"))
        if p.name.startswith(("libtorch", "libc10"))
    ]
    names = ("torchvision/_C.so", "torchvision/image.so", "torchaudio/lib/libtorchaudio.so", "xformers/_C.so")
    extensions = [str(site / name) for name in names if (site / name).exists()]
    extensions += [str(p) for p in sorted((site / "torchaudio" / "lib").glob("_torchaudio*.so"))][
        : 6 - len(extensions)
    ]
    print(f"{len(extensions)} extensions against {len(torch)} libraries of torch")
    python = [sys.executable, "-I", "-c"]
    fill = {"probes": str(PROBES), "torch": torch, "extensions": extensions, "rounds": args.rounds}
    ours = float(least([*python, ABI.format(**fill)], 1)[1])
    print(f"  own reader   {ours * 1e3:8.1f} ms")
    if nm := shutil.which("nm"):
        taken = least([nm, "-D", *torch, *extensions], args.rounds)[0]
        print(f"  nm -D        {taken * 1e3:8.1f} ms   {taken / ours:6.1f} times (asked: 40)")
    else:
        print("  nm: not installed, not compared")
    try:
        taken = float(least([*python, PYELFTOOLS.format(**fill)], 1)[1])
        print(f"  pyelftools   {taken * 1e3:8.1f} ms   {taken / ours:6.1f} times (asked: 200)")
    except subprocess.CalledProcessError:
        print("  pyelftools: not installed beside this interpreter, not compared")
    static(args.python, site, args.rounds)


def static(interpreter: str, site: Path, rounds: int) -> None:
    """Measure metadata, GPU code and loading in one process: of the whole tree, and of the stack's packages.

    The audit of RECORD (`recorded_files`: every file of every wheel) is a probe of its own, measured apart.
    """
    python = [os.path.realpath(sys.executable), "-I", "-S", "-c"]
    own = [name for name in OWN if (site / name).is_dir()]
    importing = least([interpreter, "-c", "import torch"], 3)[0]
    bare = least([*python, "pass"], rounds)[0]
    print(f"interpreter alone {bare * 1e3:.1f} ms, import torch {importing * 1e3:.0f} ms; whole processes:")
    for what, packages, limit in (("everything static", None, 120), (" ".join(own), own, 60)):
        code = STATIC.format(probes=str(PROBES), roots=[str(site)], packages=packages)
        taken, memory = least([*python, code], rounds)
        print(
            f"  {what}: {taken * 1e3:.0f} ms (asked: {limit}), {memory} MB (asked: 45),"
            f" {importing / taken:.1f} times faster than import torch (asked: 20)"
        )
    audit, memory = least([*python, AUDIT.format(probes=str(PROBES), roots=[str(site)])], rounds)
    print(f"  the audit of RECORD: {audit * 1e3:.0f} ms, {memory} MB")


if __name__ == "__main__":
    main()
