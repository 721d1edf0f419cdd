"""Builds from source: their tools, torch, the toolkit, and CMake 4."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.images.dockersteps import parse
from stackcheck.knowledge.told import about
from stackcheck.model.versions import LATEST, ends
from stackcheck.rules.builds.cmake_4 import FIX, REFUSES, VARIABLE
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, told_of, warned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.cmake import CmakeFile
    from stackcheck.knowledge.packages import BuildTrap
    from stackcheck.model.facts import Facts


_NEWEST = "9999"
"""Newer than any release."""


def _compiles(facts: Facts) -> bool:
    env = facts["env"]
    return any(env.builds(name) for name in env.packages)


@rule("BUILD101", when=_compiles, about="package")
def build_tools(env: Environment, tables: Tables) -> list[Finding]:
    """The build tools still build these sources.

    setuptools 82 removed pkg_resources, which mmcv's setup.py imports. CMake 4 refuses projects that ask for
    a
    CMake older than 3.5, as seven of the third-party projects in torch 2.6 do, unless
    CMAKE_POLICY_VERSION_MINIMUM is set. An isolated build takes the newest tools.

    Source: open-mmlab/mmcv issue 3325; https://cmake.org/cmake/help/latest/ (knowledge/told/).
    Example: mmcv 2.2.0 from source with setuptools 82.
    Fix: state an older tool, or set the variable.
    """
    findings: list[Finding] = []
    for row in about(tables.packages.build_traps, env.packages):
        package = env.packages.get(row.dist)
        if package is None or not env.builds(row.dist):
            continue
        if not _set_so(row.when, env) or (row.tool not in env.packages and not row.breaks.contains(_NEWEST)):
            continue  # an isolated build takes the newest tool
        if row.tool == "cmake" and env.stack.image.dockerfile:
            continue  # what the Dockerfile does about it is CMAKE101's to judge
        version = package.exact
        if version is None or version.public in row.versions:
            findings.append(_judge_tool(row, package, env, tables))
    return [*findings, *_judge_extensions(env, tables)]


def _judge_extensions(env: Environment, tables: Tables) -> Iterator[Finding]:
    """Judge a tool that the stack states by torch's own build scripts, which every extension of it runs."""
    torch = env.torch.version
    built = [name for name in env.compiled if name in tables.packages.torch_imports]
    sure = bool(built)
    built = built or [name for name in env.compiled if env.stack.builds_in_place(name)]
    whole: dict[str, Finding] = {}
    broken: dict[str, Finding] = {}
    for row in about(tables.packages.extension_traps, env.packages):
        tool = env.packages.get(row.tool)
        if tool is None or torch is None or not built or torch.public not in row.torch:
            continue
        what = f"{', '.join(built)} with torch {torch.public}"
        if _admits_sound(tool, row.breaks):
            good = f"{what}: {row.tool} {tool.version} builds extensions."
            whole.setdefault(row.tool, passed(good, cite(row, row.fault)))
            continue
        expected, found = f"a {row.tool} that is not {row.breaks}", f"{row.tool} {tool.version}"
        text = f"{row.tool} {tool.version} does not build {what}: {row.fault}."
        if not sure:
            text = (
                f"{text} That holds if it is an extension of torch, as a build without isolation mostly is."
            )
            broken[row.tool] = warned(
                text, cite(row, row.fault), expected=expected, found=found, hint=row.fix, about=row.tool
            )
            continue
        broken[row.tool] = failed_by(
            text, (row, row.fault), expected=expected, found=found, hint=row.fix, about=row.tool
        )
    yield from {**whole, **broken}.values()


def _admits_sound(tool: Distribution, breaks: SpecifierSet) -> bool:
    """Tell whether a pin is sound, or a range admits a version that is."""
    if tool.exact is not None:
        return tool.exact not in breaks
    points = [each for each in ends([tool.specifier, breaks]) if tool.specifier.contains(each)]
    return any(each not in breaks for each in points)


