"""Measure what each release of torch exports, from its wheels, and write `stackcheck/knowledge/measured/`.

    python tools/torch_exports.py                      # each release since 1.13.0 that is not there yet
    python tools/torch_exports.py --anew               # all of them again
    python tools/torch_exports.py --index https://download.pytorch.org/whl/cu118    # builds of another index

A wheel is downloaded whole, held against the index's SHA-256, read, and deleted: linkers and patchelf put the
names of dynamic symbols at the end of a library, behind the GPU code. What was read of it is kept in the
cache by its SHA-256, so that a run which was ended goes on where it was, and a change of what is kept of the
names (`is_judged`) needs no download.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import zipfile
import zlib
from collections import defaultdict
from datetime import UTC, datetime
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.storage.folders import cache_folder, write_atomically
from stackcheck.wheels.exports import FOLDER, name_hash, pack, read
from stackcheck_probes.binaries.bytesource import FileSource
from stackcheck_probes.binaries.elf import Elf
from stackcheck_probes.binaries.inflate import Budget
from stackcheck_probes.binaries.zipmembers import open_member, zip_members
from stackcheck_probes.loader.symbols import Symbols
from stackcheck_probes.probes.loading import ABI_MARKS, OTHERS_JUDGED, is_judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.model.index_pages import File

FIRST = Version("1.13.0")
PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
LIBRARY = re.compile(r"[^/]+/.*\.so[.\d]*|[^/]+\.libs/.*\.so[.\d]*")
TORCHS = re.compile(r"torch/lib/lib(?:c10|torch|shm|caffe2)[^/]*\.so[.\d]*")
BESIDE = {
    11: ("cuda-runtime", "cublas", "cudnn", "cudnn<9", "cufft", "curand", "cusolver", "cusparse", "nccl",
         "cuda-nvrtc", "nvtx", "cuda-cupti", "npp", "nvjpeg"),
    12: ("cudnn<9", "npp", "nvjpeg", "cudss", "nvcomp"),
    13: ("npp>=13,<14", "nvjpeg>=13,<14", "nvtx>=13,<14"),
}  # fmt: skip
"""Wheels with CUDA libraries that extensions need and no measured torch requires, by their CUDA."""


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"{text}\n")


def chosen(index: WheelIndex) -> dict[tuple[Version, str], list[File]]:
    """Return the Linux wheels of each release by (version, platform), that of the oldest Python first.

    Where a release has several builds of one wheel (2.10.0-3), pip takes the one with the highest number.
    """
    found: dict[tuple[Version, str], dict[str, tuple[Any, File]]] = defaultdict(dict)
    for file in index.files("torch"):
        machine = next((name for name in PLATFORMS if f"_{name}." in file.name), "")
        if not file.is_wheel or "linux" not in file.name or not machine or file.yanked is not None:
            continue
        _, version, number, tags = parse_wheel_filename(file.name)
        abi = min(tags, key=str).abi
        rows = found[version, PLATFORMS[machine]]
        if version >= FIRST and not version.is_prerelease and (abi not in rows or rows[abi][0] < number):
            rows[abi] = (number, file)
    return {
        key: [rows[abi][1] for abi in sorted(rows, key=_python)]
        for key, rows in sorted(found.items())
        if rows
    }


def _python(abi: str) -> tuple[int, str]:
    return int(re.sub(r"\D", "", abi) or 0), abi


def measured(file: File, folder: Path) -> dict[str, Any]:
    """Return what was read of a wheel of torch, from the cache or from the wheel itself."""
    kept = folder / f"{file.sha256}.json.z"
    if not kept.exists():
        say(f"{file.name}: reading {(file.size or 0) >> 20} MiB")
        with tempfile.TemporaryDirectory(prefix="torch-exports-") as place:
            wheel = Path(place) / "torch.whl"
            download(file, wheel)
            facts = read_torch(wheel)
        write_atomically(kept, zlib.compress(json.dumps(facts).encode()))
    facts = json.loads(zlib.decompress(kept.read_bytes()))
    return {**facts, "file": file.name, "sha256": file.sha256, "uploaded": file.uploaded[:10]}


def download(file: File, place: Path) -> None:
    """Write a wheel to a file; end the program when it is not the one that the index names."""
    digest = hashlib.sha256()
    with httpx.stream("GET", file.url, timeout=120, follow_redirects=True) as answer, place.open("wb") as out:
        answer.raise_for_status()
        for chunk in answer.iter_raw(1 << 20):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != file.sha256:
        sys.exit(f"{file.name}: its SHA-256 is {digest.hexdigest()}, the index names {file.sha256}.")


def read_torch(wheel: Path) -> dict[str, Any]:
    """Return the names, libraries and requirements of a wheel of torch."""
    source = FileSource(str(wheel))
    names: set[str] = set()
    sonames: set[str] = set()
    versions: set[str] = set()
    try:
        for member in zip_members(source):
            if LIBRARY.fullmatch(member.name) is None:
                continue
            elf = Elf(open_member(source, member, Budget(1 << 40)))
            dynamic = elf.dynamic()
            sonames |= {member.name.rpartition("/")[2], (dynamic.soname or "") if dynamic else ""}
            if TORCHS.fullmatch(member.name):
                symbols = Symbols(elf)
                names |= {name.decode("utf-8", "surrogateescape") for name in symbols.exported()}
                versions |= {need.version for need in symbols.versions_needed()}
    finally:
        source.close()
    return {
        "names": sorted(names),
        "libraries": sorted(sonames - {""}),
        "glibc": _glibc(versions),
        **_python_files(wheel),
    }


def _glibc(versions: Iterable[str]) -> str:
    found = [name.removeprefix("GLIBC_") for name in versions if re.fullmatch(r"GLIBC_2\.[\d.]+", name)]
    return max(found, key=Version, default="")


def _python_files(wheel: Path) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as archive:
        told = archive.read("torch/version.py").decode()
        name = next(each for each in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", each))
        requires = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist") or []
    cuda = re.search(r"^cuda\b[^=]*=\s*'([\d.]+)'", told, re.MULTILINE)
    return {
        "cuda": cuda[1] if cuda else "",
        "requires": [text for text in requires if "extra ==" not in text],
    }


class Nvidia:
    """The sonames in NVIDIA's wheels, read from their directories by range."""

    def __init__(self, index: WheelIndex, folder: Path) -> None:
        self.index, self.kept = index, folder / "nvidia.json"
        self.known: dict[str, Any] = json.loads(self.kept.read_text()) if self.kept.exists() else {}

    @property
    def sonames(self) -> dict[str, list[str]]:
        """The sonames in each wheel that was read, by `name version`."""
        return {facts["key"]: facts["sonames"] for facts in self.known.values()}

    def pinned(self, requires: Iterable[str], platform: str) -> list[str]:
        """Return the NVIDIA wheels, as `name version`, that requirements pin on a platform."""
        environment = {"platform_system": "Linux", "sys_platform": "linux", "extra": ""}
        environment["platform_machine"] = next(name for name, each in PLATFORMS.items() if each == platform)
        found: set[str] = set()
        for text in requires:
            need = Requirement(text)
            if not need.name.startswith(("nvidia-", "cuda-toolkit")):
                continue
            if need.marker and not need.marker.evaluate(
                {**environment, "python_version": "3.11", "python_full_version": "3.11.9"}
            ):
                continue
            facts = self.facts(need, platform)
            found |= {facts["key"]} if facts["sonames"] else set()
            for extra in need.extras:
                found |= set(self.pinned(facts["extras"].get(extra, ()), platform))
        return sorted(found)

    def facts(self, need: Requirement, platform: str) -> Mapping[str, Any]:
        """Return the wheel that serves a requirement: its key, sonames, and what its extras require."""
        asked = f"{need.name}{need.specifier} {platform}"
        if asked not in self.known:
            self.known[asked] = self.read(need, platform)
            write_atomically(self.kept, json.dumps(self.known, indent=1).encode())
        found: Mapping[str, Any] = self.known[asked]
        return found

    def read(self, need: Requirement, platform: str) -> dict[str, Any]:
        """Read the newest wheel that serves a requirement."""
        machine = next(name for name, each in PLATFORMS.items() if each == platform)
        fitting = [
            (parse_wheel_filename(file.name)[1], file)
            for file in self.index.files(need.name)
            if file.is_wheel and (machine in file.name or file.name.endswith("-any.whl"))
        ]
        version, file = max(
            (each for each in fitting if each[0] in need.specifier),
            key=lambda each: each[0],
            default=(None, None),
        )
        if file is None:
            say(f"{need} ({platform}): there is no wheel")
            return {"key": f"{need.name} ?", "sonames": [], "extras": {}}
        say(f"{file.name}: reading its directory")
        with self.index.open(file.url) as opened, zipfile.ZipFile(opened) as archive:
            names = [
                each.rpartition("/")[2] for each in archive.namelist() if re.search(r"\.so[.\d]*$", each)
            ]
            meta = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
            requires = Parser().parsestr(archive.read(meta).decode()).get_all("Requires-Dist") or []
        return {"key": f"{need.name} {version}", "sonames": sorted(names), "extras": _by_extra(requires)}


