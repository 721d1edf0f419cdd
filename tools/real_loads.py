"""Load wheels beside real releases of torch, and hold what the loader says against what `fits` predicts.

    python tools/real_loads.py --work /tmp/loads      # ten torches, one after the other, 6 GB at a time
    python tools/real_loads.py --work /tmp/loads --torch 2.8.0 --pairs 4

For each torch an environment is made with `uv` from PyPI, as `pip install torch==V` makes it, and removed
afterwards. Versions of the packages below that are predicted to load, and of their neighbours that are not,
are unpacked beside it, and a child process that has imported torch opens each library that links torch, as
Python opens an extension module (RTLD_NOW), after those of the wheel that it needs, as its package does. What
is refused for want of a library that is not torch's (FFmpeg, the driver) is left out. No GPU is needed.
Writes `reports/fits/real-loads.md` and `.json`; what they have of other torches and packages stays.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import uv
from packaging.version import Version

from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import WheelIndex
from stackcheck.storage.folders import write_atomically
from stackcheck.wheels import exports
from stackcheck.wheels.fits import Fit, Judged, judge
from stackcheck.wheels.onindex import read_release, release_subject, releases
from stackcheck_probes.probes.loading import DRIVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.wheels.exports import Build, Exports
    from stackcheck.wheels.facts import LibraryFacts, WheelFacts

FOLDER = Path(__file__).parent.parent / "reports" / "fits"
TORCHES = ("1.13.1", "2.4.1", "2.5.1", "2.6.0", "2.7.1", "2.8.0", "2.9.1", "2.11.0", "2.12.1", "2.15.0")
PACKAGES = (
    "torchvision",
    "torchaudio",
    "torchao",
    "torchtext",
    "torchcodec",
    "torchrl",
    "tensordict",
    "xformers",
)
PYTHON = "3.11"
MOST_MB = 150
LOADER = "/lib64/ld-linux-x86-64.so.2"
LOAD = """
import ctypes, json, os, sys
import torch
found = {}
for row in json.loads(sys.argv[1]):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(write, 2)
        try:
            for path in row:
                ctypes.CDLL(path, mode=os.RTLD_NOW)
        except OSError as error:
            os.write(write, b"\\0" + str(error).encode())
        os._exit(0)
    os.close(write)
    words = os.fdopen(read, errors="replace").read()
    died = os.WIFSIGNALED(status := os.waitpid(child, 0)[1])
    found[row[-1]] = f"killed by signal {os.WTERMSIG(status)}: {words}" if died else words.partition("\\0")[2]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Candidate:
    """One release of a package with what its wheel says, and the prediction for one torch."""

    package: str
    version: str
    url: str
    facts: WheelFacts
    judged: Judged
    fit: Fit


def candidates(
    index: WheelIndex, tables: Exports, packages: Sequence[str]
) -> dict[str, list[tuple[Any, WheelFacts]]]:
    """Return the releases of each package that have a wheel for the Python, newest first, as facts."""
    found: dict[str, list[tuple[Any, WheelFacts]]] = {}
    for name in packages:
        rows = []
        for release in releases(name, _own(index.files(name)), "linux/amd64"):
            if release.version.is_prerelease or (release.file.size or 0) > MOST_MB << 20:
                continue
            facts = read_release(release, index)
            if judge(release_subject(release, facts), tables).linked:
                rows.append((release, facts))
        sys.stderr.write(f"{name}: {len(rows)} releases link torch\n")
        found[name] = rows
    return found


def _own(files: Sequence[Any]) -> list[Any]:
    tag = f"-cp{PYTHON.replace('.', '')}-"
    return [each for each in files if tag in each.name or "-abi3-" in each.name or "-none-" in each.name]


