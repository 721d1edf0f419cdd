"""What is asked of the engine so that a container sees the GPUs; pure, on what engine and host say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from docker.types import DeviceRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_CDI_KIND = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class HostDevices:
    """The device nodes of this machine; `groups` are the numeric owners of the ones that AMD GPUs need."""

    nvidia: bool = False
    kfd: bool = False
    dri: bool = False
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """Arguments of a container; `asked` names them in words, `note` says why nothing is asked for."""

    asked: tuple[str, ...] = ()
    note: str = ""
    device_requests: tuple[DeviceRequest, ...] = ()
    devices: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for the SDK."""
        wanted = {
            "device_requests": list(self.device_requests),
            "devices": [f"{path}:{path}:rwm" for path in self.devices],
            "group_add": [str(group) for group in self.groups],
        }
        return {name: value for name, value in wanted.items() if value}


def look_at_host(dev: Path = Path("/dev")) -> HostDevices:
    """Read which GPU device nodes are there and which groups own AMD's."""
    kfd, dri = dev / "kfd", dev / "dri"
    nodes = [kfd, *sorted(dri.glob("renderD*"))] if kfd.exists() else []
    return HostDevices(
        nvidia=(dev / "nvidiactl").exists() or (dev / "dxg").exists(),
        kfd=kfd.exists(),
        dri=dri.is_dir(),
        groups=tuple(sorted({node.stat().st_gid for node in nodes})),
    )


def request_gpus(
    wanted: Literal["auto", "none"] | tuple[str, ...],
    accelerator: str | None,
    engine: Mapping[str, Any],
    host: HostDevices,
) -> GpuRequest:
    """Return what to ask for. `engine` is the answer to GET /info of the engine.

    NVIDIA is asked for by CDI where the engine has found NVIDIA's CDI devices, else by a device request; AMD
    by its device nodes and their numeric groups (names of groups differ between host and image).
    Sources: docs.docker.com/reference/cli/docker/container/run/#gpus and #cdi-devices;
    rocm.docs.amd.com, "Running ROCm Docker containers" (checked 2026-11-20).
    """
    if wanted == "none":
        return GpuRequest(note="no GPU was asked for (--gpus none)")
    if accelerator == "cpu" and wanted == "auto":
        return GpuRequest(note="the stack is for the CPU")
    if accelerator != "cuda" and host.kfd:
        return _amd(host)
    if accelerator == "rocm":
        return GpuRequest(note="there is no /dev/kfd on this machine: no AMD GPU, or no amdgpu driver")
    if wanted == "auto" and not host.nvidia and not _cdi_devices(engine):
        return GpuRequest(note="there is no /dev/nvidiactl on this machine: no NVIDIA GPU, or no driver")
    return _nvidia(None if wanted == "auto" else tuple(wanted), engine)


def _amd(host: HostDevices) -> GpuRequest:
    devices = ("/dev/kfd", *(["/dev/dri"] if host.dri else []))
    return GpuRequest(asked=devices, devices=devices, groups=host.groups)


def _nvidia(ids: tuple[str, ...] | None, engine: Mapping[str, Any]) -> GpuRequest:
    if _cdi_devices(engine):
        names = [f"{_CDI_KIND}={each}" for each in ids or ("all",)]
        return GpuRequest(
            asked=tuple(names), device_requests=(DeviceRequest(driver="cdi", device_ids=names),)
        )
    which = {"device_ids": list(ids)} if ids else {"count": -1}
    request = DeviceRequest(driver="nvidia", capabilities=[["gpu"]], **which)
    return GpuRequest(asked=tuple(f"nvidia:{each}" for each in ids or ("all",)), device_requests=(request,))


def _cdi_devices(engine: Mapping[str, Any]) -> list[str]:
    """Return NVIDIA's CDI devices that the engine has found (`DiscoveredDevices`, Engine API 1.50)."""
    found = engine.get("DiscoveredDevices") or []
    return [
        row["ID"] for row in found if row.get("Source") == "cdi" and row.get("ID", "").startswith(_CDI_KIND)
    ]