def _judge_tool(row: BuildTrap, package: Distribution, env: Environment, tables: Tables) -> Finding:
    what = f"{row.dist} {package.version} from source"
    if row.env and env.stack.env.get(row.env):
        return passed(f"{row.env} is set for {what}.", cite(row, row.fault))
    tool = env.packages.get(row.tool)
    newest = tables.packages.newest.get(row.tool)
    if tool is None:
        return warned(
            f"{what}: {row.tool}{row.breaks} breaks it ({row.fault}), and the stack states no {row.tool}.",
            cite(row, row.fault),
            expected=f"a {row.tool} that is not {row.breaks}",
            found="not stated: an isolated build takes the newest",
            hint=row.fix,
            about=row.dist,
        )
    version = newest.version if tool.version == LATEST and newest else tool.exact
    broken = not _admits_sound(tool, row.breaks) if version is None else version in row.breaks
    if not broken:
        return passed(f"{what}: {row.tool} {tool.version} builds it.", cite(row, row.fault))
    return failed_by(
        f"{what} does not build with {row.tool} {tool.version}: {row.fault}.",
        (row, f"{row.tool}{row.breaks}: {row.fault}"),
        expected=f"a {row.tool} that is not {row.breaks}",
        found=f"{row.tool} {tool.version}",
        hint=row.fix,
        about=row.dist,
    )


@rule("BUILD102", when=_compiles, about="package")
def torch_at_build(env: Environment, tables: Tables) -> list[Finding]:
    """Source builds that import torch are not isolated from it.

    pip builds in a fresh environment that has only what `build-system.requires` names. Extensions whose
    setup.py imports torch fail there, or leave their ops out and still install.

    Source: the projects' setup.py and threads (knowledge/told/).
    Example: flash-attn from source: `ModuleNotFoundError: No module named 'torch'`.
    Fix: install torch first, then build with --no-build-isolation.
    """
    findings = []
    for row in filter(None, map(tables.packages.torch_imports.get, env.packages)):
        if not env.builds(row.dist) or env.stack.builds_in_place(row.dist):
            continue
        package = env.packages[row.dist]
        if package.exact is not None and not row.versions.contains(package.exact.public, prereleases=True):
            continue
        findings.append(
            warned(
                f"{row.dist} is compiled against torch, which an isolated build does not have: {row.fault}.",
                cite(row, row.fault),
                expected="a build that sees the stack's torch",
                found=f"{row.dist} from source",
                hint="install torch first and build with --no-build-isolation",
                about=row.dist,
            )
        )
    return findings


@rule("BUILD103", when=_compiles, about="package")
def tools_run_on_python(env: Environment, tables: Tables) -> list[Finding]:
    """The build tools that the stack states run on its Python.

    Python 3.12 removed pkgutil.ImpImporter; setuptools before 66.1 uses it when it is imported, so every
    build that imports setuptools ends there.

    Source: pkg_resources in the wheels of setuptools 66.0.0 and 66.1.0; cpython issue 111822.
    Example: setuptools 59.5.0 on Python 3.12: `module 'pkgutil' has no attribute 'ImpImporter'`.
    Fix: a later setuptools.
    """
    if env.stack.python is None:
        return []
    python = ".".join(env.stack.python.split(".")[:2])
    findings: list[Finding] = []
    for row in about(tables.packages.python_traps, env.packages):
        tool = env.packages.get(row.tool)
        version = tool.exact if tool else None
        if version is None or not row.python.contains(python):
            continue
        if version in row.breaks:
            findings.append(
                failed_by(
                    f"{row.tool} {version} does not run on Python {python}: {row.fault}.",
                    (row, f"{row.tool}{row.breaks} on Python {row.python}: {row.fault}"),
                    expected=f"a {row.tool} that is not {row.breaks}",
                    found=f"{row.tool} {version}",
                    hint=row.fix,
                    about=row.tool,
                )
            )
        else:
            findings.append(passed(f"{row.tool} {version} runs on Python {python}.", cite(row, row.fault)))
    return findings