def _by_extra(requires: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for text in requires:
        if extra := re.search(r"extra\s*==\s*[\"']([^\"']+)", text):
            found[extra[1]].append(
                re.sub(r"\s*(and\s+)?extra\s*==\s*[\"'][^\"']+[\"']", "", text).rstrip("; ")
            )
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure what is not measured yet, and write the two files."""
    parser = argparse.ArgumentParser(description="Measure what each release of torch exports.")
    parser.add_argument("--torch", action="append", default=[], metavar="VERSION", help="measure these again")
    parser.add_argument(
        "--anew", action="store_true", help="measure every release, keep nothing that is there"
    )
    parser.add_argument("--index", default=PYPI, metavar="URL")
    parser.add_argument("--cache", type=Path, default=cache_folder(os.environ) / "torch-exports")
    parser.add_argument("--into", type=Path, default=FOLDER, help="default: the folder in this tree")
    options = parser.parse_args(arguments)
    index = WheelIndex(Fetcher(os.environ, timeout_s=120), options.index)
    nvidia = Nvidia(WheelIndex(Fetcher(os.environ, timeout_s=120)), options.cache)
    rows = {} if options.anew else kept_rows(options.into)
    for (version, platform), files in chosen(index).items():
        if options.torch and version.public not in options.torch:
            continue
        facts = measured(files[0], options.cache)
        key = version.public, platform, facts["cuda"]
        if key not in rows or options.torch:
            abis = [min(parse_wheel_filename(each.name)[3], key=str).abi for each in files]
            place = {"torch": version.public, "platform": platform, "pythons": abis}
            rows[key] = build({**facts, **place}, nvidia), hashes_of(facts["names"])
    write([rows[key] for key in sorted(rows, key=_age)], nvidia, options.into)
    return 0


def _age(key: tuple[str, str, str]) -> tuple[Version, str, str]:
    return Version(key[0]), key[1], key[2]


def kept_rows(folder: Path) -> dict[tuple[str, str, str], tuple[dict[str, Any], set[bytes]]]:
    """Return the builds that the files have already, with the hashes of what they export."""
    if not (folder / "torch_exports.json").exists():
        return {}
    told = json.loads((folder / "torch_exports.json").read_text())
    known = read(folder)
    found = zip(told["builds"], known.builds, strict=True)
    return {
        (row["torch"], row["platform"], row["cuda"]): (row, set(known.hashes(each.bit)))
        for row, each in found
    }


def hashes_of(names: Iterable[str]) -> set[bytes]:
    """Return the hashes of the names that decide whether an extension fits."""
    raw = (name.encode("utf-8", "surrogateescape") for name in names)
    return {name_hash(name) for name in raw if is_judged(name) and not name.startswith(OTHERS_JUDGED)}


def write(rows: list[tuple[dict[str, Any], set[bytes]]], nvidia: Nvidia, folder: Path) -> None:
    """Write the two files of what was measured."""
    builds = [row for row, _ in rows]
    packages = (
        json.loads((folder / "torch_exports.json").read_text())["packages"] if kept_rows(folder) else {}
    )
    told = {
        "about": "What the Linux wheels of torch export, made by tools/torch_exports.py. The names are in "
        "torch_exports.bin: sorted 5-byte BLAKE2b hashes, each with the index of a mask of the builds here.",
        "source": "the wheels themselves, pypi.org/project/torch and pypi.org/user/nvidia",
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "builds": builds,
        "sonames": sonames(builds, nvidia),
        "packages": dict(sorted({**packages, **nvidia.sonames}.items())),
    }
    write_atomically(folder / "torch_exports.bin", pack(hashes for _, hashes in rows))
    write_atomically(folder / "torch_exports.json", (json.dumps(told, indent=1) + "\n").encode())
    say(f"{len(builds)} builds, {sum(len(hashes) for _, hashes in rows)} names")


def build(row: Mapping[str, Any], nvidia: Nvidia) -> dict[str, Any]:
    """Return the row of one build; its ABI is the one in which it takes a `std::string`."""
    abi = [abi for abi, mark in ABI_MARKS if mark.decode() in row["names"]]
    fields = ("torch", "platform", "cuda", "glibc", "pythons", "libraries", "file", "sha256", "uploaded")
    return {
        **{key: row[key] for key in fields},
        "abi": abi[0] if len(abi) == 1 else "",
        "requires": nvidia.pinned(row["requires"], row["platform"]),
    }


def sonames(builds: list[dict[str, Any]], nvidia: Nvidia) -> dict[str, list[int]]:
    """Return the major versions of CUDA that have a wheel with each soname.

    A wheel is for the CUDA that its name ends with (-cu12), else for that of the torch which requires it.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for row in builds:
        for key in row["requires"]:
            for soname in nvidia.sonames[key]:
                found[soname].add(_cuda_in(key) or int(row["cuda"].partition(".")[0]))
    for major, names in BESIDE.items():
        for name in names:
            stem, mark, rest = re.split(r"([<>]|$)", name, maxsplit=1)
            need = Requirement(f"nvidia-{stem}{'-cu' + str(major) if major < 13 else ''}{mark}{rest}")
            for soname in nvidia.facts(need, "linux/amd64")["sonames"]:
                found[soname].add(major)
    return {soname: sorted(found[soname]) for soname in sorted(found) if ".so." in soname}


def _cuda_in(key: str) -> int:
    match = re.search(r"-cu(\d\d)\b", key)
    return int(match[1]) if match else 0


if __name__ == "__main__":
    sys.exit(main())
