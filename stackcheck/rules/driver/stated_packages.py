"""Packages that call functions of the driver which are newer than the CUDA of torch asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.knowledge.unstated import holding
from stackcheck.model.versions import parse_version
from stackcheck.rules.driver.driver_range import parse_driver
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.unstated import DriverFloor
    from stackcheck.model.facts import Facts


def _calls_driver(facts: Facts) -> bool:
    env: Environment = facts["env"]
    stated = env.stack.driver or env.stack.driver_cuda
    return bool(stated) and not facts["tables"].unstated.driver_floors.keys().isdisjoint(env.packages)


@rule("DRIVER106", when=_calls_driver, about="package")
def driver_has_functions(env: Environment, tables: Tables) -> list[Finding]:
    """The driver has the functions that packages call in it themselves.

    Inside one major version of CUDA an older driver runs newer builds of torch: they ask it for nothing new.
    A package that calls a newer function of libcuda itself is not imported there: undefined symbol.

    Source: the projects' threads and fixes (knowledge/told/); NVIDIA CUDA release notes, table 3.
    Example: sgl-kernel 0.2.7 on driver 535, which has no green contexts (CUDA 12.4).
    Fix: a driver of that CUDA release, or another release of the package.
    """
    found: list[Finding] = []
    for name in sorted(tables.unstated.driver_floors.keys() & env.packages.keys()):
        each = env.packages[name]
        row = holding(tables.unstated.driver_floors[name], each.exact) if each.exact else None
        has = _has(row, env, tables) if row else None
        if row is None or has is None:
            continue
        says = f"{name} {each.version} calls functions of the driver that came with CUDA {row.cuda}"
        if has:
            found.append(passed(f"{says}, and the driver has them.", cite(row, says)))
            continue
        driver = env.stack.driver or f"of CUDA {env.stack.driver_cuda}"
        found.append(
            failed_by(
                f"{says}; the driver {driver} is older: {row.effect}.",
                (row, says),
                expected=f"a driver of CUDA {row.cuda} or later",
                found=f"driver {driver}",
                hint=f"update the driver, or take another release of {name}",
                about=name,
            )
        )
    return found


def _has(row: DriverFloor, env: Environment, tables: Tables) -> bool | None:
    """Tell whether the stated driver is that of a CUDA release or later; None where that is not known."""
    if env.stack.driver_cuda:
        return parse_version(env.stack.driver_cuda) >= row.cuda
    toolkit, driver = tables.cuda.toolkit(row.cuda), parse_driver(env.stack.driver or "")
    windows = env.platform.startswith("windows")
    least = (toolkit.driver_windows if windows else toolkit.driver_linux) if toolkit else None
    below = driver.below(least) if driver and least else None
    return None if below is None else not below
