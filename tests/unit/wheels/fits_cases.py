"""A small table of exports, and libraries as their facts."""

from __future__ import annotations

from typing import Any

from stackcheck.wheels.exports import Exports, exports_of, name_hash, pack
from stackcheck.wheels.facts import LibraryFacts, export_table
from stackcheck.wheels.fits import Subject

OLD = "_ZN3c105ErrorC2ENS_14SourceLocationESs"
NEW = "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
MOVED = "_ZN2at6narrowElll"
GONE = "_ZN5torch4goneEv"
STABLE = "aoti_torch_get_data_ptr"
RECENT = "torch_library_impl"

OWN = ("libc10.so", "libtorch.so", "libtorch_cpu.so")
OF_CUDA = (*OWN, "libc10_cuda.so", "libtorch_cuda.so")
PACKAGES = {
    "nvidia-cuda-runtime-cu12 12.4": ["libcudart.so.12"],
    "nvidia-cudnn-cu12 9.1": ["libcudnn.so.9"],
    "nvidia-cuda-runtime 13.0": ["libcudart.so.13"],
}
SONAMES = {
    "libcudart.so.12": [12],
    "libcudart.so.13": [13],
    "libcudnn.so.8": [11, 12],
    "libcudnn.so.9": [12, 13],
    "libnpps.so.12": [12],
}


def _row(
    torch: str, cuda: str, pythons: tuple[str, ...], requires: tuple[str, ...], **more: Any
) -> dict[str, Any]:
    return {
        "torch": torch,
        "platform": "linux/amd64",
        "cuda": cuda,
        "abi": "new",
        "glibc": "2.28",
        "pythons": pythons,
        "libraries": OF_CUDA if cuda else OWN,
        "requires": requires,
        "file": f"torch-{torch}.whl",
        "sha256": "0f",
        "uploaded": "2025-01-01",
        **more,
    }


BUILDS = [
    (_row("2.5.0", "12.4", ("cp39", "cp310"), ("nvidia-cuda-runtime-cu12 12.4",), abi="old"), (OLD, MOVED, GONE, STABLE)),
    (
        _row("2.8.0", "12.4", ("cp310", "cp313t"), ("nvidia-cuda-runtime-cu12 12.4", "nvidia-cudnn-cu12 9.1")),
        (NEW, MOVED, STABLE, RECENT),
    ),
    (_row("2.11.0", "13.0", ("cp310", "cp314"), ("nvidia-cuda-runtime 13.0",)), (NEW, STABLE, RECENT)),
    (_row("2.11.0", "", ("cp310", "cp314"), (), platform="linux/arm64"), (NEW, STABLE, RECENT)),
]  # fmt: skip


def exports() -> Exports:
    rows, names = zip(*BUILDS, strict=True)
    told = {"builds": rows, "packages": PACKAGES, "sonames": SONAMES, "measured": "2026-11-30"}
    return exports_of(told, pack([name_hash(name.encode()) for name in each] for each in names))


def library(path: str = "small/_C.so", *, gives: tuple[str, ...] = (), **more: Any) -> LibraryFacts:
    facts = {"machine": "x86_64", "dynamic": True, "needed": ("libc10.so",), **more}
    return LibraryFacts(path, exports=export_table(name.encode() for name in gives), **facts)


def subject(
    *libraries: LibraryFacts, tags: tuple[str, ...] = ("cp310-cp310-linux_x86_64",), **more: Any
) -> Subject:
    return Subject("small-1.0-cp310-cp310-linux_x86_64.whl", libraries, tags=tags, **more)
