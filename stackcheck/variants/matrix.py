"""Recipes: the Nix expressions of targeted builds. What one says, and a folder of them beside a matrix."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck.variants.nixtext import read_nix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.variants.nixtext import NixText

SUFFIX = ".nix"
_PIN = re.compile(r"nixpkgs[/:\w.-]*?\b([0-9a-f]{40})\b")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_OVERRIDDEN = re.compile(r"\bpython(\d*)Packages\.([\w-]+)\.override(?:Attrs|PythonAttrs)?\b")
_CUDA_SUPPORT = re.compile(r"\bcudaSupport\s*=\s*(\w+)")
_CUDA_WORDS = re.compile(r"cuda|cudnn|nccl|gpuArch|gpuTargets|magma", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """What a recipe says, as its text has it.

    pins: commits of nixpkgs. overlays: how many. cuda_packages: package sets that overlays select. patches:
    addresses that overlays fetch. versions: what the package is set to. overridden: `(digits, attribute)` of
    `python313Packages.torch.override`. from_scratch: it defines a package instead of overriding one.
    gpu_arch, gpu_targets, cpu_flags: as bound. cuda: words of the code and strings about CUDA. steps: every
    string, for what build steps hold.
    """

    pins: tuple[str, ...] = ()
    overlays: int = 0
    cuda_packages: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    overridden: tuple[tuple[str, str], ...] = ()
    from_scratch: bool = False
    gpu_arch: tuple[str, ...] = ()
    gpu_targets: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    pname: tuple[str, ...] = ()
    cuda: tuple[str, ...] = ()
    steps: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Return every GPU target that it names, once."""
        return tuple(dict.fromkeys((*self.gpu_targets, *self.gpu_arch)))


def read_recipe(text: str) -> Written:
    """Read what a recipe says. Raises ValueError, with the line, for text that is no Nix expression."""
    nix = read_nix(text)
    overlays = [span for value in nix.values("overlays") for span in nix.elements(value)]
    inside = [text for span in overlays for text in nix.texts("version", span)]
    selected = [
        word.rpartition(".")[2]
        for span in overlays
        for value in nix.values("cudaPackages", span)
        for word in nix.words(value)
    ]
    return Written(
        pins=_pins(nix),
        overlays=len(overlays),
        cuda_packages=tuple(selected),
        patches=tuple(
            text for span in overlays for text in nix.texts("url", span) if text.endswith(".patch")
        ),
        versions=tuple(dict.fromkeys(inside or nix.texts("version"))),
        overridden=tuple(
            dict.fromkeys((match[1], match[2]) for word in nix.words() if (match := _OVERRIDDEN.search(word)))
        ),
        from_scratch=any(word.rpartition(".")[2] == "buildPythonPackage" for word in nix.words()),
        gpu_arch=nix.texts("gpuArchSM"),
        gpu_targets=nix.texts("gpuTargets"),
        cpu_flags=nix.texts("cpuFlags"),
        pname=nix.texts("pname"),
        cuda=_cuda_words(nix),
        steps="\n".join(nix.strings()),
    )


def _pins(nix: NixText) -> tuple[str, ...]:
    """Return the commits of nixpkgs: in an address, or as the `rev` beside `repo = "nixpkgs"`."""
    found = [match[1] for text in nix.strings() if (match := _PIN.search(text))]
    if "nixpkgs" in nix.texts("repo"):
        found += [text for text in nix.texts("rev") if _COMMIT.fullmatch(text)]
    return tuple(dict.fromkeys(found))


def _cuda_words(nix: NixText) -> tuple[str, ...]:
    """Return what speaks of CUDA in a recipe; `cudaSupport = false` speaks against it and is left out."""
    off = all(value == "false" for value in _CUDA_SUPPORT.findall(nix.code))
    words = [word for word in nix.words() if _CUDA_WORDS.search(word)]
    return tuple(
        dict.fromkeys(word for word in words if not (off and word.rpartition(".")[2] == "cudaSupport"))
    )


@dataclass(frozen=True)
class Shelf:
    """A folder of recipes and the variants that it is for.

    wanted: the variants. files: name without `.nix` -> what it says, or why it cannot be read (text). others:
    files that are no recipes of this family. folder: as the user named it.
    """

    wanted: tuple[Stack, ...]
    files: Mapping[str, Written | str]
    others: tuple[str, ...] = ()
    folder: str = ""

    def variant(self, name: str) -> Stack | None:
        """Return the variant that a file is named by."""
        return next((stack for stack in self.wanted if stack.id == name), None)

    def meant(self, name: str, tables: Tables) -> Stack | None:
        """Return the variant that a file builds by what it says, else the one that its name begins with."""
        written = self.files[name]
        if isinstance(written, Written):
            fits = [stack for stack in self.wanted if _builds(written, stack, tables)]
            if len(fits) == 1:
                return fits[0]
        longer = [stack for stack in self.wanted if f"{name}-".startswith(f"{stack.id}-")]
        return max(longer, key=lambda stack: len(stack.id), default=None)

    def model(self, name: str, tables: Tables) -> Stack:
        """Return the variant to hold a file against: its own, the one it builds, else the one named next."""
        found = self.variant(name) or self.meant(name, tables)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, [stack.id for stack in self.wanted], n=1, cutoff=0.0)
        return self.variant(near[0] if near else "") or self.wanted[0]


def _builds(written: Written, stack: Stack, tables: Tables) -> bool:
    isa = tables.isas.isa(stack.variant.isa if stack.variant else None)
    flags = frozenset(written.cpu_flags)
    return isa is not None and flags == frozenset(isa.flags) and set(written.targets) == set(stack.arch_list)


def make_shelf(wanted: tuple[Stack, ...], texts: Mapping[str, str], folder: str) -> Shelf:
    """Read the texts of a folder's `.nix` files (name with suffix -> text) that belong to the family."""
    prefix = family_prefix([stack.id for stack in wanted])
    files: dict[str, Written | str] = {}
    for file, text in sorted(texts.items()):
        name = file.removesuffix(SUFFIX)
        if name.startswith(prefix):
            try:
                files[name] = read_recipe(text)
            except ValueError as error:
                files[name] = str(error)
    others = tuple(file for file in sorted(texts) if file.removesuffix(SUFFIX) not in files)
    return Shelf(wanted, files, others, folder)


def counted(number: int) -> str:
    """Return "1 recipe", "6 recipes"."""
    return f"{number} recipe{'s' * (number != 1)}"


def family_prefix(ids: list[str]) -> str:
    """Return what all names of a family begin with, up to a hyphen: "pytorch-python313-"."""
    first, last = min(ids), max(ids)  # in between, all share what these two share
    shared = next((at for at, sign in enumerate(first) if not last.startswith(sign, at)), len(first))
    return first[: first.rfind("-", 0, shared) + 1]
