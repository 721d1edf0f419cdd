"""Rules about what the loader will say: needed libraries, symbol versions, and the symbols of torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.model.evidence import Evidence
from stackcheck.rules.loading.unknown_system import asked_of_the_system, asked_of_the_wheels
from stackcheck.rules.registry import Finding, passed, rule, skipped, told, warned
from stackcheck_probes.judging.loadbuilds import SHOWN, builds_of, needed, spared
from stackcheck_probes.judging.loadfit import (
    OF_THE_STACK,
    OF_TORCH,
    absences,
    absent,
    other_abi,
    outdated,
    shadowed,
    too_old,
    top_folder,
    undefined,
    unreadable,
)
from stackcheck_probes.judging.packagecover import short_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.environment import Environment
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.binaries import (
        LibraryCopy,
        Loading,
        MissingNeed,
        MissingSymbols,
        MissingVersion,
    )
    from stackcheck_probes.facts.python import Distribution, Distributions

COUPLED = ("cudnn", "nccl", "cublas", "nvjitlink")
"""Libraries of which two under one soname in one tree mean that order decides which one a process gets."""


_NUMBERS = re.compile(r"(\d+)")


_Row = TypeVar("_Row", "MissingNeed", "MissingVersion", "MissingSymbols")


def _libraries_were_found(facts: Facts) -> bool:
    seen = facts.get("loading")
    return not isinstance(seen, Mapping) or bool(seen["libraries"])


def own_folders(stack: Stack) -> frozenset[str]:
    """Return the top folders of the stack's packages: what these cannot load fails it."""
    return frozenset((*OF_THE_STACK, *(name.replace("-", "_") for name in stack.packages)))


@rule("LOAD301", about="package")
def needed_libraries_are_there(stack: Stack, tables: Tables, loading: Loading) -> list[Finding]:
    """Every library finds the libraries that it needs.

    The loader refuses a library when one that it needs is nowhere on its search path: DT_RPATH,
    LD_LIBRARY_PATH, DT_RUNPATH, ld.so.cache, the default folders, or loaded before by `import torch`. The
    driver (libcuda.so.1) comes from the host and may be absent, and so may what optional plug-ins need.

    Source: ld.so(8), man7.org/linux/man-pages/man8/ld.so.8.html; checked 2026-11-20 against the real loader.
    Example: mmcv-full 1.3.10 of the cu111 page needs libcudart.so.10.2.
    Fix: install the build of the extension that was made for this CUDA, or the package that has the library.
    """
    if loading.get("alone") and loading["libraries"]:
        return asked_of_the_wheels(loading, tables)
    if not loading["libraries"]:
        return []
    allowed = [row for row in loading["missing"] if row["driver"] or _optional(row, tables)]
    rows = [row for row in loading["missing"] if row not in allowed]
    standing, found = _without_spared(rows, loading, wholly=True)
    if not standing and "missing" in loading.get("cut", ()):
        return [skipped(f"more than {len(loading['missing'])} needs are not served; the rest was not listed")]
    if not standing:
        return [
            passed(f"all {loading['libraries']} libraries find what they need{_aside(allowed, loading)}"),
            *found,
        ]
    own = own_folders(stack)
    return found + [
        told(
            absent(each, own, loading),
            *(
                Evidence(f"{row['library']} needs {row['needs']}", "DT_NEEDED of the file")
                for row in each[:SHOWN]
            ),
            about=packages_of(each, loading),
        )
        for each in absences(standing, loading)
    ]


def packages_of(rows: Iterable[MissingNeed | MissingVersion | MissingSymbols], loading: Loading) -> list[str]:
    """Return the top folders of the libraries that rows are about: what their findings are about."""
    return [top_folder(row["library"], loading["roots"]) for row in rows]


def _optional(row: MissingNeed, tables: Tables) -> bool:
    """Tell whether a library may miss what it misses."""
    return tables.optional.find(row["library"], row["needs"]) is not None


def _aside(allowed: list[MissingNeed], loading: Loading) -> str:
    """Say what was left aside."""
    note = f"; {len(allowed)} needs of the driver or of optional plug-ins left aside" if allowed else ""
    others = loading.get("other_pythons", 0)
    return note + (f"; {others} extension modules for other Pythons were not judged" if others else "")


