"""CUDA toolkits, the drivers they need, GPU generations, and cuDNN.

driver (of a toolkit): what its full feature set and the compilation of its PTX need. floor (of a major
version): the least driver under minor-version compatibility, SASS only.
"""

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Literal

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, table
from stackcheck.model.versions import DriverVersion, parse_version
from stackcheck_probes.binaries.capability import Capability, Sass


class Toolkit(Row, frozen=True, kw_only=True):
    """One CUDA toolkit, by major.minor.

    driver_linux, driver_windows: of the first release of
    it. sm: what nvcc can make, `sm_unverified` when no primary source lists it. gcc_max: the newest gcc that
    its headers accept, `gcc_read` where that was read in the header itself. torch_gcc_max: the newest that
    torch's own check accepts; None where torch only warns.
    """

    version: Version
    driver_linux: DriverVersion | None = None
    driver_windows: DriverVersion | None = None
    sm: tuple[Sass, ...]
    sm_unverified: bool = False
    gcc_max: int | None = None
    gcc_read: bool = False
    torch_gcc_max: int | None = None
    gcc_note: str = ""

    @cached_property
    def listed(self) -> str:
        """What nvcc can make, as text: "sm_80 sm_90 sm_90a"."""
        return " ".join(map(str, self.sm))

    @cached_property
    def _known(self) -> frozenset[tuple[int, str]]:
        return frozenset((code.capability.sm, code.suffix) for code in self.sm)

    def knows(self, code: Sass) -> bool:
        """Tell whether nvcc of this toolkit can make SASS for `code`, its suffix included."""
        return (code.capability.sm, code.suffix) in self._known

    @property
    def plain(self) -> tuple[Capability, ...]:
        """Return the capabilities without suffixes, ascending."""
        return tuple(code.capability for code in self.sm if not code.suffix)


class Family(Row, frozen=True, kw_only=True):
    """One CUDA major version: the least driver that runs any of its minors (minor-version compatibility)."""

    major: int
    floor_linux: DriverVersion
    floor_windows: DriverVersion | None = None


class Generation(Row, frozen=True, kw_only=True):
    """One GPU generation: the toolkits that make code for it and the last driver branch that drives it."""

    name: str
    capabilities: tuple[Capability, ...]
    last_toolkit: Version | None = None
    last_branch: int | None = None


class DeviceDriver(Row, frozen=True, kw_only=True):
    """The least Linux driver that drives a capability at all, whatever the toolkit; None where none is known.

    product: the name in `gpus.toml`, where it needs a later driver than others of its capability.
    """

    capability: Capability
    driver: DriverVersion | None = None
    product: str = ""


class Cudnn(Row, frozen=True, kw_only=True):
    """Some versions of cuDNN for one CUDA major version: the capabilities that they have kernels for.

    last: the newest capability that NVIDIA names for them; PTX may serve later ones.
    """

    versions: SpecifierSet
    cuda_major: int
    first: Capability
    last: Capability | None = None


class CudaTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Toolkits, drivers, generations and cuDNN, indexed."""

    checked: date
    toolkits: tuple[Toolkit, ...]
    families: tuple[Family, ...]
    generations: tuple[Generation, ...]
    device_drivers: tuple[DeviceDriver, ...]
    cudnn: tuple[Cudnn, ...]
    _toolkit: dict[tuple[int, int], Toolkit]
    _family: dict[int, Family]
    _generation: dict[Capability, Generation]
    _device_driver: dict[tuple[Capability, str], DeviceDriver]

    @property
    def newest(self) -> Toolkit:
        """Return the last toolkit that the table knows."""
        return self.toolkits[-1]

    def toolkit(self, version: Version | str) -> Toolkit | None:
        """Return the row of a toolkit, by major.minor; None is "no data"."""
        parsed = parse_version(version) if isinstance(version, str) else version
        return self._toolkit.get((parsed.major, parsed.minor))

    def cudnn_for(self, version: Version, cuda_major: int) -> Cudnn | None:
        """Return what a version of cuDNN for a CUDA major version serves; None is "no data"."""
        rows = (row for row in self.cudnn if row.cuda_major == cuda_major)
        return next((row for row in rows if row.versions.contains(version.public)), None)

    def family(self, major: int) -> Family | None:
        """Return the driver floor of a CUDA major version."""
        return self._family.get(major)

    def generation(self, capability: Capability) -> Generation | None:
        """Return the GPU generation of a capability."""
        return self._generation.get(capability)

    def device_driver(self, capability: Capability) -> DeviceDriver | None:
        """Return the least driver of a capability; None for one that every driver of today drives."""
        return self._device_driver.get((capability, ""))

    def product_driver(self, capability: Capability, product: str) -> DeviceDriver | None:
        """Return the least driver of one product, where it is another than that of its capability."""
        return self._device_driver.get((capability, product)) if product else None

    def floor(
        self, cuda: Version, os: Literal["linux", "windows"] = "linux"
    ) -> tuple[DriverVersion, Family | Toolkit] | None:
        """Return the least driver that can run SASS made for `cuda`, and the row that says so.

        From CUDA 11 on that is the floor of the major version; before, the toolkit's own driver. CUDA 11.0
        came with a driver below the floor of its major version: that one serves it too.
        """
        family, row = self.family(cuda.major), self.toolkit(cuda)
        own = (row.driver_linux if os == "linux" else row.driver_windows) if row else None
        if family is None:
            return (own, row) if own and row else None
        floor = family.floor_linux if os == "linux" else family.floor_windows
        if own and row and floor and own < floor:
            return own, row
        return (floor, family) if floor else None


@table
def load(told: Told) -> CudaTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    toolkits = told.rows("toolkit", Toolkit, order=lambda row: row.version)
    families = told.rows("family", Family, order=lambda row: row.major)
    generations = told.rows("generation", Generation)
    devices = told.rows("device_driver", DeviceDriver)
    _prove_toolkits(toolkits)
    _prove_families(families, toolkits)
    _prove_generations(generations, toolkits)
    owners = {capability: row for row in generations for capability in row.capabilities}
    return CudaTable(
        checked=told.checked("toolkit", "family"),
        toolkits=toolkits,
        families=families,
        generations=generations,
        device_drivers=devices,
        cudnn=told.rows("cudnn", Cudnn),
        _toolkit=unique(toolkits, lambda row: (row.version.major, row.version.minor), "toolkit"),
        _family=unique(families, lambda row: row.major, "family"),
        _generation=owners,
        _device_driver=unique(devices, lambda row: (row.capability, row.product), "device_driver"),
    )


def _prove_toolkits(toolkits: Iterable[Toolkit]) -> None:
    """Newer toolkits need newer drivers, list each code once and in order, and no code twice."""
    version = linux = windows = None
    for row in toolkits:
        later = version is None or version < row.version
        require(row, "version", holds=later, else_say=f"{row.version} after {version}: rows are sorted")
        version = row.version
        if row.driver_linux:
            grows = linux is None or linux < row.driver_linux
            require(row, "driver_linux", holds=grows, else_say=f"not above {linux} of the toolkit before")
            linux = row.driver_linux
        if row.driver_windows:
            grows = windows is None or windows < row.driver_windows
            require(row, "driver_windows", holds=grows, else_say=f"not above {windows} of the toolkit before")
            windows = row.driver_windows
        codes = [(code.capability.sm, code.suffix) for code in row.sm]
        require(row, "sm", holds=bool(codes) and codes == sorted(set(codes)), else_say="sorted, each once")
        plain = {code.capability for code in row.sm if not code.suffix}
        based = all(code.capability in plain for code in row.sm)
        require(row, "sm", holds=based, else_say="a suffix needs its plain capability beside it")


def _prove_families(families: Iterable[Family], toolkits: tuple[Toolkit, ...]) -> None:
    """Floors grow with CUDA, and no later minor of a family asks for less than the floor."""
    floor = None
    for row in families:
        grows = floor is None or floor < row.floor_linux
        require(row, "floor_linux", holds=grows, else_say=f"not above {floor} of the major version before")
        floor = row.floor_linux
        for toolkit in toolkits:
            if toolkit.version.major == row.major and toolkit.version.minor > 0 and toolkit.driver_linux:
                above = row.floor_linux <= toolkit.driver_linux
                says = f"below the floor {row.floor_linux} of CUDA {row.major}"
                require(toolkit, "driver_linux", holds=above, else_say=says)


def _prove_generations(generations: Iterable[Generation], toolkits: tuple[Toolkit, ...]) -> None:
    """No capability belongs to two generations; no toolkit after a generation's last one knows it."""
    seen: dict[Capability, str] = {}
    for row in generations:
        for capability in row.capabilities:
            once = capability not in seen
            require(row, "capabilities", holds=once, else_say=f"{capability} is {seen.get(capability)} too")
            seen[capability] = row.name
            for toolkit in toolkits:
                late = row.last_toolkit is not None and toolkit.version > row.last_toolkit
                says = f"{capability} is {row.name}, which ended with CUDA {row.last_toolkit}"
                require(toolkit, "sm", holds=not (late and capability in toolkit.plain), else_say=says)
