"""Packages whose releases belong together."""

from __future__ import annotations

COUPLED = ("torch", "torchvision", "torchaudio", "triton", "numpy", "spconv-", "cumm-", "nvidia-")
"""Distributions tied to each other by native interfaces: a requirement on one, unmet, is a break,
and not a matter of taste. A name ending in "-" stands for every name that begins with it."""


def coupled(name: str) -> bool:
    """Tell whether a distribution is tied to others by native interfaces."""
    return any(name == each or (each.endswith("-") and name.startswith(each)) for each in COUPLED)
