"""Rules about building from source: tools that break it, and what an isolated build lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.definition import LATEST
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, warned

if TYPE_CHECKING:
    from stackcheck.definition import Package, Stack
    from stackcheck.rules.registry import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.packages import BuildTrap


def _compiles(facts: Facts) -> bool:
    return any(package.origin == "source" for package in facts["stack"].packages.values())


@rule("BUILD101", when=_compiles)
def build_tools(stack: Stack, tables: Tables) -> list[Finding]:
    """The build tools still build these sources.

    setuptools 82 removed pkg_resources, which mmcv's setup.py imports. CMake 4 refuses projects that ask for
    a
    CMake older than 3.5, as seven of the third-party projects in torch 2.6 do, unless
    CMAKE_POLICY_VERSION_MINIMUM is set. An isolated build takes the newest tools.

    Source: open-mmlab/mmcv issue 3325; https://cmake.org/cmake/help/latest/ (tables/packages.toml).
    Example: mmcv 2.2.0 from source with setuptools 82.
    Fix: state an older tool, or set the variable.
    """
    findings: list[Finding] = []
    for row in tables.packages.build_traps:
        package = stack.packages.get(row.dist)
        if package is None or package.origin != "source":
            continue
        if row.tool == "cmake" and stack.image.dockerfile:
            continue  # what the Dockerfile does about it is CMAKE101's to judge
        version = package.exact
        if version is None or version.public in row.versions:
            findings.append(_judge_tool(row, package, stack, tables))
    return findings


def _judge_tool(row: BuildTrap, package: Package, stack: Stack, tables: Tables) -> Finding:
    what = f"{row.dist} {package.version} from source"
    if row.env and stack.env.get(row.env):
        return passed(f"{row.env} is set for {what}.", cite(row, row.fault))
    tool = stack.packages.get(row.tool)
    newest = tables.packages.newest.get(row.tool)
    if tool is None:
        return warned(
            f"{what}: {row.tool}{row.breaks} breaks it ({row.fault}), and the stack states no {row.tool}.",
            cite(row, row.fault),
            expected=f"a {row.tool} that is not {row.breaks}",
            found="not stated: an isolated build takes the newest",
            hint=row.fix,
        )
    version = newest.version if tool.version == LATEST and newest else tool.exact
    if version is None:
        broken = not any(Version(text) in tool.specifier for text in _below(row))
    else:
        broken = version in row.breaks
    if not broken:
        return passed(f"{what}: {row.tool} {tool.version} builds it.", cite(row, row.fault))
    return failed_by(
        f"{what} does not build with {row.tool} {tool.version}: {row.fault}.",
        (row, f"{row.tool}{row.breaks}: {row.fault}"),
        expected=f"a {row.tool} that is not {row.breaks}",
        found=f"{row.tool} {tool.version}",
        hint=row.fix,
    )


def _below(row: BuildTrap) -> list[str]:
    """Return a version just below the bound of a trap, to hold a range against."""
    bound = str(row.breaks).removeprefix(">=")
    return [f"{int(Version(bound).major) - 1}.99"]


@rule("BUILD102", when=_compiles)
def torch_at_build(stack: Stack, tables: Tables) -> list[Finding]:
    """Source builds that import torch are not isolated from it.

    pip builds in a fresh environment that has only what `build-system.requires` names. Extensions whose
    setup.py imports torch fail there, or leave their ops out and still install.

    Source: the projects' setup.py and threads (tables/packages.toml).
    Example: flash-attn from source: `ModuleNotFoundError: No module named 'torch'`.
    Fix: install torch first, then build with --no-build-isolation.
    """
    return [
        warned(
            f"{name} is compiled against torch, which an isolated build does not have: {row.fault}.",
            cite(row, row.fault),
            expected="a build that sees the stack's torch",
            found=f"{name} from source",
            hint="install torch first and build with --no-build-isolation",
        )
        for name, package in stack.packages.items()
        if package.origin == "source" and (row := tables.packages.torch_imports.get(name))
    ]
