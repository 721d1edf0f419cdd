"""GPU products and instance types of clouds: name -> compute capability (NVIDIA) or gfx target (AMD)."""

import re
from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple

import msgspec

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, current, table
from stackcheck_probes.binaries.capability import Capability
from stackcheck_probes.judging.productname import all_words, makers, telling_words

_LINES = frozenset({"quadro", "rtx", "gtx", "gt", "rx", "jetson", "agx", "ryzen"})
"""Names of lines: who leaves one out means the product all the same, who states another one does not."""

_CAPABILITY = re.compile(r"(?:sm_?)?(?P<major>1?\d)\.?(?P<minor>\d)")
_MOST_NEAR = 6
_SAYS_ITS_GPU = re.compile(
    r"p\d+e?-(?P<aws>g?b\d00)(?:\.\w+)?|(?:standard_)?n[cdgv]\w*?_(?P<azure>(?:mi)?[a-z]{0,2}\d{1,3}x?)_v\d+"
)
"""AWS: p6-b200.48xlarge. Azure: Standard_NC24ads_A100_v4; the accelerator is a part of the name
(learn.microsoft.com, "Azure virtual machine sizes naming conventions")."""
_OTHER_MAKERS = re.compile(
    r"\b(?:intel|arc|gaudi ?\d?|habana|tpu|trainium\d?|inferentia\d?|ascend|apple|m[1-5] (?:pro|max|ultra))\b"
)
_GFX = re.compile(r"gfx[0-9a-f]{3,4}")


class Gpu(msgspec.Struct, frozen=True):
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
    product: str = ""
    """The name of its row; "" when a capability, a target, or more than one row was named."""


class NvidiaProduct(Row, frozen=True, kw_only=True):
    """One NVIDIA product. host: the kind of machine it is part of, when it is not a card."""

    name: str
    capability: Capability
    arch: str
    kind: str
    host: str = ""


class AmdProduct(Row, frozen=True, kw_only=True):
    """One AMD product."""

    name: str
    gfx: str
    arch: str


class Instance(Row, frozen=True, kw_only=True):
    """Instance types of a cloud: `pattern` fits the whole name in lower case, `gpu` is a product's name."""

    pattern: str
    gpu: str


class GpuTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Every product row, and the instance types that have one."""

    checked: date
    nvidia: tuple[NvidiaProduct, ...]
    amd: tuple[AmdProduct, ...]
    instances: tuple[Instance, ...] = ()


@table
def load(told: Told) -> GpuTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    nvidia, amd = told.rows("nvidia", NvidiaProduct), told.rows("amd", AmdProduct)
    unique(nvidia, lambda row: row.name.lower(), "name")
    unique(amd, lambda row: row.name.lower(), "name")
    for row in amd:
        holds = _GFX.fullmatch(row.gfx) is not None
        require(row, "gfx", holds=holds, else_say=f"{row.gfx!r} is not a target such as gfx90a")
    instances = told.rows("instance", Instance)
    names = {row.name.lower() for row in nvidia} | {row.name.lower() for row in amd}
    for each in instances:
        known = each.gpu.lower() in names
        require(each, "gpu", holds=known, else_say=f"{each.gpu!r} is not a product of gpus.toml")
    return GpuTable(told.checked("nvidia", "amd"), nvidia, amd, instances)


def products() -> tuple[Gpu, ...]:
    """Return every product that is known as a stack would name it."""
    return _products(current())


@cache
def _products(told: Told) -> tuple[Gpu, ...]:
    table = load(told)
    nvidia = (
        Gpu(row.name, row.capability, None, row.kind, row.source, row.unverified) for row in table.nvidia
    )
    amd = (Gpu(row.name, None, row.gfx, "", row.source, row.unverified) for row in table.amd)
    return (*nvidia, *amd)


def find_gpu(text: str) -> Gpu:
    """Find a GPU by product name ("L4", "A100-SXM4-80GB"), capability ("8.9", "sm_89") or gfx target.

    Every word that tells a product from others must be one of the product's; the name of its line ("Quadro",
    "RTX") and of its generation ("Ada") may be left out. Raises ValueError with the nearest names when
    nothing fits, and with all of them when things fit that have not the same capability or target.
    """
    return _find(text, current())


@lru_cache(maxsize=4096)
def _find(text: str, told: Told) -> Gpu:
    word = text.strip().lower()
    if match := _CAPABILITY.fullmatch(word):
        return Gpu(text, Capability(int(match["major"]), int(match["minor"])))
    if _GFX.fullmatch(word):
        return Gpu(text, gfx=word)
    if _CAPABILITY.fullmatch(word[:-1]) and word[-1] in "af":
        raise ValueError(
            f"{text!r} is what code was made for; of a GPU, drop the suffix: {text.strip()[:-1]!r}."
        )
    fits = _fitting(text, told) or _in_instance(word, told)
    if not fits and _OTHER_MAKERS.search(word):
        raise ValueError(f"{text!r} is not covered: NVIDIA's and AMD's GPUs are")
    if not fits:
        raise ValueError(
            f"no GPU named {text!r} is known{_near(text, told)}; a compute capability such as '8.9' works too"
        )
    if len({(gpu.capability, gpu.gfx) for gpu in fits}) > 1:
        names = ", ".join(f"{gpu.name} ({gpu.capability or gpu.gfx})" for gpu in fits)
        raise ValueError(f"{text!r} could be any of {names}; name one, or its compute capability")
    row = fits[0]
    kind = row.kind if all(gpu.kind == row.kind for gpu in fits) else ""
    unverified = all(gpu.unverified for gpu in fits)
    product = row.name if len(fits) == 1 else ""
    return Gpu(text, row.capability, row.gfx, kind, row.source, unverified, product)


class _Named(NamedTuple):
    """A product with its words: all of them, those that tell it, and those that may be left out."""

    gpu: Gpu
    all: frozenset[str]
    telling: frozenset[str]
    arch: frozenset[str]
    maker: str


@cache
def _named(told: Told) -> tuple[_Named, ...]:
    table = load(told)
    rows = [(row, "nvidia") for row in table.nvidia] + [(row, "amd") for row in table.amd]
    return tuple(
        _Named(gpu, all_words(gpu.name), telling_words(gpu.name), all_words(row.arch), maker)
        for gpu, (row, maker) in zip(_products(told), rows, strict=True)
    )


def _fitting(text: str, told: Told) -> list[Gpu]:
    """Return the products that a text may mean: all that it names in full, else those it shortens."""
    if not re.search(r"[A-Za-z]", text):
        return []  # "580" is a GeForce and a Radeon
    wanted, stated, makes = telling_words(text), all_words(text), makers(text)
    fits = [
        each
        for each in _named(told)
        if makes <= {each.maker}
        and wanted - each.telling <= each.arch
        and each.telling - wanted <= _LINES | each.arch
    ]
    full = [each for each in fits if each.telling <= wanted]
    if not full:
        return [each.gpu for each in fits]
    nearness = [(len(each.all & stated), -len(each.all - stated)) for each in full]
    return [each.gpu for each, near in zip(full, nearness, strict=True) if near == max(nearness)]


def _in_instance(word: str, told: Told) -> list[Gpu]:
    """Return the product in an instance type of a cloud: by a row, else the one that its name says."""
    rows = (row for row in load(told).instances if re.fullmatch(row.pattern, word))
    if row := next(rows, None):
        return [gpu for gpu in _products(told) if gpu.name == row.gpu]
    named = _SAYS_ITS_GPU.fullmatch(word)
    return _fitting(named["aws"] or named["azure"], told) if named else []


def _near(text: str, told: Told) -> str:
    """Return the products that a text begins to name ("RX 7900"), else those that are spelt like it."""
    import difflib  # noqa: PLC0415 - only for a name that nobody knows

    wanted = telling_words(text)
    begun = [each.gpu.name for each in _named(told) if wanted and wanted < each.telling]
    names = {" ".join(sorted(each.telling)): each.gpu.name for each in _named(told)}
    alike = difflib.get_close_matches(" ".join(sorted(wanted)), names, n=3, cutoff=0.5)
    near = begun[:_MOST_NEAR] or [names[key] for key in alike]
    return f"; near names: {', '.join(near)}" if near else ""
