"""What the probes of spconv and cumm return."""

from __future__ import annotations

from typing import TypedDict

from stackcheck_probes.facts.measured import Attempt, BesideTorch, Check, Loaded


class Pair(TypedDict):
    """Something of both packages: folders, or pybind11's internals strings."""

    cumm: list[str]
    spconv: list[str]


class SpconvCompiled(Attempt, total=False):
    """What spconv's compiled constants say; capabilities as "8.6"."""

    archs: list[str]
    gemm_archs: list[str]
    gemm_ptx: str | None
    cuda: str
    cpu_only: bool
    cumm: str
    pccm: str


class CummImported(Attempt, total=False):
    """What cumm says of itself."""

    version: str
    file: str
    include: str
    cpu_only: bool


class _SpconvImport(Loaded):
    import_commands: list[str]
    pybind11: Pair


class SpconvBuild(_SpconvImport, total=False):
    """The installed spconv; how it was built is there when it imports."""

    compiled: SpconvCompiled
    cumm: CummImported


class SpconvCpu(BesideTorch, total=False):
    """What spconv computed on the CPU."""

    checks: dict[str, Check]


class SpconvDevice(TypedDict):
    """One kind of GPU and what spconv computed on it, by dtype."""

    index: int
    name: str
    capability: str
    checks: dict[str, Check]


class Processes(TypedDict):
    """Processes that were started meanwhile."""

    commands: list[str]
    reaped: bool
    running: int


class Control(Attempt, total=False):
    """What the watch saw of a compilation and a process that were made to be seen."""

    nvrtc_calls: int | None
    native_child_noticed: bool


class _Compilations(TypedDict):
    kernels: list[str]
    hook_errors: list[str]
    nvrtc_calls: int | None
    nvrtc_watch_error: str | None
    nvrtc_loaded_before: list[str]
    nvrtc_loaded_meanwhile: list[str]
    processes: Processes
    driver_cache: int | None


class Compilations(_Compilations, total=False):
    """What was compiled meanwhile; None where a watch could not be set up."""

    control: Control


class _SpconvDevices(BesideTorch):
    import_commands: list[str]
    devices: list[SpconvDevice]


class SpconvGpu(_SpconvDevices, total=False):
    """What spconv does on the GPUs; `available` when it imports, `compiled` where there is one."""

    available: bool
    reason: str | None
    compiled: Compilations


class Owner(TypedDict):
    """A distribution of spconv or cumm, and the line in which it requires cumm."""

    name: str
    version: str
    requires_cumm: str


class Owners(TypedDict):
    """The distributions that bring the packages cumm and spconv."""

    cumm: list[Owner]
    spconv: list[Owner]


class CudaHeaders(TypedDict):
    """What NVRTC finds under /usr/local/cuda."""

    root: str
    exists: bool
    cassert: bool


class CummHeaders(TypedDict):
    """The include directory that cumm takes, by what, and whether tensorview's headers are there."""

    directory: str
    by: str
    exists: bool
    all_h: bool
    own_all_h: bool
    either_exists: bool


class CummFiles(TypedDict):
    """The files of cumm and spconv; `headers` is None when the package cumm is not there."""

    folders: Pair
    owners: Owners
    environment: dict[str, str]
    nvcc: str | None
    cuda_headers: CudaHeaders
    headers: CummHeaders | None
    stray: list[str]
