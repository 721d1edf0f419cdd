"""What the probes of torch return."""

from __future__ import annotations

from typing import TypedDict

from stackcheck_probes.facts.measured import (
    Attempt,
    Bridge,
    Check,
    ErrorFact,
    Loaded,
    TorchBeside,
)


class Files(TypedDict):
    """The mapped files of a library."""

    files: list[str]


class VersionedFiles(Files):
    """The mapped files, and the version as the library packs it: 12040, 22105."""

    version: int | None


class TorchLibraries(TypedDict):
    """The libraries that torch has loaded, by the stem of their name."""

    cudart: VersionedFiles
    nccl: VersionedFiles
    cudnn: Files
    cudnn_parts: Files
    cublas: Files
    cusparse: Files
    nvJitLink: Files
    torch_python: Files
    torch_cuda: Files
    amdhip64: Files


class _CudnnVersions(TypedDict):
    built: str | None
    loaded: str | None
    error: ErrorFact | None


class Cudnn(_CudnnVersions, total=False):
    """The cuDNN that torch was built for and the one that answers ("9.1.0"); `is_cuda` where there is one."""

    is_cuda: bool


class _TorchImport(Loaded):
    import_seconds: float


class TorchBuild(_TorchImport, total=False):
    """The installed torch; how it was built is there when it imports."""

    cuda: str | None
    hip: str | None
    debug: bool | None
    git: str | None
    arch_flags: list[str] | None
    cxx11_abi: bool | None
    cudnn: Cudnn
    nccl_built: str | None
    settings: dict[str, str]
    cpu_capability: str | None
    libraries: TorchLibraries


class TorchCpu(Loaded, total=False):
    """What torch computed on the CPU, when it imports."""

    checks: dict[str, Check]
    numpy_bridge: Bridge
    threads: int


class Tf32(TypedDict):
    """Whether TF32 is allowed, and the variables that force it on."""

    allowed: bool
    environment: dict[str, str]


class GpuProperties(Attempt, total=False):
    """What torch tells of a device; bytes of memory, and the gfx target on ROCm."""

    name: str
    capability: str
    gfx: str | None
    total_memory: int
    multiprocessors: int


class GpuMemory(Attempt, total=False):
    """Bytes of memory."""

    free: int
    total: int


class _Numbered(TypedDict):
    index: int


class GpuDevice(_Numbered, GpuProperties, total=False):
    """One GPU and what torch computed on it."""

    checks: dict[str, Check]
    memory: GpuMemory


class CudnnVersion(Attempt, total=False):
    """The packed version of the cuDNN that answers: 90100."""

    version: int | None


class _TorchDevices(Loaded):
    devices: list[GpuDevice]


class TorchGpu(_TorchDevices, total=False):
    """What torch does on the GPUs; the rest is there when torch imports, and from `tf32` on with a GPU."""

    cuda: str | None
    hip: str | None
    available: bool
    reason: str | None
    tf32: Tf32
    arch_list: list[str]
    driver_cuda: int | None
    cudnn: CudnnVersion


class NcclReach(Attempt, total=False):
    """What torch sees before NCCL is started: GPUs by name, and whether it was built with NCCL."""

    available: bool
    reason: str | None
    names: list[str]
    backend: bool
    nccl: str | None


class NcclRank(Attempt, total=False):
    """What one process of a sum saw; `seconds` with NCCL's start."""

    rank: int
    checks: dict[str, Check]
    seconds: float


class NcclPair(Loaded, total=False):
    """A sum over two GPUs (`world` of them: one where there is one), and over all where there are more."""

    reach: NcclReach
    world: int
    ranks: list[NcclRank]
    all: NcclRank | None


class CompiledDevice(TypedDict):
    """A function that torch.compile made for a GPU, against the eager one; `seconds` with the compilation."""

    index: int
    name: str
    check: Check
    kernels: int | None
    seconds: float


class CompileTriton(Loaded, total=False):
    """What torch.compile does on the GPUs, and what Triton needs for it."""

    available: bool
    reason: str | None
    triton: TorchBeside
    c_compiler: str | None
    python_headers: bool
    devices: list[CompiledDevice]
