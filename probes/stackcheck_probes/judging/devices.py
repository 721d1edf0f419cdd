"""Which of a machine's NVIDIA devices a process will see: pure, on what NVML reports and the environment."""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, Judgement
from stackcheck_probes.judging.productname import telling_words

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


def product_key(name: str) -> str:
    """Return the words that tell a product, in one order."""
    return " ".join(sorted(telling_words(name)))


def capability_of_name(name: str, products: Mapping[str, str]) -> str | None:
    """Return the capability of a product by its name; None when it is not known.

    products: `product_key` of every known name -> capability. A word more or less is another product: an
    RTX 6000 is not an RTX PRO 6000.
    """
    return products.get(product_key(name))