@rule("BUILD104", when=told_of(lambda tables: tables.packages.toolkit_traps), about="package")
def toolkit_compiles_sources(env: Environment, tables: Tables) -> list[Finding]:
    """The CUDA version that a package is compiled with can compile its sources.

    MinkowskiEngine has no wheels and ended with CUDA 11: with CUDA 12 its build stops at
    `namespace "thrust" has no member "device"`.

    Source: NVIDIA/MinkowskiEngine issues 543, 594 and 601 (knowledge/told/).
    Example: MinkowskiEngine 0.5.4 with torch 2.1.2+cu121.
    Fix: torch and toolkit of CUDA 11.8, or patched sources.
    """
    claim = env.torch
    cuda = env.toolkit[0] if env.toolkit else claim.cuda
    stated = bool(env.toolkit) or not claim.assumed
    findings: list[Finding] = []
    for row in about(tables.packages.toolkit_traps, env.packages):
        package = env.packages.get(row.dist)
        if package is None or cuda is None or package.origin == "conda" or package.built_for:
            continue
        if not _set_so(row.when, env):
            continue
        version = package.exact
        if version is not None and (version.local or version not in row.versions):
            continue
        if row.built and env.builds(row.dist) != (row.built == "source"):
            continue
        if not env.builds(row.dist) and env.elsewhere(row.dist):
            continue  # somebody else's wheel
        name, said = f"{row.dist} {package.version}", (row, f"{row.dist}{row.versions}: {row.fault}")
        if cuda not in row.cuda:
            findings.append(passed(f"CUDA {cuda} can compile {name}.", cite(*said)))
            continue
        text = f"{name} cannot be compiled with CUDA {cuda}: {row.fault}"
        expected, found = f"a CUDA version that is not {row.cuda}", f"CUDA {cuda}"
        patched = (version is None and not _is_of(package, row.repository)) or bool(
            env.stack.image.dockerfile
        )
        if patched or not stated:
            text += ", unless the sources are patched." if patched else f"; CUDA {cuda} is not stated."
            findings.append(
                warned(text, cite(*said), expected=expected, found=found, hint=row.fix, about=row.dist)
            )
        else:
            findings.append(
                failed_by(f"{text}.", said, expected=expected, found=found, hint=row.fix, about=row.dist)
            )
    return findings


def _set_so(when: Mapping[str, str], env: Environment) -> bool:
    """Tell whether the stack sets each variable to what a row is about."""
    return all(re.fullmatch(pattern, env.stack.env.get(name, "").strip()) for name, pattern in when.items())


def _is_of(package: Distribution, repository: str) -> bool:
    """Tell whether a package is built from a repository itself, and not from a fork of it."""
    address = package.package.git or ""
    found = re.search(r"(?:^|[/@])([\w.-]+[/:][\w.-]+/[\w.-]+?)(?:\.git)?(?:[@#].*)?$", address)
    return found is not None and found[1].replace(":", "/").lower() == repository.lower()


def _compiles_cuda(facts: Facts) -> bool:
    env: Environment = facts["env"]
    return env.platform.startswith("macos") and not facts["tables"].unstated.compiled_for.keys().isdisjoint(
        env.packages
    )


@rule("BUILD106", when=_compiles_cuda, about="package")
def cuda_sources_on_macos(env: Environment, tables: Tables) -> list[Finding]:
    """Nothing whose sources are CUDA alone is built on macOS.

    CUDA ended there with 10.2, and torch has no CUDA build for it: the setup.py of flash-attn, mamba-ssm and
    causal-conv1d finds no nvcc and stops, in flash-attn before it has said its METADATA.

    Source: CUDA 10.2 release notes, docs.nvidia.com/cuda/archive/10.2; Wan-Video/Wan2.1 issue 30.
    Example: flash-attn 2.7.4.post1 on a Mac.
    Fix: leave the package out on macOS, by a marker such as `sys_platform != "darwin"`.
    """
    found: list[Finding] = []
    for name in sorted(tables.unstated.compiled_for.keys() & env.packages.keys()):
        each = env.packages[name]
        row = tables.unstated.own_archs(name, each.exact) if each.exact else None
        if row is None or not env.builds(name):
            continue
        found.append(
            failed_by(
                f"{name} {each.version} is compiled with nvcc, which macOS does not have.",
                (row, f"{name} {row.versions}: setup.py compiles CUDA"),
                expected="a system with CUDA, or none of it",
                found=env.platform,
                hint="leave it out there: a marker such as sys_platform != 'darwin'",
                about=name,
            )
        )
    return found