def _without_spared(
    rows: Sequence[_Row], loading: Loading, *, wholly: bool
) -> tuple[list[_Row], list[Finding]]:
    """Return the rows of libraries of which no other build fits, and what there is to say of the others."""
    fit = spared(loading, {row["library"] for row in rows}, wholly=wholly)
    said: dict[str, Finding] = {}
    for path, others in sorted(fit.items()):
        best = max(others, key=_by_number)
        refused = [each for each in builds_of(path, loading) if each not in others]
        name, rest = (
            short_path(best, loading["roots"]),
            [short_path(each, loading["roots"]) for each in refused],
        )
        text = f"{name} fits, and the {len(rest)} other builds of it that do not are not needed."
        said.setdefault(best, passed(text, *(Evidence(each) for each in rest[:SHOWN])))
    return needed(list(rows), loading, wholly=wholly), list(said.values())


def _one_a_library(rows: Sequence[_Row], loading: Loading) -> list[_Row]:
    """Return one row for the builds of one library, the newest: none of them fits."""
    chosen: dict[str, _Row] = {}
    for row in sorted(rows, key=lambda row: _by_number(row["library"])):
        chosen[builds_of(row["library"], loading)[0]] = row
    return list(chosen.values())


def _by_number(path: str) -> list[tuple[int, str]]:
    """Return a key that sorts pg_2_9 before pg_2_13."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBERS.split(path)]


@rule("LOAD302", about="package")
def symbol_versions_are_there(
    stack: Stack, env: Environment, tables: Tables, loading: Loading
) -> list[Finding]:
    """Every library finds the symbol versions that it needs: GLIBC, GLIBCXX, CXXABI and the others.

    A library built on a newer system wants newer symbol versions than the C or C++ library here has; the
    loader then refuses it with `version 'GLIBC_2.33' not found`. A linux_x86_64 wheel promises nothing.

    Source: symbol versioning, refspecs.linuxfoundation.org/LSB_5.0.0; checked 2026-11-20.
    Example: pyg-lib 0.5.0+pt28cu128 on Ubuntu 20.04 (glibc 2.31) wants GLIBC_2.33.
    Fix: a newer base image, or an older or self-built wheel.
    """
    if not loading["libraries"]:
        return []
    if loading.get("alone") and not loading["versions"]:
        return asked_of_the_system(env, tables, loading, own_folders(stack))
    standing, found = _without_spared(loading["versions"], loading, wholly=True)
    if not standing:
        return [
            passed(f"all {loading['libraries']} libraries find the symbol versions that they need"),
            *found,
        ]
    own = own_folders(stack)
    return found + [
        told(
            too_old(rows, own, loading),
            *(
                Evidence(
                    f"{row['library']} needs {row['version']} of {row['needs']}", ".gnu.version_r of the file"
                )
                for row in rows[:SHOWN]
            ),
            about=packages_of(rows, loading),
        )
        for rows in outdated(standing, loading)
    ]


@rule("LOAD303", about="package")
def torch_symbols_are_there(loading: Loading, distributions: Distributions) -> list[Finding] | None:
    """Every extension finds the symbols of torch that it was built with.

    libtorch keeps no stable C++ interface between minor versions. An extension made for another torch has
    undefined symbols; the import then dies with one of their mangled names, or only says that an operator
    does not exist.

    Source: the symbol tables of the files; compared 2026-11-20 with what dlopen names for torchvision 0.21.0,
    torchaudio 2.6.0 and xformers 0.0.29.post3 on torch 2.5.0.
    Example: torchvision 0.21.0 on torch 2.5.0: at::Context::alertNotDeterministic(std::basic_string_view...).
    Fix: install the version of the extension that was made for this torch.
    """
    if loading["torch"] is None and not loading["undefined"]:
        return None
    installed = {row["name"]: row for row in reversed(distributions["distributions"])}
    torch = installed["torch"]["version"] if "torch" in installed else "this torch"
    rows, found = _without_spared(loading["undefined"], loading, wholly=False)
    if not rows:
        return [passed(f"every extension finds the symbols of torch {torch} that it needs"), *found]
    return found + [_undefined(row, loading, installed, torch) for row in _one_a_library(rows, loading)]


def _undefined(
    row: MissingSymbols, loading: Loading, installed: Mapping[str, Distribution], torch: str
) -> Finding:
    owner = _owner(row["library"], installed, loading["roots"])
    package = f"{owner['name']} {owner['version']}" if owner else ""
    judged = undefined(row, loading, torch, package, _torch_wanted(owner))
    whose = packages_of([row], loading)
    if not row["symbols"][0].startswith(OF_TORCH):
        return told(judged, Evidence(row["library"], "dynamic symbol table"), about=whose)
    named = (Evidence(mangled, row["library"]) for mangled in row["symbols"][:SHOWN])
    return told(judged, *named, about=whose)


def _owner(path: str, installed: Mapping[str, Distribution], roots: list[str]) -> Distribution | None:
    """Return the distribution that a file belongs to, by the name of its top folder."""
    top = top_folder(path, roots).lower().replace("_", "-")
    folders = {"torio": "torchaudio"}
    top = folders.get(top, top)
    return installed.get(top) or next(
        (row for name, row in installed.items() if name.startswith(f"{top}-cu")), None
    )


def _torch_wanted(owner: Distribution | None) -> str:
    """Return the version of torch that a distribution requires exactly, "" when it requires none."""
    for text in owner["requires"] if owner else ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        pins = [each.version for each in requirement.specifier if each.operator == "=="]
        if requirement.name == "torch" and pins:
            return pins[0]
    return ""


@rule("LOAD304", about="package")
def strings_have_one_abi(loading: Loading) -> list[Finding] | None:
    """Extensions and torch use the same C++11 ABI for std::string.

    libstdc++ has two: official wheels of torch up to 2.5 use the old one, from 2.7 on the new one; conda, NGC
    containers and own builds differ. An extension of the other ABI never finds the symbols that take strings.

    Source: _GLIBCXX_USE_CXX11_ABI, gcc.gnu.org/onlinedocs/libstdc++/manual/using_dual_abi.html; which one is
    read from the symbols of libc10.so and of the extension (checked 2026-11-20).
    Example: flash-attn 2.5.5 ...cxx11abiTRUE on torch 2.2.0.
    Fix: take the wheel of the other ABI, or build the extension against this torch.
    """
    torch = loading["torch"]
    if torch is None or not loading["abi"]:
        return None
    if not torch["abi"]:
        reason = "which C++11 ABI libc10.so has cannot be read from its symbols"
        text = f"{reason}, so the extensions were not compared with it"
        return [warned(text, Evidence(torch["c10"]), about="torch")]
    refused = [path for path, abi in loading["abi"].items() if abi != torch["abi"]]
    needless = spared(loading, refused, wholly=False)
    other = sorted(path for path in refused if path not in needless)
    if not other:
        return [passed(f"torch and {len(loading['abi'])} extensions use the {torch['abi']} C++11 ABI")]
    return [
        told(
            other_abi(path, loading["abi"][path], torch["abi"]),
            Evidence(path, "undefined symbols of the file"),
            Evidence(torch["c10"], "constructors of c10::Error"),
            about=top_folder(path, loading["roots"]),
        )
        for path in other
    ]


@rule("LOAD305", when=_libraries_were_found, about="library")
def nothing_is_shadowed(loading: Loading) -> list[Finding] | None:
    """LD_LIBRARY_PATH puts no other copy before the libraries of the wheels.

    It does not beat DT_RPATH (torch's own libraries up to 2.5), but it does beat DT_RUNPATH: the parts of
    cuDNN and libnvJitLink are then taken from a system toolkit of another version.

    Source: ld.so(8); measured 2026-11-20 on torch 2.5.0+cu124.
    Example: LD_LIBRARY_PATH=/usr/local/cuda/lib64 with an older libnvJitLink.so.12.
    Fix: take the folder off LD_LIBRARY_PATH; wheels need none.
    """
    if loading.get("alone"):
        return None  # that variable is of the machine which runs it
    if not loading["shadowed"]:
        return [passed("LD_LIBRARY_PATH shadows no library of the wheels")]
    return [
        told(
            shadowed(row),
            Evidence(f"DT_RUNPATH of {row['library']}", "ld.so(8): LD_LIBRARY_PATH comes before DT_RUNPATH"),
            about=row["needs"],
        )
        for row in loading["shadowed"]
    ]


@rule("LOAD306", when=_libraries_were_found, about="library")
def one_copy_of_each(loading: Loading) -> list[Finding]:
    """There is one copy of cuDNN, NCCL, cuBLAS and nvJitLink under each soname.

    The first copy that a process loads under a soname serves everybody after it. With two of different
    versions, the order of imports decides which one torch gets.

    Source: ld.so(8), a soname is loaded once; checked 2026-11-20.
    Example: libcudnn.so.9 in nvidia/cudnn/lib and in the lib folder of another package.
    Fix: remove the package that brings the second copy.
    """
    doubled = [
        (soname, sorted(paths))
        for family in COUPLED
        for soname, paths in _by_soname(loading["copies"].get(family, ())).items()
        if len(paths) > 1
    ]
    if not doubled:
        text = "cuDNN, NCCL, cuBLAS and nvJitLink are there at most once under each soname"
        carried = {family: rows for family, rows in loading["copies"].items() if family not in COUPLED}
        if carried:  # wheels carry their own, mostly under names of their own: no fault, but to be known
            copies = ", ".join(f"{len(rows)} of {family}" for family, rows in sorted(carried.items()))
            text += f"; packages carry copies of their own ({copies})"
        paths = [Evidence(row["path"], row["soname"]) for rows in carried.values() for row in rows]
        return [passed(text, *paths)]
    return [
        warned(
            f"{soname} is there {len(paths)} times; which one a process gets depends on the order of imports",
            *(Evidence(path) for path in paths),
            expected="one copy",
            found=", ".join(map(short_path, paths)),
            hint="remove the package that brings the copy which torch was not made for",
            about=soname,
        )
        for soname, paths in doubled
    ]


def _by_soname(rows: Iterable[LibraryCopy]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["soname"], []).append(row["path"])
    return found


@rule("LOAD307", about="library")
def every_library_was_read(loading: Loading) -> list[Finding]:
    """Every library could be read.

    A file that is cut off, or whose tables make no sense, was not inspected: an interrupted copy or download.

    Source: the reader of stackcheck (ELF, System V gABI).
    Example: a libtorch_cuda.so of 12 MB after a full disk.
    Fix: reinstall the package that owns the file.
    """
    problems = [(row["path"], row["error"]) for row in loading["unreadable"]]
    if not problems and not loading["skipped"] and not loading["libraries"]:
        return []
    if not problems and not loading["skipped"]:
        return [passed(f"all {loading['libraries']} libraries were read")]
    findings = [
        told(unreadable(path, error), Evidence(path), about=short_path(path)) for path, error in problems
    ]
    return findings + [
        warned(f"a part of the tree was not looked at: {why}", about=why) for why in loading["skipped"]
    ]


@rule("LOAD308", about="package")
def nvidia_wheels_are_of_one_cuda(distributions: Distributions) -> Finding | None:
    """The nvidia-* wheels are made for one CUDA major.

    Each major brings its own runtime, cuDNN and cuBLAS under other sonames, so nothing is overwritten; but
    what an upgrade left behind costs gigabytes, and may be loaded by a package that was made for it.

    Source: the names of the distributions (nvidia-cublas-cu12, nvidia-cudnn-cu13), checked 2026-11-20.
    Example: torch 2.11 (cu130) installed over torch 2.5 (cu124): both sets of wheels stay.
    Fix: uninstall the wheels of the CUDA that torch was not built for, unless another package needs them.
    """
    majors: dict[str, list[str]] = {}
    for row in distributions["distributions"]:
        name, _, tag = row["name"].rpartition("-cu")
        if name.startswith("nvidia-") and tag.isdecimal():
            majors.setdefault(tag[:2], []).append(row["name"])
    if not majors:
        return None
    if len(majors) == 1:
        return passed(
            f"the {sum(map(len, majors.values()))} nvidia-* wheels are of CUDA {next(iter(majors))}"
        )
    counts = ", ".join(f"{len(names)} of CUDA {major}" for major, names in sorted(majors.items()))
    return warned(
        f"nvidia-* wheels of several CUDA majors are installed: {counts}",
        *(Evidence(", ".join(sorted(names)[:SHOWN])) for _, names in sorted(majors.items())),
        expected="one CUDA major",
        found=counts,
        hint="uninstall those of the CUDA that torch was not built for, unless another package needs them",
        about=(name for names in majors.values() for name in names),
    )
