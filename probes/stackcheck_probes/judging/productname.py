"""The words of a GPU's name that tell one product from another. Pure.

A name is as a driver, a shop or a person writes it. Everything that is not listed here tells: `pro`, `ada`,
`ti`, `super`, `d` and any word that is new make another product.
"""

from __future__ import annotations

import re

OF_MAKER = {
    "nvidia": "nvidia",
    "geforce": "nvidia",
    "tesla": "nvidia",
    "quadro": "nvidia",
    "jetson": "nvidia",
    "amd": "amd",
    "radeon": "amd",
    "instinct": "amd",
    "ryzen": "amd",
}
"""Word -> the maker whose products it is said of."""

_SILENT = frozenset(
    [
        "nvidia",
        "geforce",
        "tesla",
        "amd",
        "radeon",
        "instinct",
        "corporation",
        "tm",
        "r",
        "gpu",
        "igpu",
        "graphics",
        "card",
        "accelerator",
        "tensor",
        "core",
        "generation",
        "lovelace",
        "edition",
        "workstation",
        "server",
        "sff",
        "laptop",
        "mobile",
        "embedded",
        "shared",
        "mega",
        "grid",
        "ac",
        "module",
        "developer",
        "devkit",
        "kit",
        "pcie",
        "sxm",
        "nvl",
        "mig",
        "hgx",
        "dgx",
        "grace",
        "superchip",
        "nvgpu",
    ]
)
_SILENT_PATTERN = re.compile(r"\d+gb|\d{1,3}g|hbm\d?e?|3e|gddr\d?x?|sxm\d|nvl\d+|pcie\d|\d{1,2}[qcab]")
"""Memory, form, and the profiles of vGPUs ("A10-24Q") and of MIG: parts of a product, with its capability."""
_MAX_Q = re.compile(r"(?:with )?max[- ]?q(?: design)?")


def all_words(name: str) -> frozenset[str]:
    """Return every word of a name in lower case; "Max-Q" is a power limit and no word."""
    return frozenset(re.findall(r"[a-z0-9+]+", _MAX_Q.sub(" ", name.lower())))


def telling_words(name: str) -> frozenset[str]:
    """Return the words that tell the product: not maker, memory, form factor, power limit or packaging.

    Products that differ in those alone have the same compute capability or gfx target.

    >>> sorted(telling_words("NVIDIA A100-SXM4-80GB"))
    ['a100']
    """
    found = all_words(name)
    told = frozenset(word for word in found if word not in _SILENT and not _SILENT_PATTERN.fullmatch(word))
    return told or found


def makers(name: str) -> frozenset[str]:
    """Return the makers that the words of a name speak of."""
    return frozenset(OF_MAKER[word] for word in all_words(name) if word in OF_MAKER)
