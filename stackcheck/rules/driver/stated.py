"""The driver against the CUDA version of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.versions import minor, parse_version
from stackcheck.rules.driver.driver_range import Driver, parse_driver
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.official_wheels import not_pinned
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, warned

if TYPE_CHECKING:
    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import Family, Toolkit
    from stackcheck.model.verdict import Evidence

_FORWARD = "NVIDIA CUDA Compatibility, forward compatibility, docs.nvidia.com/deploy/cuda-compatibility"


@rule("DRIVER101", when=states("driver", "driver_cuda"))
def driver_runs_cuda(env: Environment, tables: Tables) -> Finding | None:
    """The driver runs the CUDA version that torch was built for.

    A driver runs everything older. Inside one major version it also runs newer minor versions from the floor
    of that major version on (450.80.02 for 11, 525.60.13 for 12, 580.65.06 for 13; on Windows 452.39, 528.33
    and 580), SASS only; before CUDA 11 each version needs its own driver. The CUDA version that nvidia-smi
    prints is the newest the driver has, not what is installed. Forward compatibility packages lift this on
    data center GPUs alone.

    Source: NVIDIA CUDA Compatibility; CUDA release notes, tables 2 and 3 (rows of `stackcheck tables`).
    Example: torch 2.11.0 from PyPI (CUDA 13.0) on a 570 driver: `The NVIDIA driver on your system is too
    old`.
    Fix: update the driver, or take a build for the driver's major version.
    """
    cuda = env.torch.cuda
    if cuda is None:
        unknown = env.torch.kind is None and env.torch.origin
        return not_pinned("the driver was not held against the CUDA version of torch") if unknown else None
    if env.stack.driver is None:
        return _by_driver_cuda(env, cuda, tables)
    driver = parse_driver(env.stack.driver)
    if driver is None:
        return skipped(
            f"the driver {env.stack.driver!r} is not a version, branch or range that can be compared."
        )
    windows = env.platform.startswith("windows")
    floor = tables.cuda.floor(cuda, "windows" if windows else "linux")
    if floor is None:
        return _by_own_driver(driver, cuda, tables, windows=windows)
    return _by_floor(env, driver, cuda, floor, tables)


def _by_floor(
    env: Environment, driver: Driver, cuda: Version, floor: tuple[Version, Family | Toolkit], tables: Tables
) -> Finding:
    least, row = floor
    says = f"CUDA {cuda} needs a driver >= {least}"
    expected, found = f"driver >= {least}", f"driver {driver.text}"
    below = driver.below(least)
    if below:
        return _too_old(env, cuda, (row, says), found=found, expected=expected)
    if below is None:
        by = f"{env.torch.by} says CUDA {cuda}"
        text = f"{says} ({by}); {driver.text} does not tell whether all hosts have that."
        hint = "state the whole driver version"
        return warned(text, cite(row, says), expected=expected, found=found, hint=hint)
    toolkit = tables.cuda.toolkit(cuda)
    windows = env.platform.startswith("windows")
    own = (toolkit.driver_windows if windows else toolkit.driver_linux) if toolkit else None
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


def _by_driver_cuda(env: Environment, cuda: Version, tables: Tables) -> Finding:
    """Judge by the CUDA version that the driver reports."""
    has = parse_version(minor(env.stack.driver_cuda or "0"))
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
    return _too_old(env, cuda, (row, f"CUDA {cuda} needs {expected}"), found=found, expected=expected)


def _too_old(
    env: Environment, cuda: Version, said: tuple[Family | Toolkit, str], *, found: str, expected: str
) -> Finding:
    row, says = said
    text = f"The driver is too old: {says} ({env.torch.by} says CUDA {cuda}), and the hosts have {found}."
    hint = f"update to {expected}, or take a build of torch for an older CUDA major version"
    compat, datacenter = f"cuda-compat-{cuda.major}-{cuda.minor}", _all_datacenter(env)
    if datacenter:
        hint += f", or install {compat} (data center GPUs only)"
    if env.torch.nvidia and env.torch.origin == "image":
        return _in_container(text, env, cite(row, says), expected=expected, found=found, hint=hint)
    if not _uses_compat(env):
        return failed_by(text, said, expected=expected, found=found, hint=hint)
    text += " The stack uses the forward compatibility package,"
    if datacenter:
        text += f" which serves data center GPUs; that it is {compat} was not seen."
        return warned(text, cite(row, says), expected=expected, found=found, hint=f"see {_FORWARD}")
    text += " which other GPUs than those of data centers refuse with error 804."
    return failed_by(text, said, expected=expected, found=found, hint=hint)


def _in_container(  # noqa: PLR0913 - a verdict in its parts
    text: str, env: Environment, evidence: Evidence, *, expected: str, found: str, hint: str
) -> Finding:
    """Judge an old driver under NVIDIA's container, which takes the forward compatibility package in it."""
    text += " The container brings the forward compatibility package,"
    if env.stack.gpus and not _all_datacenter(env):
        text += " which other GPUs than those of data centers refuse with error 804."
        return failed(text, evidence, expected=expected, found=found, hint=hint)
    text += " which serves data center GPUs on some driver branches; whether on this one was not looked up."
    return warned(text, evidence, expected=expected, found=found, hint=f"see {_FORWARD}")


def _all_datacenter(env: Environment) -> bool:
    return bool(env.stack.gpus) and all(gpu.kind == "datacenter" for gpu in env.stack.gpus)


def _uses_compat(env: Environment) -> bool:
    path = env.stack.env.get("LD_LIBRARY_PATH", "")
    return "/cuda/compat" in path or any(name.startswith("cuda-compat") for name in env.stack.image.apt)
