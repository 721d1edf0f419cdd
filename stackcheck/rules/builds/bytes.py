"""Source trees against CMake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge.cmake import OLDEST
from stackcheck.model.enumeration import some
from stackcheck.model.versions import parse_version
from stackcheck.rules.builds.cmake_4 import FIX, REFUSES, VARIABLE
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned

if TYPE_CHECKING:
    from stackcheck.knowledge import Tables
    from stackcheck_probes.facts.binaries import CmakeSources, SourceTree

_MOST_NAMED = 8


@rule("CMAKE301", about="file")
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
        return passed(f"{len(tree['files'])} CMakeLists.txt below {tree['path']} suit CMake 4.", REFUSES)
    named = some([f"{each['path']} ({each['policy']})" for each in old], _MOST_NAMED)
    files = "1 file" if len(old) == 1 else f"{len(old)} files"
    what = f"CMake 4 refuses {files} below {tree['path']}: {named}"
    cmake = seen["cmake"]
    if cmake is None:
        return skipped(f"{what}; there is no cmake on the PATH here to hold that against", hint=FIX)
    if parse_version(cmake) < Version("4"):
        return passed(f"{what}; the cmake here is {cmake}.", REFUSES)
    if seen["variable"]:
        return passed(f"{what}; {VARIABLE}={seen['variable']} lifts that.", REFUSES)
    expected, found = "policy versions of 3.5 and later", f"cmake {cmake}, {files} below 3.5"
    if any(each["path"] in known for each in old):
        return failed(
            f"{what}; the cmake here is {cmake}.",
            REFUSES,
            expected=expected,
            found=found,
            hint=FIX,
            about=(f"{tree['path']}/{each['path']}" for each in old),
        )
    return warned(
        f"{what}; the cmake here is {cmake}, and whether they are configured is not known.",
        REFUSES,
        expected=expected,
        found=found,
        hint=FIX,
        about=(f"{tree['path']}/{each['path']}" for each in old),
    )
