"""What the probes of the interpreter and of what is installed return."""

from __future__ import annotations

from typing import TypedDict


class _PathEntry(TypedDict):
    path: str
    origin: str
    exists: bool


class PathEntry(_PathEntry, total=False):
    """An entry of sys.path and why it is there; `pth` is the file that adds it."""

    pth: str


class _ReachableTorch(TypedDict):
    path: str
    version: str | None
    cuda: str | None
    hip: str | None
    metadata: list[str]
    source_tree: bool
    compiled: bool
    origin: str
    reachable: bool
    wins: bool


class ReachableTorch(_ReachableTorch, total=False):
    """A torch as its files tell of it, whether sys.path reaches it, and whether it is what gets imported."""

    pth: str


class UserSite(TypedDict):
    """The user site."""

    path: str
    enabled: bool


class Conda(TypedDict):
    """What conda installed under the prefix, name -> version; `prefix` is None where there is no conda."""

    prefix: str | None
    packages: dict[str, str]
    environment: dict[str, str]


class Interpreter(TypedDict):
    """The interpreter and where it takes packages from."""

    version: str
    implementation: str
    executable: str
    prefix: str
    base_prefix: str
    soabi: str | None
    platform: str
    abiflags: str
    markers: dict[str, str]
    free_threaded: bool
    path: list[PathEntry]
    import_hooks: list[str]
    cwd: str
    user_site: UserSite
    no_user_site: str | None
    torches: list[ReachableTorch]
    conda: Conda


class DirectUrl(TypedDict):
    """Where a distribution was installed from when that was no index (PEP 610), without credentials."""

    url: str
    editable: bool


class _Distribution(TypedDict):
    name: str
    version: str
    complete: bool
    requires: list[str]
    extras: list[str]
    location: str
    metadata: str
    installer: str | None
    tags: list[str]
    direct_url: DirectUrl | None


class Distribution(_Distribution, total=False):
    """An installed distribution: METADATA, and the folder `metadata` in which it lies."""

    requires_python: str


class Duplicate(TypedDict):
    """A distribution with several folders of metadata in one place."""

    name: str
    location: str
    metadata: list[str]


class Distributions(TypedDict):
    """Everything installed, in the order of sys.path."""

    distributions: list[Distribution]
    duplicates: list[Duplicate]


class SharedFile(TypedDict):
    """A file that several distributions recorded with different content; `on_disk`: whose lies there."""

    path: str
    location: str
    owners: list[str]
    on_disk: list[str] | None


class ChangedFiles(TypedDict):
    """How many recorded files of a distribution are gone or have another size."""

    name: str
    location: str
    missing: int
    resized: int
    examples: list[str]


class RecordedFiles(TypedDict):
    """What does not lie there as it was recorded."""

    shared_files: list[SharedFile]
    shared_files_count: int
    changed_files: list[ChangedFiles]


class PythonAt(TypedDict):
    """An interpreter: its path and its minor version."""

    path: str
    version: str


class TorchPlace(TypedDict):
    """A torch in a folder of packages, and the interpreter of that environment where one was found."""

    path: str
    version: str
    python: str | None


class _Pythons(TypedDict):
    pythons: list[PythonAt]
    conda: list[str]


class Pythons(_Pythons, total=False):
    """The interpreters of a target, the roots of conda, and every torch that lies in a folder of packages."""

    torches: list[TorchPlace]
