"""GPU products: name -> compute capability (NVIDIA) or gfx target (AMD)."""

import difflib
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from stackcheck.tables.reading import FOLDER, Row, only_keys, read_rows, read_table, require, unique
from stackcheck_probes.binaries.capability import Capability

_MAKERS = frozenset(
    {"nvidia", "amd", "geforce", "tesla", "quadro", "radeon", "instinct", "jetson", "gpu", "graphics"}
)
_CAPABILITY = re.compile(r"(?:sm_?)?(?P<major>\d{1,2})\.?(?P<minor>\d)")
_GFX = re.compile(r"gfx[0-9a-f]{3,4}")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, as a stack names it: a product, a bare compute capability or a bare gfx target.

    Exactly one of `capability` and `gfx` is set. `kind` is "datacenter", "workstation", "consumer", "jetson",
    "soc", or "" when only the capability was named.
    """

    name: str
    capability: Capability | None = None
    gfx: str | None = None
    kind: str = ""
    source: str = ""
    unverified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NvidiaProduct(Row):
    """One NVIDIA product. host: the kind of machine it is part of, when it is not a card."""

    name: str
    capability: Capability
    arch: str
    kind: str
    capability_before_cuda13: Capability | None = None
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmdProduct(Row):
    """One AMD product."""

    name: str
    gfx: str
    arch: str
    igpu: bool = False


@dataclass(frozen=True)
class GpuTable:
    """Every product row."""

    checked: date
    nvidia: tuple[NvidiaProduct, ...]
    amd: tuple[AmdProduct, ...]


def load(folder: Path = FOLDER) -> GpuTable:
    """Return the table, read once and proven. Raises TableError naming file, row and key."""
    return _load(folder)


@cache
def _load(folder: Path) -> GpuTable:
    table = read_table("gpus", folder)
    only_keys(table, ("nvidia", "amd"))
    nvidia = read_rows(table, "nvidia", NvidiaProduct)
    amd = read_rows(table, "amd", AmdProduct)
    unique(nvidia, lambda row: row.name.lower(), "name")
    unique(amd, lambda row: row.name.lower(), "name")
    for row in amd:
        holds = _GFX.fullmatch(row.gfx) is not None
        require(row, "gfx", holds=holds, else_say=f"{row.gfx!r} is no target such as gfx90a")
    return GpuTable(table["checked"], nvidia, amd)


@cache
def products() -> tuple[Gpu, ...]:
    """Return every product of `gpus.toml` as a stack would name it."""
    table = load()
    nvidia = (
        Gpu(row.name, row.capability, None, row.kind, row.source, row.unverified) for row in table.nvidia
    )
    amd = (Gpu(row.name, None, row.gfx, "", row.source, row.unverified) for row in table.amd)
    return (*nvidia, *amd)


def find_gpu(text: str) -> Gpu:
    """Find a GPU by product name ("L4", "A100-SXM4-80GB"), capability ("8.9", "sm_89") or gfx target.

    Raises ValueError with the nearest names when nothing, or more than one thing, fits.
    """
    word = text.strip().lower()
    if match := _CAPABILITY.fullmatch(word):
        return Gpu(text, Capability(int(match["major"]), int(match["minor"])))
    if _GFX.fullmatch(word):
        return Gpu(text, gfx=word)
    wanted = words(text)
    fits = [(len(own), gpu) for own, gpu in _by_words() if own <= wanted]
    best = [gpu for size, gpu in fits if size == max(size for size, _ in fits)]
    if not best:
        raise ValueError(
            f"no GPU named {text!r} is known{_near(text)}; a compute capability such as '8.9' works too"
        )
    if len({(gpu.capability, gpu.gfx) for gpu in best}) > 1:
        names = ", ".join(gpu.name for gpu in best)
        raise ValueError(f"{text!r} could be any of {names}; name one, or its compute capability")
    row = best[0]
    return Gpu(text, row.capability, row.gfx, row.kind, row.source, row.unverified)


@cache
def _by_words() -> tuple[tuple[frozenset[str], Gpu], ...]:
    return tuple((words(gpu.name), gpu) for gpu in products())


def words(name: str) -> frozenset[str]:
    """Return the words that tell a product from others: lower case, without those of its maker and line."""
    found = frozenset(re.findall(r"[a-z0-9+]+", name.lower()))
    return found - _MAKERS or found


def _near(text: str) -> str:
    names = {" ".join(sorted(words(gpu.name))): gpu.name for gpu in products()}
    near = difflib.get_close_matches(" ".join(sorted(words(text))), names, n=3, cutoff=0.5)
    return f"; near names: {', '.join(names[key] for key in near)}" if near else ""
