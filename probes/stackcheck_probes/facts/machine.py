"""What the probes of the machine, its driver and its environment return."""

from __future__ import annotations

from typing import TypedDict


class Libc(TypedDict):
    """The C library: glibc, musl, or None."""

    name: str | None
    version: str | None


class Libstdcxx(TypedDict):
    """A libstdc++.so.6 and the newest GLIBCXX version in it."""

    path: str
    file: str
    glibcxx: str | None


class Cpu(TypedDict):
    """The CPU: the instruction sets that matter, and how many processors this process may use."""

    model: str | None
    flags: list[str]
    usable: int | None


class Memory(TypedDict):
    """Bytes of memory, and the limit of the control group."""

    total: int | None
    limit: int | None


class _SharedMemory(TypedDict):
    path: str
    bytes: int | None


class SharedMemory(_SharedMemory, total=False):
    """Size and free space in bytes; where there is none, why."""

    free: int
    error: str | None


class Tool(TypedDict):
    """A command and its version."""

    path: str
    version: str | None


class CudaHome(TypedDict):
    """The toolkit under /usr/local/cuda."""

    path: str
    version: str | None
    headers: list[str]


class System(TypedDict):
    """The machine and its distribution; a tool is None when it is not on PATH."""

    os: dict[str, str]
    kernel: str
    machine: str
    libc: Libc
    libstdcxx: list[Libstdcxx]
    cpu: Cpu
    memory_bytes: Memory
    shm: SharedMemory
    container: str | None
    tools: dict[str, Tool | None]
    python_headers: bool
    cuda_home: CudaHome | None


class Environment(TypedDict):
    """Environment variables: those that are shown, those whose values were not read, those asked for."""

    variables: dict[str, str]
    withheld: list[str]
    asked: list[str]


class KernelModule(TypedDict):
    """NVIDIA's loaded kernel module."""

    version: str | None
    open: bool | None


class _NvmlDevice(TypedDict):
    index: int


class NvmlDevice(_NvmlDevice, total=False):
    """One GPU as the management library tells of it; `error` alone where it does not answer."""

    error: str
    code: int
    fabric: int | None
    name: str | None
    capability: str | None
    memory_bytes: int | None
    mig: bool | None
    uuid: str | None
    mig_devices: list[str | None] | None


class _Nvml(TypedDict):
    library: str
    error: str | None
    code: int
    devices: list[NvmlDevice]


class Nvml(_Nvml, total=False):
    """What the management library says."""

    driver: str | None
    cuda: str | None
    absent: bool


class _DeviceNode(TypedDict):
    path: str
    accessible: bool


class DeviceNode(_DeviceNode, total=False):
    """A device node, whether it can be opened to read and write, and where not: why, and whose it is."""

    error: str
    uid: int
    gid: int
    mode: str


class _Libcuda(TypedDict):
    path: str
    file: str
    version: str | None
    via: str
    stub: bool
    compat: bool


class Libcuda(_Libcuda, total=False):
    """A libcuda.so.1 in the order of the loader, by what it is found, and what kind of file it is."""

    elf: bool
    size: int


class StubFolder(TypedDict):
    """A folder of stubs or of forward compatibility on the library path."""

    path: str
    kind: str
    via: str
    libcuda: list[str]


class DriverInUse(TypedDict):
    """NVIDIA's driver; `kernel_module` is None when it is not loaded, `nvml` when it was not asked."""

    kernel_module: KernelModule | None
    nvml: Nvml | None
    device_nodes: list[DeviceNode]
    libcuda: list[Libcuda]


class NamedGpu(TypedDict):
    """A GPU as the kernel module states it."""

    name: str
    uuid: str


class DriverAtStart(DriverInUse):
    """NVIDIA's driver as a starting container looks at it; `named`: its GPUs, there without NVML.

    `elsewhere`: folders with a libcuda that no loader looks into; `uid`, `groups`: who asks.
    """

    named: list[NamedGpu]
    elsewhere: list[str]
    uid: int
    groups: list[int]


class _NvidiaDriver(DriverInUse):
    stub_folders: list[StubFolder]
    driver_packages: list[str]


class NvidiaDriver(_NvidiaDriver, total=False):
    """NVIDIA's driver, what stands in its way, and who asks."""

    uid: int
    groups: list[int]


class Override(TypedDict):
    """A value of HSA_OVERRIDE_GFX_VERSION; `gfx` is None for one that the runtime refuses."""

    value: str
    gfx: str | None


class _RocmNode(TypedDict):
    path: str
    exists: bool


class RocmNode(_RocmNode, total=False):
    """A device node of AMD's driver, with its group and mode where it exists."""

    accessible: bool
    error: str
    uid: int
    gid: int
    mode: str


class _KfdGpu(TypedDict):
    node: str
    gfx: str
    link_flags: list[int | None]


class KfdGpu(_KfdGpu, total=False):
    """A GPU of the kernel's topology; `render` is the number of its render node, `uuid` as ROCr writes it."""

    render: int
    uuid: str


class RocmAt(TypedDict):
    """A ROCm under /opt."""

    path: str
    version: str | None


class KernelFiles(TypedDict):
    """A folder of compiled kernels: how many files for which gfx."""

    path: str
    library: str
    gfx: dict[str, int]


class RocmHost(TypedDict):
    """AMD's side of a machine."""

    variables: dict[str, str]
    override: dict[str, Override]
    kfd: RocmNode
    render_nodes: list[RocmNode]
    uid: int
    groups: list[int]
    gpus: list[KfdGpu]
    rocm: list[RocmAt]
    kernel_files: list[KernelFiles]
