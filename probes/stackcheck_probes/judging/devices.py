"""Which of a machine's NVIDIA devices a process will see: pure, on what NVML reports and the environment."""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, Judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Device = Mapping[str, Any]


def visible(
    devices: Sequence[Device], value: str | None, order: str | None
) -> tuple[list[Device], bool, str]:
    """Return the devices that CUDA_VISIBLE_DEVICES leaves, whether that is certain, and the first bad word.

    NVML numbers by PCI bus, CUDA by speed unless CUDA_DEVICE_ORDER=PCI_BUS_ID: among unlike devices an index
    then says nothing, and all are returned. CUDA stops reading at the first word that names no device.
    Source: CUDA C++ Programming Guide, CUDA Environment Variables (checked 2026-11-20).
    """
    if value is None:
        return list(devices), True, ""
    alike = len({device.get("capability") for device in devices}) < 2
    chosen: list[Device] = []
    for word in (part.strip() for part in value.split(",")):
        found, known = _named(word, devices, known=alike or order == "PCI_BUS_ID")
        if not known:
            return list(devices), False, ""
        if found is None:
            return chosen, True, word
        chosen.append(found)
    return chosen, True, ""


def _named(word: str, devices: Sequence[Device], known: bool) -> tuple[Device | None, bool]:
    """Return the device that a word names and whether an index can be told from here."""
    if word.isdecimal():
        number = int(word)
        if number >= len(devices):
            return None, True
        return devices[number], known
    if word.startswith("MIG-GPU-"):  # the old form: MIG-GPU-UUID/INSTANCE/COMPUTE
        word = word[4:].partition("/")[0]
    for device in devices:
        names = [device.get("uuid") or "", *(device.get("mig_devices") or [])]
        if word.startswith(("GPU-", "MIG-")) and any((name or "").startswith(word) for name in names):
            return device, True
    return None, True


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


def capability_of_name(name: str, products: Mapping[str, str]) -> str | None:
    """Return the capability of a product by the words of its name; None when that is not one thing.

    products: names in lower case -> capability. The longest name whose words all occur wins.
    """
    words = set(name.lower().replace("-", " ").split())
    fits = [
        (len(each.split()), capability) for each, capability in products.items() if set(each.split()) <= words
    ]
    longest = max((size for size, _ in fits), default=0)
    found = {capability for size, capability in fits if size == longest}
    return found.pop() if len(found) == 1 else None
