"""Which of a machine's NVIDIA devices a process will see: pure, on what NVML reports and the environment."""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, SKIP, WARN, Judgement
from stackcheck_probes.judging.productname import telling_words
from stackcheck_probes.judging.visible import UUIDS, choose, judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Device = Mapping[str, Any]


NO_PERMISSION = 4  # of nvmlReturn_t in nvml.h: the GPU is somebody else's


def visible(
    devices: Sequence[Device], value: str | None, order: str | None
) -> tuple[list[Device], bool, Judgement | None]:
    """Return the devices that CUDA_VISIBLE_DEVICES leaves, whether that is certain, and what is said of it.

    NVML numbers by PCI bus, CUDA by speed unless CUDA_DEVICE_ORDER=PCI_BUS_ID: among unlike devices an index
    then says nothing, and all are returned. Nor does a UUID where the devices' are not known.
    Source: CUDA C++ Programming Guide, CUDA Environment Variables (checked 2026-11-20).
    """
    if value is None or not devices:
        return list(devices), True, None
    names = [_names(device) for device in devices]
    by_uuid = value.strip().startswith(UUIDS)
    if by_uuid and not _all_known(devices, value.strip()):
        text = f"CUDA_VISIBLE_DEVICES={value!r} was not checked: the UUIDs of the devices are not known."
        return list(devices), False, Judgement(SKIP, text)
    chosen = choose(value, names, twice_hides_all=True)
    judged = judgement("CUDA_VISIBLE_DEVICES", value, len(devices), chosen)
    alike = len({device.get("capability") for device in devices}) < 2
    if not (by_uuid or alike or order == "PCI_BUS_ID") and chosen.positions:
        return list(devices), False, judged
    return [devices[at] for at in chosen.positions], True, judged


def _names(device: Device) -> list[str]:
    return [name for name in (device.get("uuid"), *(device.get("mig_devices") or ())) if name]


def _all_known(devices: Sequence[Device], value: str) -> bool:
    if value.startswith("MIG-") and any(row.get("mig_devices", []) is None for row in devices):
        return False
    return all(device.get("uuid") or device.get("error") for device in devices)


def without_instance(devices: Sequence[Device]) -> Judgement | None:
    """Judge devices in MIG mode: CUDA sees their instances alone, and there may be none."""
    empty = [device for device in devices if device.get("mig") and device.get("mig_devices") == []]
    if not empty or len(empty) < len(devices):
        return None
    numbers = ", ".join(str(device["index"]) for device in empty)
    return Judgement(
        FAIL,
        f"MIG is on for GPU {numbers}, and no MIG device is visible here: CUDA sees no GPU",
        "a MIG device",
        "none",
        "docker run --gpus '\"device=MIG-UUID\"' (nvidia-smi -L lists them), or switch MIG off",
    )


def fabric_waits(devices: Sequence[Device]) -> Judgement | None:
    """Judge the NVLink fabric of machines with NVSwitch, as NVML tells it from Hopper on; None when ready.

    Until NVIDIA's fabric manager has set it up, cuInit answers 802, "system not yet initialized".
    Source: nvml.h, nvmlGpuFabricState_t; huggingface/huggingface_hub pull request 4134.
    """
    waiting = [device for device in devices if device.get("fabric") in (1, 2)]
    if not waiting:
        return None
    numbers = ", ".join(str(device["index"]) for device in waiting)
    state = "not started" if waiting[0]["fabric"] == 1 else "in progress"
    text = f"the NVLink fabric of GPU {numbers} is not ready ({state}): CUDA may answer 802, "
    hint = "start the fabric manager on the host: systemctl start nvidia-fabricmanager"
    return Judgement(WARN, f"{text}system not yet initialized.", "fabric ready", state, hint)


def product_key(name: str) -> str:
    """Return the words that tell a product, in one order."""
    return " ".join(sorted(telling_words(name)))


def capability_of_name(name: str, products: Mapping[str, str]) -> str | None:
    """Return the capability of a product by its name; None when it is not known.

    products: `product_key` of every known name -> capability. A word more or less is another product: an
    RTX 6000 is not an RTX PRO 6000.
    """
    return products.get(product_key(name))