def chosen(
    rows: Sequence[tuple[Any, WheelFacts]], build: Build, tables: Exports, pairs: int
) -> Iterator[Candidate]:
    """Yield releases that are predicted to load, and as many of their neighbours that are not."""
    judged = []
    for release, facts in rows:
        found = judge(release_subject(release, facts), tables)
        fit = next(each for each in found.fits if each.build.bit == build.bit)
        judged.append(Candidate(release.name, str(release.version), release.file.url, facts, found, fit))
    good = [number for number, each in enumerate(judged) if each.fit.answer == "yes"]
    middle = good[len(good) // 2] if good else 0
    for answer in ("yes", "no"):
        same = [number for number, each in enumerate(judged) if each.fit.answer == answer]
        for number in sorted(same, key=lambda number: abs(number - middle))[:pairs]:
            yield judged[number]


def load(python: Path, candidate: Candidate, folder: Path) -> dict[str, str]:
    """Return what the loader says of each library that links torch, "" where it loads."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wheel = folder / "x.whl"
    with (
        httpx.stream("GET", candidate.url, timeout=300, follow_redirects=True) as answer,
        wheel.open("wb") as out,
    ):
        answer.raise_for_status()
        out.writelines(answer.iter_raw(1 << 20))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wheel.unlink()
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "")}
    # The cache of the loader would serve what is installed on this machine, a CUDA toolkit for example.
    command: list[str | Path] = [
        LOADER,
        "--inhibit-cache",
        "--argv0",
        python,
        python.resolve(),
        "-c",
        LOAD,
        json.dumps(rows_of(candidate, folder)),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    shutil.rmtree(folder, ignore_errors=True)
    if ran.returncode:
        sys.exit(f"{candidate.package} {candidate.version}: {ran.stderr[-500:]}")
    said: dict[str, str] = json.loads(ran.stdout)
    return {path.removeprefix(f"{folder}/"): words.replace(f"{folder}/", "") for path, words in said.items()}


def rows_of(candidate: Candidate, folder: Path) -> list[list[str]]:
    """Return what `LOAD` opens of a wheel that is unpacked in a folder: a row for each that links torch."""
    libraries = {each.path: each for each in candidate.facts.libraries}
    return [[str(folder / each) for each in in_order(path, libraries)] for path in candidate.judged.linked]


def in_order(path: str, libraries: dict[str, LibraryFacts]) -> list[str]:
    """Return a library of a wheel behind those of the wheel that it needs, each behind its own."""
    by_name = {
        name: each for each in libraries.values() for name in (each.path.rpartition("/")[2], each.soname)
    }
    found: dict[str, None] = {}

    def visit(each: LibraryFacts, above: tuple[str, ...]) -> None:
        for name in each.needed:
            server = by_name.get(name)
            if server is not None and server.path not in above:
                visit(server, (*above, server.path))
        found[each.path] = None

    visit(libraries[path], (path,))
    return list(found)


def groups(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return libraries by their names without digits: of builds side by side one must load."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        module = re.search(r"\.(cpython-|abi3).*", name)
        stem = name[: module.start()] if module else name
        found.setdefault(f"{folder}/{re.sub('[0-9]', '', stem)}{name[len(stem) :]}", []).append(path)
    return found


def compared(candidate: Candidate, build: Build, said: dict[str, str], tables: Exports) -> dict[str, Any]:
    """Return one row: the prediction, what the loader said, and whether both agree, symbol included."""
    aside = {*candidate.judged.outside, *DRIVER}
    judged = {path: words for path, words in said.items() if words.partition(":")[0] not in aside}
    refused = [judged[each[0]] for each in groups(judged).values() if all(judged[path] for path in each)]
    words = next(iter(refused), "")
    symbol = re.search(r"undefined symbol: (\w+)", words)
    missing = {
        name
        for each in candidate.facts.libraries
        for name in each.undefined
        if not tables.mask(name.encode("utf-8", "surrogateescape")) >> build.bit & 1
    }
    kinds = {each.kind for each in candidate.fit.reasons}
    if symbol:
        named = symbol[1] in missing
    elif words.startswith("killed by signal"):
        named = "layout" in kinds
    else:
        named = any(words.partition(":")[0] in each.text for each in candidate.fit.reasons)
    found = "no" if refused else "yes"
    return {
        "torch": build.torch,
        "build": build.tag,
        "package": candidate.package,
        "version": candidate.version,
        "wheel": candidate.facts.filename,
        "predicted": candidate.fit.answer,
        "found": found,
        "agree": found == candidate.fit.answer and (found == "yes" or named),
        "reasons": sorted(kinds) if candidate.fit.answer == "no" else [],
        "libraries": len(judged),
        "left_out": len(said) - len(judged),
        "refused": len(refused),
        "loader": words,
    }


def one_torch(
    torch: str, rows: dict[str, Any], tables: Exports, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return the rows of one torch: its environment is made, used and removed."""
    build = next(each for each in tables.builds if each.torch == torch and each.platform == "linux/amd64")
    place = options.work / "venv"
    shutil.rmtree(place, ignore_errors=True)
    sys.stderr.write(f"torch {torch}: installing\n")
    try:
        _uv("venv", "-q", "--python", PYTHON, str(place))
        _uv(
            "pip",
            "install",
            "-q",
            "--no-cache",
            "--python",
            str(place / "bin/python"),
            f"torch=={torch}",
            "numpy<2",
        )
        found = []
        for name, known in rows.items():
            for each in chosen(known, build, tables, options.pairs):
                said = load(place / "bin/python", each, options.work / "package")
                row = compared(each, build, said, tables)
                if not row["libraries"]:
                    continue
                found.append(row)
                sys.stderr.write(
                    f"  {name} {each.version}: predicted {row['predicted']}, found {row['found']}"
                    f"{'' if row['agree'] else '  DIFFERENT'}  {row['loader'][:150]}\n"
                )
        return found
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _uv(*words: str) -> None:
    subprocess.run([uv.find_uv_bin(), *words], check=True)


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    agree = sum(row["agree"] for row in rows)
    yes = sum(row["predicted"] == "yes" for row in rows)
    where = f"{platform.machine()}, glibc {platform.libc_ver()[1]}, Python {PYTHON}, no GPU"
    said = f"{agree} as predicted, {len(rows) - agree} not"
    day = datetime.now(tz=UTC).date()
    lines = [
        "# Real loads: what the loader says, and what was predicted",
        "",
        f"Made by `python tools/real_loads.py` on {day}: {where}.",
        "Each torch is of PyPI, with all that it requires; each library that links torch is opened by",
        "a process (RTLD_NOW) that has imported torch.",
        "",
        f"{len(rows)} pairs, {yes} predicted to load and {len(rows) - yes} not: {said}.",
        "One that cannot be loaded is as predicted when the loader names what was predicted to be missing.",
        "",
        "| torch | package | predicted | found | refused | the loader's words |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        words = " ".join(row["loader"].split()).replace("|", "\\|")
        torch, package = f"{row['torch']}+{row['build']}", f"{row['package']} {row['version']}"
        found = row["found"] if row["agree"] else f"{row['found']} **different**"
        count = f"{row['refused']} of {row['libraries']}"
        lines.append(f"| {torch} | {package} | {row['predicted']} | {found} | {count} | {words[:200]} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Load, compare, write; 1 when a prediction was wrong."""
    parser = argparse.ArgumentParser(description="Load wheels beside real releases of torch.")
    parser.add_argument(
        "--work", type=Path, required=True, metavar="FOLDER", help="for environments; emptied"
    )
    parser.add_argument("--torch", action="append", metavar="VERSION")
    parser.add_argument("--package", action="append", metavar="NAME")
    parser.add_argument(
        "--pairs", type=int, default=1, metavar="N", help="for each package and torch, and answer"
    )
    parser.add_argument("--into", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    tables = exports.read()
    rows = candidates(WheelIndex(Fetcher(os.environ, timeout_s=120)), tables, options.package or PACKAGES)
    file = options.into / "real-loads.json"
    found: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    for torch in options.torch or TORCHES:
        fresh = one_torch(torch, rows, tables, options)
        found = [row for row in found if row["torch"] != torch or row["package"] not in rows] + fresh
        found.sort(key=lambda row: (Version(row["torch"]), row["package"], row["predicted"], row["version"]))
        write_atomically(file, (json.dumps(found, indent=1) + "\n").encode())
        write_atomically(options.into / "real-loads.md", page(found).encode())
    return 0 if all(row["agree"] for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
