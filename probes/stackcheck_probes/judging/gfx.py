"""Names of AMD's GPU targets, and what a value of HSA_OVERRIDE_GFX_VERSION makes of a GPU."""

from __future__ import annotations


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


def family(gfx: str) -> str:
    """Return the ISA generation of a gfx target: gfx1103 is "11", gfx90a is "9"."""
    return (gfx[3:] if gfx.startswith("gfx") else gfx).split(":", 1)[0][:-2]
