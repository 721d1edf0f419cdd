"""Names of AMD's GPU targets, and what a value of HSA_OVERRIDE_GFX_VERSION makes of a GPU."""

from __future__ import annotations

from stackcheck_probes.binaries.capability import NATIVE, NO, PTX, RUNS


def gfx_name(major: int, minor: int, step: int) -> str:
    """Return the target's name: decimal major, then minor and stepping in hexadecimal; 9.0.10 is gfx90a."""
    return "gfx%d%x%x" % (major, minor, step)


def gfx_of(value: str) -> str | None:
    """Return the gfx target that a value of HSA_OVERRIDE_GFX_VERSION claims; None when ROCr refuses it.

    Three unsigned decimals, 63.255.255 at most; the last two are hexadecimal in the name
    (ROCm/ROCR-Runtime libhsakmt/src/topology.c:1218-1233).

    >>> gfx_of("9.0.10")
    'gfx90a'
    """
    parts = value.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return None
    major, minor, step = map(int, parts)
    return gfx_name(major, minor, step) if major <= 63 and minor <= 255 and step <= 255 else None


FAMILIES = {
    "gfx9-generic": "gfx900 gfx902 gfx904 gfx906 gfx909 gfx90c",
    "gfx9-4-generic": "gfx940 gfx941 gfx942 gfx950",
    "gfx10-1-generic": "gfx1010 gfx1011 gfx1012 gfx1013",
    "gfx10-3-generic": "gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036",
    "gfx11-generic": "gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153",
    "gfx12-generic": "gfx1200 gfx1201",
}
"""LLVM's generic targets: code for one runs on all of its members, so their instruction sets are akin.

Source: llvm/docs/AMDGPUUsage.rst, "AMDGPU Generic Processors", at f5c8b0a9139b; gfx940 and gfx941 by
github.com/llvm/llvm-project/pull/115190 (checked 2026-11-20).
"""

_ALONE = "gfx801 gfx802 gfx803 gfx805 gfx810 gfx908 gfx90a"
"""Targets that LLVM knows and that belong to no generic one (the same table)."""

_FAMILY = {gfx: name for name, members in FAMILIES.items() for gfx in members.split()}
_FAMILY.update((gfx, gfx) for gfx in _ALONE.split())


def family(gfx: str) -> str | None:
    """Return the generic target that a gfx target belongs to, itself when to none; None when not known.

    >>> family("gfx906:sramecc+:xnack-")
    'gfx9-generic'
    """
    return _FAMILY.get(gfx.split(":", 1)[0])


UNKNOWN = "unknown"
GENERIC_SINCE = "6.4"
"""The first ROCm whose compiler does not call generic code (code object version 6) unfinished
(github.com/ROCm/rocSOLVER/pull/909, 2025-03-14, checked 2026-11-30)."""

_USUAL = {"xnack": "-", "sramecc": "+"}
"""How a GPU runs unless somebody changes it: rocminfo of MI100, MI200 and MI300 says sramecc+:xnack-."""
_NOT_USUAL = {"xnack": "gfx801 gfx902 gfx909 gfx90c", "sramecc": "gfx906"}
"""Where either is met: integrated parts, and Radeon VII beside MI50."""


def serves(target: str, gfx: str) -> tuple[str, str] | None:
    """Return how a code object for `target` serves a GPU, and what a reader must know; None when not at all.

    'native' for the GPU's own target, 'runs' for the generic target of its family, 'unknown' where a feature
    decides of which both are met, 'no' where the feature is not how such a GPU runs. Source: "Target ID" and
    "Generic Processors" of llvm/docs/AMDGPUUsage.rst (checked 2026-11-30).

    >>> serves("gfx90a:xnack+", "gfx90a")[0]
    'no'
    """
    name, *features = target.split(":")
    if name == "amdgcnspirv":
        return PTX, "the ROCm runtime compiles it at first use"
    if name not in (gfx, family(gfx)):
        return None
    for feature in features:
        if _USUAL.get(feature[:-1], feature[-1]) != feature[-1]:
            return _needs(feature[:-1], feature[-1], target, gfx)
    if name == gfx:
        return NATIVE, ""
    return RUNS, f"generic code needs ROCm {GENERIC_SINCE} or later"


def _needs(feature: str, sign: str, target: str, gfx: str) -> tuple[str, str]:
    state = "on" if sign == "+" else "off"
    text = f"{target} loads only where {feature.upper()} is {state}"
    if gfx in _NOT_USUAL[feature].split():
        return UNKNOWN, f"{text}, which is not known of {gfx}"
    default = (
        " (HSA_XNACK=1), and it is off by default" if feature == "xnack" else ", and it is on by default"
    )
    return NO, text + default


def generation(gfx: str) -> str:
    """Return the generation of a gfx target: gfx1103 is "11", gfx90a is "9"."""
    return (gfx[3:] if gfx.startswith("gfx") else gfx).split(":", 1)[0][:-2]


def akin(real: str, seen: str) -> bool | None:
    """Tell whether two targets are of one family; None when that is not known."""
    one, other = family(real), family(seen)
    if one is not None and other is not None:
        return one == other
    return None if generation(real) == generation(seen) else False


def kin(gfx: str) -> str:
    """Return in words what a target may pass for: "gfx906" is of "gfx9-generic"."""
    return family(gfx) or f"generation {generation(gfx)}"
