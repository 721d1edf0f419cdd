"""The driver of the hosts against what was built, and against the GPUs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from stackcheck.rules.archlist import expand, parsed_codes, stated_arch_list
from stackcheck.rules.coverage import Served, sentence, served, shown, titles
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, passed, rule, skipped, warned
from stackcheck.rules.torchbuild import platform_of, torch_backend
from stackcheck.tables.reading import parse_version
from stackcheck.tables.torch import minor
from stackcheck_probes.capability import PTX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.definition import Stack
    from stackcheck.tables import Tables
    from stackcheck.tables.cuda import Family, Toolkit

_FORWARD = "NVIDIA CUDA Compatibility, forward compatibility, docs.nvidia.com/deploy/cuda-compatibility"


@dataclass(frozen=True, slots=True)
class Driver:
    """What a stack says about the driver of its hosts.

    low, high: the oldest and the newest that it admits; None is open. A bare branch ("570", "R570") admits
    everything in that branch: then `whole_branch` is True, and `low` is only the branch number.
    """

    text: str
    low: Version | None
    high: Version | None
    whole_branch: bool = False

    def below(self, floor: Version) -> bool | None:
        """Tell whether hosts are, or are admitted to be, below `floor`; None when that is not known."""
        if self.high is not None and self.high < floor and not self._in_branch(self.high, floor):
            return True
        if self.low is None or self._in_branch(self.low, floor):
            return None
        return self.low < floor

    def _in_branch(self, bound: Version, floor: Version) -> bool:
        # "570" says nothing about which 570: a bare branch number is no exact bound.
        return len(bound.release) == 1 and bound.release[0] == floor.release[0] and len(floor.release) > 1


@lru_cache(maxsize=1024)
def parse_driver(text: str) -> Driver | None:
    """Parse "550.54.15", "R570", "570" or ">=550.54.15,<600"; None for anything else."""
    branch = re.fullmatch(r"[rR]?(\d{3})", text.strip())
    if branch:
        number = Version(branch[1])
        return Driver(text, number, number, whole_branch=True)
    low: Version | None = None
    high: Version | None = None
    try:
        for part in text.split(","):
            match = re.fullmatch(r"\s*(>=|>|<=|<|==|)\s*([\d.]+?)(?:\.\*)?\s*", part)
            if match is None:
                return None
            version = Version(match[2])
            if match[1] in (">=", ">", "==", ""):
                low = version if low is None else max(low, version)
            if match[1] in ("<=", "<", "==", ""):
                high = version if high is None else min(high, version)
    except InvalidVersion:
        return None
    return Driver(text, low, high)


@dataclass(frozen=True, slots=True)
class Needed:
    """The CUDA version whose code runs in a stack, and what says so, as the subject of a sentence."""

    cuda: Version
    by: str


def needed_cuda(stack: Stack, tables: Tables) -> Needed | None:
    """Return the CUDA version whose code runs in the stack; None when there is no CUDA."""
    backend = torch_backend(stack, tables) if "torch" in stack.packages else None
    if backend is not None:
        return Needed(backend.version, backend.by) if backend.kind == "cuda" and backend.version else None
    if stack.cuda and stack.accelerator != "cpu":
        return Needed(parse_version(minor(stack.cuda)), "the stack")
    return None


def _states_driver(facts: Mapping[str, Any]) -> bool:
    stack: Stack | None = facts.get("stack")
    return stack is not None and bool(stack.driver or stack.driver_cuda)


@rule("DRIVER101", when=_states_driver)
def driver_runs_cuda(stack: Stack, tables: Tables) -> Finding | None:
    """The driver runs the CUDA version that torch was built for.

    A driver runs everything older. Inside one major version it also runs newer minor versions from the floor
    of that major version on (450.80.02 for 11, 525.60.13 for 12, 580.65.06 for 13), SASS only; before CUDA 11
    each version needs its own driver. The CUDA version that nvidia-smi prints is the newest the driver has,
    not what is installed. Forward compatibility packages lift this on data center GPUs alone.

    Source: NVIDIA CUDA Compatibility; CUDA release notes, tables 2 and 3 (rows of `stackcheck tables`).
    Example: torch 2.11.0 from PyPI (CUDA 13.0) on a 570 driver: `The NVIDIA driver on your system is too
    old`.
    Fix: update the driver, or take a build for the driver's major version.
    """
    needed = needed_cuda(stack, tables)
    if needed is None:
        return None
    if stack.driver is None:
        return _by_driver_cuda(stack, needed, tables)
    driver = parse_driver(stack.driver)
    if driver is None:
        return skipped(f"the driver {stack.driver!r} is no version, branch or range that can be compared")
    windows = platform_of(stack).startswith("windows")
    floor = tables.cuda.floor(needed.cuda, "windows" if windows else "linux")
    if floor is None:
        return _by_own_driver(driver, needed.cuda, tables, windows=windows)
    return _by_floor(stack, driver, needed, floor, tables)


def _by_floor(
    stack: Stack, driver: Driver, needed: Needed, floor: tuple[Version, Family | Toolkit], tables: Tables
) -> Finding:
    least, row = floor
    cuda = needed.cuda
    says = f"CUDA {cuda} needs a driver >= {least}"
    expected, found = f"driver >= {least}", f"driver {driver.text}"
    below = driver.below(least)
    if below:
        return _too_old(stack, needed, (row, says), found=found, expected=expected)
    if below is None:
        text = (
            f"{says} ({needed.by} says CUDA {cuda}); {driver.text} does not tell whether all hosts have that."
        )
        hint = "state the whole driver version"
        return warned(text, cite(row, says), expected=expected, found=found, hint=hint)
    toolkit = tables.cuda.toolkit(cuda)
    own = toolkit.driver_linux if toolkit else None
    how = f"Driver {driver.text} runs CUDA {cuda}, which needs {least}."
    if own is not None and driver.below(own):
        how = (
            f"Driver {driver.text} runs CUDA {cuda} by minor-version compatibility: it is above the floor "
            f"{least}, below {own}, which CUDA {cuda} came with; machine code runs, PTX of {cuda} does not."
        )
    return passed(how, cite(row, says), expected=expected, found=found)


def _by_own_driver(driver: Driver, cuda: Version, tables: Tables, *, windows: bool) -> Finding:
    """Judge by the driver that came with the toolkit, where no floor is known: above it all is well."""
    toolkit = tables.cuda.toolkit(cuda)
    if toolkit is None:
        return no_data(f"CUDA {cuda}", f"CUDA {tables.cuda.newest.version}", tables.cuda.checked)
    own = toolkit.driver_windows if windows else toolkit.driver_linux
    if own is not None and driver.below(own) is False:
        says = f"CUDA {cuda} came with driver {own}"
        return passed(f"Driver {driver.text} runs CUDA {cuda}: {says}.", cite(toolkit, says))
    where = "Windows" if windows else "Linux"
    return skipped(f"no data on the least driver that runs CUDA {cuda} on {where}")


def _by_driver_cuda(stack: Stack, needed: Needed, tables: Tables) -> Finding:
    """Judge by the CUDA version that the driver reports."""
    cuda, has = needed.cuda, parse_version(minor(stack.driver_cuda or "0"))
    found = f"a driver of CUDA {has}"
    if has >= cuda:
        return passed(f"A driver of CUDA {has} runs CUDA {cuda}: drivers run what is older.", found=found)
    row = tables.cuda.family(cuda.major) or tables.cuda.toolkit(cuda)
    if row is None:
        return no_data(f"CUDA {cuda}", f"CUDA {tables.cuda.newest.version}", tables.cuda.checked)
    if cuda.major >= 11 and has.major == cuda.major:
        says = f"any driver of CUDA {has.major} runs CUDA {cuda} by minor-version compatibility"
        text = f"A driver of CUDA {has} runs CUDA {cuda}: {says}; machine code runs, PTX of {cuda} does not."
        return passed(text, cite(row, says), found=found)
    expected = f"a driver of CUDA {cuda.major if cuda.major >= 11 else cuda} or later"
    return _too_old(stack, needed, (row, f"CUDA {cuda} needs {expected}"), found=found, expected=expected)


def _too_old(
    stack: Stack, needed: Needed, said: tuple[Family | Toolkit, str], *, found: str, expected: str
) -> Finding:
    cuda, (row, says) = needed.cuda, said
    text = f"The driver is too old: {says} ({needed.by} says CUDA {cuda}), and the hosts have {found}."
    hint = f"update to {expected}, or take a build of torch for an older CUDA major version"
    compat, datacenter = f"cuda-compat-{cuda.major}-{cuda.minor}", _all_datacenter(stack)
    if datacenter:
        hint += f", or install {compat} (data center GPUs only)"
    if not _uses_compat(stack):
        return failed_by(text, said, expected=expected, found=found, hint=hint)
    text += " The stack uses the forward compatibility package,"
    if datacenter:
        text += f" which serves data center GPUs; that it is {compat} was not seen."
        return warned(text, cite(row, says), expected=expected, found=found, hint=f"see {_FORWARD}")
    text += " which other GPUs than those of data centers refuse with error 804."
    return failed_by(text, said, expected=expected, found=found, hint=hint)


def _all_datacenter(stack: Stack) -> bool:
    return bool(stack.gpus) and all(gpu.kind == "datacenter" for gpu in stack.gpus)


def _uses_compat(stack: Stack) -> bool:
    path = stack.env.get("LD_LIBRARY_PATH", "")
    return "/cuda/compat" in path or any(name.startswith("cuda-compat") for name in stack.image.apt)


@rule("DRIVER102", when=_states_driver)
def driver_branch_has_gpus(stack: Stack, tables: Tables) -> Finding | None:
    """The driver branch still drives the GPUs.

    Branches drop old generations: R470 is the last for Kepler, R580 for Maxwell, Pascal and Volta. On a later
    branch such a GPU is not there at all, whatever the wheels are.

    Source: NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, docs.nvidia.com/datacenter/tesla/drivers.
    Example: a V100 on driver 590.48.01.
    Fix: keep the last branch of that generation on those hosts.
    """
    driver = parse_driver(stack.driver) if stack.driver else None
    if driver is None or driver.low is None:
        return None
    rows = []
    for gpu in stack.gpus:
        row = tables.cuda.generation(gpu.capability) if gpu.capability else None
        if row is not None and row.last_branch is not None:
            rows.append((gpu, row))
    if not rows:
        return None
    branch = driver.low.release[0]
    bad = [(gpu, row) for gpu, row in rows if row.last_branch is not None and branch > row.last_branch]
    if not bad:
        names = ", ".join(f"{gpu.name} up to R{row.last_branch}" for gpu, row in rows)
        return passed(f"Driver {driver.text} drives {names}.", *(cite(row, row.name) for _, row in rows))
    gpu, row = bad[0]
    says = f"R{row.last_branch} is the last driver branch for {row.name}"
    names = titles(gpu for gpu, _ in bad)
    return failed_by(
        f"{says}; driver {driver.text} does not drive {names}.",
        (row, says),
        expected=f"a driver of branch R{row.last_branch} or older",
        found=f"driver {driver.text}",
        hint=f"keep branch R{row.last_branch} on the hosts with {names}",
        doubtful=any(gpu.unverified for gpu, _ in bad),
    )


@rule("DRIVER103", when=_states_driver)
def driver_knows_gpus(stack: Stack, tables: Tables) -> Finding | None:
    """The driver is new enough to drive the GPUs.

    A new generation needs a new driver whatever the toolkit: capabilities 10.0 and 12.0 need 570.26.

    Source: cuDNN 9.10.2 support matrix, docs.nvidia.com/deeplearning/cudnn.
    Example: an RTX 5090 on driver 550.54.15.
    Fix: update the driver.
    """
    driver = parse_driver(stack.driver) if stack.driver else None
    rows = [(gpu, tables.cuda.device_driver(gpu.capability)) for gpu in stack.gpus if gpu.capability]
    known = [(gpu, row) for gpu, row in rows if row is not None]
    if driver is None or not known:
        return None
    gpu, row = max(known, key=lambda each: each[1].driver)
    says = f"capability {row.capability} needs a driver >= {row.driver}"
    expected, found = f"driver >= {row.driver}", f"driver {driver.text}"
    below = driver.below(row.driver)
    if below:
        text = f"{gpu.name}: {says}; the hosts have {driver.text}."
        hint = f"update the driver to {row.driver} or later"
        doubt = gpu.unverified
        return failed_by(text, (row, says), expected=expected, found=found, hint=hint, doubtful=doubt)
    if below is None:
        text = f"{gpu.name}: {says}; {driver.text} does not tell whether all hosts have that."
        return warned(
            text, cite(row, says), expected=expected, found=found, hint="state the whole driver version"
        )
    return passed(f"Driver {driver.text} drives {gpu.name}: {says}.", cite(row, says))


@rule("DRIVER104", when=_states_driver)
def driver_compiles_ptx(stack: Stack, tables: Tables) -> Finding | None:
    """Where a GPU is served by PTX alone, the driver knows the PTX of the toolkit that made it.

    The driver compiles PTX only up to its own CUDA version; minor-version compatibility does not cover that.

    Source: NVIDIA CUDA Compatibility, minor version compatibility, docs.nvidia.com/deploy/cuda-compatibility.
    Example: an extension with PTX of CUDA 12.8 on driver 550.54.15 ends in
    `the provided PTX was compiled with an unsupported toolchain`.
    Fix: update the driver, or add the GPU's own capability to the arch list.
    """
    text = stated_arch_list(stack)
    maker = stack.toolkit or stack.cuda
    if text is None or maker is None or not stack.gpus:
        return None
    names = tables.torch.arch_names[-1]
    entries, refused = expand(text, names)
    if refused or not entries:
        return None
    codes = parsed_codes(entries)
    by_ptx = [one for one in served(stack, codes, shown(codes)) if one.coverage.how == PTX]
    toolkit = tables.cuda.toolkit(maker)
    if not by_ptx or toolkit is None:
        return None
    return _compiles(stack, by_ptx, toolkit)


def _compiles(stack: Stack, by_ptx: list[Served], toolkit: Toolkit) -> Finding | None:
    own = toolkit.driver_linux
    says = f"PTX of CUDA {toolkit.version} needs a driver >= {own}"
    expected = f"driver >= {own}"
    if stack.driver_cuda and not stack.driver:
        has = parse_version(minor(stack.driver_cuda))
        late, found, expected = (
            has < toolkit.version,
            f"a driver of CUDA {has}",
            f"a driver of CUDA {toolkit.version}",
        )
    else:
        driver = parse_driver(stack.driver or "")
        if driver is None or own is None:
            return skipped(f"no data on the driver that compiles PTX of CUDA {toolkit.version}")
        late, found = bool(driver.below(own)), f"driver {driver.text}"
    if not late:
        text = f"The driver is new enough for {sentence(by_ptx)}: {says}."
        return passed(text, cite(toolkit, says), found=found)
    capabilities = ", ".join(sorted({str(one.capability) for one in by_ptx}))
    return failed_by(
        f"{sentence(by_ptx)}: {says}; the hosts have {found}.",
        (toolkit, says),
        expected=expected,
        found=found,
        hint=f"add {capabilities} to the arch list, or update the driver",
    )
