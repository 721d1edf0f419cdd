"""Rules about CMake 4, which refuses source trees that ask for a CMake older than 3.5."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.dockerfiles.dockersteps import parse
from stackcheck.model.versions import parse_version
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.tables.cmake import OLDEST
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.definition import Package, Stack
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.cmake import CmakeFile
    from stackcheck_probes.facts.binaries import CmakeSources, SourceTree

VARIABLE = "CMAKE_POLICY_VERSION_MINIMUM"
_REFUSES = Evidence(
    "CMake 4.0 removed compatibility with versions older than 3.5",
    "https://cmake.org/cmake/help/latest/command/cmake_minimum_required.html (checked 2026-11-20)",
)
_FIX = f"ENV {VARIABLE}=3.5 (CMake 4 reads it for a new build tree), or use a CMake below 4"
_OLD = re.compile(r"\bcmake\s*(?:==\s*3\.|<\s*4|~=\s*3\.)")
_MOST_NAMED = 8


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


@rule("CMAKE101", when=_builds_in_dockerfile)
def dockerfile_is_ready_for_cmake_4(stack: Stack, tables: Tables, dockerfile: str) -> Finding:
    """A Dockerfile that builds torch from source is ready for CMake 4.

    Seven CMakeLists.txt below third_party of torch 2.6 and older ask for a CMake older than 3.5. CMake 4
    stops there with "Compatibility with CMake < 3.5 has been removed". Three ways out: the variable
    CMAKE_POLICY_VERSION_MINIMUM, a CMake below 4, or an edit of each file. `pip install cmake` and rolling
    distributions have CMake 4.

    Source: the files of the projects (tables/cmake.toml); https://github.com/pytorch/pytorch/issues/150167
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
        return passed(f"{len(rows)} files ask for a CMake older than 3.5, and {why}.", _REFUSES)
    left = [row for row in rows if not any(row.file in text for text in runs)]
    if not left:
        return passed(f"The Dockerfile edits the {len(rows)} files that CMake 4 refuses.", _REFUSES)
    shown = ", ".join(f"{row.file} ({row.minimum})" for row in left)
    files = "1 file" if len(left) == 1 else f"{len(left)} files"
    message = f"CMake 4 refuses {files} of {_sources(left, stack)} that nothing here edits: {shown}."
    expected, found = f"each of them edited, or {VARIABLE}", "no edit, no variable, no older CMake"
    certain = [row for row in left if not row.unverified]
    if certain and cmake is not None and cmake.exact and cmake.exact >= Version("4"):
        said = [(row, f"{row.file} asks for CMake {row.minimum}") for row in certain]
        return failed_by(message, *said, expected=expected, found=found, hint=_FIX)
    doubt = " The stack states no cmake." if cmake is None else ""
    evidence = [cite(row, f"{row.file} asks for CMake {row.minimum}") for row in left]
    return warned(f"{message}{doubt}", *evidence, expected=expected, found=found, hint=_FIX)


def _is_old(cmake: Package) -> bool:
    if cmake.exact:
        return cmake.exact < Version("4")
    return not any(cmake.specifier.contains(version) for version in ("4.0", "4.99"))


def _sources(rows: Sequence[CmakeFile], stack: Stack) -> str:
    names = dict.fromkeys(row.dist for row in rows)
    return ", ".join(f"{name} {stack.packages[name].version}" for name in names)


@rule("CMAKE301")
def source_trees_fit_cmake(cmake_sources: CmakeSources, tables: Tables) -> list[Finding]:
    """The source trees in a target can be configured by the CMake that is there.

    CMake 4 looks at the policy version of each CMakeLists.txt, the <max> of `VERSION <min>...<max>` where one
    is stated. Files that torch configures fail a tree; others may lie there and never be configured.

    Source: https://cmake.org/cmake/help/latest/command/cmake_minimum_required.html
    Example: /pytorch with third_party/psimd/CMakeLists.txt at 2.8.12, and CMake 4.1 on the PATH.
    Fix: CMAKE_POLICY_VERSION_MINIMUM=3.5, a CMake below 4, or an edit of each file.
    """
    trees = [tree for tree in cmake_sources["trees"] if tree["files"]]
    return [_judge_tree(tree, cmake_sources, tables) for tree in trees]


def _judge_tree(tree: SourceTree, seen: CmakeSources, tables: Tables) -> Finding:
    known = {row.file for row in tables.cmake.files} | {"CMakeLists.txt"}
    old = [each for each in tree["files"] if parse_version(each["policy"]) < OLDEST]
    if not old:
        return passed(f"{len(tree['files'])} CMakeLists.txt below {tree['path']} suit CMake 4.", _REFUSES)
    named = ", ".join(f"{each['path']} ({each['policy']})" for each in old[:_MOST_NAMED])
    more = f" and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
    files = "1 file" if len(old) == 1 else f"{len(old)} files"
    what = f"CMake 4 refuses {files} below {tree['path']}: {named}{more}"
    cmake = seen["cmake"]
    if cmake is None:
        return skipped(f"{what}; there is no cmake on the PATH here to hold that against", hint=_FIX)
    if parse_version(cmake) < Version("4"):
        return passed(f"{what}; the cmake here is {cmake}.", _REFUSES)
    if seen["variable"]:
        return passed(f"{what}; {VARIABLE}={seen['variable']} lifts that.", _REFUSES)
    expected, found = "policy versions of 3.5 and later", f"cmake {cmake}, {files} below 3.5"
    if any(each["path"] in known for each in old):
        return failed(
            f"{what}; the cmake here is {cmake}.", _REFUSES, expected=expected, found=found, hint=_FIX
        )
    return warned(
        f"{what}; the cmake here is {cmake}, and whether they are configured is not known.",
        _REFUSES,
        expected=expected,
        found=found,
        hint=_FIX,
    )
