"""The driver of the hosts against the GPUs: those it drives, and those that need it to compile PTX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.versions import minor, parse_version
from stackcheck.rules.driver.driver_range import parse_driver
from stackcheck.rules.gpucode.arch_list import expand, parsed_codes, stated_arch_list
from stackcheck.rules.gpucode.coverage import Served, sentence, served, shown, titles
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, skipped, states, warned
from stackcheck_probes.binaries.capability import PTX

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cuda import DeviceDriver, Toolkit
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.model.versions import DriverVersion
    from stackcheck.rules.driver.driver_range import Driver


_states_driver = states("driver", "driver_cuda")


@rule("DRIVER102", when=_states_driver, about="GPU")
def driver_branch_has_gpus(env: Environment, tables: Tables) -> Finding | None:
    """The driver branch still drives the GPUs.

    Branches drop old generations: R470 is the last for Kepler, R580 for Maxwell, Pascal and Volta. On a later
    branch such a GPU is not there at all, whatever the wheels are.

    Source: NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, docs.nvidia.com/datacenter/tesla/drivers.
    Example: a V100 on driver 590.48.01.
    Fix: keep the last branch of that generation on those hosts.
    """
    driver = parse_driver(env.stack.driver) if env.stack.driver else None
    if driver is None or driver.low is None:
        return None
    rows = []
    for gpu in env.stack.gpus:
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
        about=(gpu.name for gpu, _ in bad),
    )


@rule("DRIVER103", when=_states_driver, about="GPU")
def driver_knows_gpus(env: Environment, tables: Tables) -> list[Finding]:
    """The driver is new enough to drive the GPUs.

    A new generation needs a new driver whatever the toolkit: capabilities 10.0 and 12.0 need 570.26, and for
    HGX B200 NVIDIA asks for 570.133.20.

    Source: cuDNN 9.10.2 support matrix, docs.nvidia.com/deeplearning/cudnn; GPU Operator 25.3 release notes,
    github.com/NVIDIA/cloud-native-docs/pull/184.
    Example: an RTX 5090 on driver 550.54.15.
    Fix: update the driver.
    """
    driver = parse_driver(env.stack.driver) if env.stack.driver else None
    if driver is None:
        return []
    rows = [(gpu, tables.cuda.device_driver(gpu.capability)) for gpu in env.stack.gpus if gpu.capability]
    needs = [(gpu, row, row.driver) for gpu, row in rows if row is not None and row.driver is not None]
    judged = [_driven(driver, *max(needs, key=lambda each: each[2]))] if needs else []
    judged += [
        _product_driven(driver, gpu, tables) for gpu, _, least in needs if driver.below(least) is False
    ]
    untold = [gpu for gpu, row in rows if row is not None and row.driver is None]
    if untold:
        judged.append(skipped(f"no data on the least driver for {titles(untold)}"))
    return [each for each in judged if each is not None]


def _driven(driver: Driver, gpu: Gpu, row: DeviceDriver, least: DriverVersion) -> Finding | None:
    says = f"capability {row.capability} needs a driver >= {least}"
    expected, found = f"driver >= {least}", f"driver {driver.text}"
    below = driver.below(least)
    if below:
        text = f"{gpu.name}: {says}; the hosts have {driver.text}."
        hint = f"update the driver to {least} or later"
        doubt = gpu.unverified
        both = {"expected": expected, "found": found}
        return failed_by(text, (row, says), **both, hint=hint, doubtful=doubt, about=gpu.name)
    if below is None:
        text = f"{gpu.name}: {says}; {driver.text} does not tell whether all hosts have that."
        return warned(
            text,
            cite(row, says),
            expected=expected,
            found=found,
            hint="state the whole driver version",
            about=gpu.name,
        )
    return passed(f"Driver {driver.text} drives {gpu.name}: {says}.", cite(row, says))


def _product_driven(driver: Driver, gpu: Gpu, tables: Tables) -> Finding | None:
    """Say where NVIDIA asks for a later driver for one product than for its capability."""
    row = tables.cuda.product_driver(gpu.capability, gpu.product) if gpu.capability else None
    if row is None or row.driver is None or not driver.below(row.driver):
        return None
    says = f"{row.product} needs a driver >= {row.driver}: {row.note}"
    return failed_by(
        f"{says}; the hosts have {driver.text}.",
        (row, says),
        expected=f"driver >= {row.driver}",
        found=f"driver {driver.text}",
        hint=f"update the driver to {row.driver} or later",
        about=gpu.name,
    )


@rule("DRIVER104", when=_states_driver, about="GPU")
def driver_compiles_ptx(env: Environment, tables: Tables) -> Finding | None:
    """Where a GPU is served by PTX alone, the driver knows the PTX of the toolkit that made it.

    The driver compiles PTX only up to its own CUDA version; minor-version compatibility does not cover that.

    Source: NVIDIA CUDA Compatibility, minor version compatibility, docs.nvidia.com/deploy/cuda-compatibility.
    Example: an extension with PTX of CUDA 12.8 on driver 550.54.15 ends in
    `the provided PTX was compiled with an unsupported toolchain`.
    Fix: update the driver, or add the GPU's own capability to the arch list.
    """
    text = stated_arch_list(env.stack)
    maker = env.stack.toolkit or env.stack.cuda
    if text is None or maker is None or not env.stack.gpus:
        return None
    names = tables.torch.arch_names[-1]
    entries, refused = expand(text, names)
    if refused or not entries:
        return None
    codes = parsed_codes(entries)
    by_ptx = [one for one in served(env, codes, shown(codes)) if one.coverage.how == PTX]
    toolkit = tables.cuda.toolkit(maker)
    if not by_ptx or toolkit is None:
        return None
    return _compiles(env, by_ptx, toolkit)


def _compiles(env: Environment, by_ptx: list[Served], toolkit: Toolkit) -> Finding | None:
    own = toolkit.driver_linux
    says = f"PTX of CUDA {toolkit.version} needs a driver >= {own}"
    expected = f"driver >= {own}"
    if env.stack.driver_cuda and not env.stack.driver:
        has = parse_version(minor(env.stack.driver_cuda))
        late, found, expected = (
            has < toolkit.version,
            f"a driver of CUDA {has}",
            f"a driver of CUDA {toolkit.version}",
        )
    else:
        driver = parse_driver(env.stack.driver or "")
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
        about=(one.gpu.name for one in by_ptx),
    )