_OLD = re.compile(r"\bcmake\s*(?:==\s*3\.|<\s*4|~=\s*3\.)")


def _builds_in_dockerfile(facts: Facts) -> bool:
    stack, tables = facts["stack"], facts["tables"]
    return "dockerfile" in facts and bool(_refused(stack, tables))


def _refused(stack: Stack, tables: Tables) -> tuple[CmakeFile, ...]:
    """Return the files that this Dockerfile configures: what a tier below has built is built."""
    done = {
        name for tier in stack.below for name, package in tier.packages.items() if package.origin == "source"
    }
    return tuple(
        row
        for name, package in stack.packages.items()
        if package.origin == "source" and package.exact and name not in done
        for row in tables.cmake.refused(name, package.exact)
    )


@rule("CMAKE101", when=_builds_in_dockerfile, about="file")
def dockerfile_is_ready_for_cmake_4(stack: Stack, tables: Tables, dockerfile: str) -> Finding:
    """A Dockerfile that builds torch from source is ready for CMake 4.

    Seven CMakeLists.txt below third_party of torch 2.6 and older ask for a CMake older than 3.5. CMake 4
    stops there with "Compatibility with CMake < 3.5 has been removed". Three ways out: the variable
    CMAKE_POLICY_VERSION_MINIMUM, a CMake below 4, or an edit of each file. `pip install cmake` and rolling
    distributions have CMake 4.

    Source: the files of the projects (knowledge/told/); https://github.com/pytorch/pytorch/issues/150167
    Example: torch 2.6.0 from source on archlinux:latest, with six of the seven files edited.
    Fix: ENV CMAKE_POLICY_VERSION_MINIMUM=3.5.
    """
    rows = _refused(stack, tables)
    runs = [each.rest for each in parse(dockerfile) if each.word in {"RUN", "ENV", "ARG", "COPY"}]
    lifted = VARIABLE in stack.env or any(VARIABLE in text for text in runs)
    cmake = stack.packages.get("cmake")
    old = any(_OLD.search(text) for text in runs) or (cmake is not None and _is_old(cmake))
    if lifted or old:
        why = f"{VARIABLE} is set" if lifted else "it takes a CMake below 4"
        return passed(f"{len(rows)} files ask for a CMake older than 3.5, and {why}.", REFUSES)
    left = [row for row in rows if not any(row.file in text for text in runs)]
    if not left:
        return passed(f"The Dockerfile edits the {len(rows)} files that CMake 4 refuses.", REFUSES)
    shown = ", ".join(f"{row.file} ({row.minimum})" for row in left)
    files = "1 file" if len(left) == 1 else f"{len(left)} files"
    message = f"CMake 4 refuses {files} of {_sources(left, stack)} that nothing here edits: {shown}."
    expected, found = f"each of them edited, or {VARIABLE}", "no edit, no variable, no older CMake"
    files_left = [row.file for row in left]
    certain = [row for row in left if not row.unverified]
    if certain and cmake is not None and cmake.exact and cmake.exact >= Version("4"):
        said = [(row, f"{row.file} asks for CMake {row.minimum}") for row in certain]
        return failed_by(message, *said, expected=expected, found=found, hint=FIX, about=files_left)
    doubt = " The stack states no cmake." if cmake is None else ""
    evidence = [cite(row, f"{row.file} asks for CMake {row.minimum}") for row in left]
    return warned(f"{message}{doubt}", *evidence, expected=expected, found=found, hint=FIX, about=files_left)


def _is_old(cmake: Package) -> bool:
    if cmake.exact:
        return cmake.exact < Version("4")
    return not any(cmake.specifier.contains(version) for version in ("4.0", "4.99"))


def _sources(rows: Sequence[CmakeFile], stack: Stack) -> str:
    names = dict.fromkeys(row.dist for row in rows)
    return ", ".join(f"{name} {stack.packages[name].version}" for name in names)
