"""What the probes that read binaries and source trees return."""

from __future__ import annotations

from typing import TypedDict


class _ImagesOf(TypedDict):
    code: str
    images: int
    bytes: int


class ImagesOf(_ImagesOf, total=False):
    """Images of one kind."""

    compression: str
    debug: bool


class CodeGroup(TypedDict):
    """Fatbins that hold the same code targets."""

    codes: list[str]
    fatbins: int


class HipTarget(TypedDict):
    """HIP code for one gfx target; bytes unpacked."""

    target: str
    bundles: int
    bytes: int


class BundleGroup(TypedDict):
    """HIP bundles that hold exactly the same targets."""

    targets: list[str]
    bundles: int


class GpuCodeFacts(TypedDict, total=False):
    """The GPU code of one binary, what is empty left out."""

    images: list[ImagesOf]
    relocatable: list[ImagesOf]
    fatbins: int
    empty: int
    groups: list[CodeGroup]
    targets: list[HipTarget]
    bundles: int
    bundle_groups: list[BundleGroup]
    unread: list[str]
    faults: list[str]
    cut: bool


class _At(TypedDict):
    path: str


class CodeFacts(GpuCodeFacts, total=False):
    """The GPU code of one binary; `error` alone where it could not be read."""

    error: str


class LibraryCode(_At, CodeFacts, total=False):
    """A binary and its GPU code."""


class _Libraries(TypedDict):
    roots: list[str]
    libraries: list[LibraryCode]
    binaries: int
    without_gpu_code: int
    skipped: list[str]


class Libraries(_Libraries, total=False):
    """The GPU code of the binaries under some folders."""

    left_out: list[str]


class TorchSymbols(TypedDict):
    """torch's own libraries, and the C++11 ABI of its libc10.so: "new", "old", or "" where it is not told."""

    c10: str
    abi: str
    libraries: list[str]


class MissingNeed(TypedDict):
    """A needed library that is nowhere, and where else it, or another version of it, is in the tree."""

    library: str
    needs: str
    driver: bool
    other_versions: list[str]
    elsewhere: list[str]


MissingVersion = TypedDict(
    "MissingVersion", {"library": str, "needs": str, "version": str, "in": str, "newest": str}
)
"""A symbol version that the file which serves a library does not have, and the newest of its kind there."""


class NeededVersion(TypedDict):
    """The newest symbol version of its kind that is asked of a file which was not looked at, and by whom."""

    library: str
    needs: str
    version: str


class MissingSymbols(TypedDict):
    """Symbols that nobody exports: how many, and the first of them."""

    library: str
    count: int
    symbols: list[str]
    demangled: list[str]


class Builds(TypedDict):
    """Builds of one library, where one is refused: their name with `*` for numbers, and which would load."""

    name: str
    paths: list[str]
    loads: list[str]


class ImportFails(TypedDict):
    """An extension module of this Python, and the refused libraries for which it cannot be imported."""

    module: str
    because: list[str]


class Shadowed(TypedDict):
    """A library that LD_LIBRARY_PATH serves in place of the wheel's own."""

    library: str
    needs: str
    used: str
    instead_of: str


class LibraryCopy(TypedDict):
    """One of several copies of a library."""

    path: str
    soname: str


class LibcudaSeen(TypedDict):
    """A libcuda of the tree, and whether it is the toolkit's stub."""

    path: str
    stub: bool
    bytes: int


class Unreadable(TypedDict):
    """A file that could not be read, and why."""

    path: str
    error: str


class LoadingOfAll(TypedDict, total=False):
    """What was added since reports were kept: files for other Pythons, which are not judged, and refusals."""

    other_pythons: int
    builds: list[Builds]
    imports: list[ImportFails]


class _Loading(LoadingOfAll):
    cut: list[str]
    roots: list[str]
    libraries: int
    torch: TorchSymbols | None
    glibc: str
    missing: list[MissingNeed]
    versions: list[MissingVersion]
    undefined: list[MissingSymbols]
    abi: dict[str, str]
    shadowed: list[Shadowed]
    sonames: list[str]
    outside: dict[str, str]
    copies: dict[str, list[LibraryCopy]]
    libcuda: list[LibcudaSeen]
    unreadable: list[Unreadable]
    skipped: list[str]


class Loading(_Loading, total=False):
    """What would keep libraries from loading; `cut` names the lists that are not complete.

    `alone`: nothing of the system was looked at, so `unserved` has what is not there and the system may
    bring, and `of_system` the symbol versions that are asked of it.
    """

    alone: bool
    unserved: list[MissingNeed]
    of_system: list[NeededVersion]


class Stamps(TypedDict):
    """Path -> size and checksum of each binary."""

    roots: list[str]
    stamps: dict[str, list[int]]
    skipped: list[str]


class CmakeFile(TypedDict):
    """A CMakeLists.txt and its policy version."""

    path: str
    policy: str


class SourceTree(TypedDict):
    """A source tree and its CMakeLists.txt that state a policy version."""

    path: str
    files: list[CmakeFile]


class CmakeSources(TypedDict):
    """CMake, the variable that lifts its limit, and the source trees."""

    cmake: str | None
    variable: str | None
    trees: list[SourceTree]
