"""CMake, and what the CMakeLists.txt of source trees ask of it."""

from __future__ import annotations

import os
import re
import sys

from stackcheck_probes.machine import files
from stackcheck_probes.probes.interpreter import SOURCE_TREES

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from collections.abc import Iterator
    from typing import Any

    from stackcheck_probes.facts.binaries import CmakeFile, CmakeSources

NAME = "cmake_sources"
GRADE = "static"

VARIABLE = "CMAKE_POLICY_VERSION_MINIMUM"
_CALL = re.compile(
    r"^[ \t]*cmake_minimum_required\s*\(\s*VERSION\s+([0-9.]+?)(?:\.\.\.([0-9.]+))?\s*[\s)]",
    re.IGNORECASE | re.MULTILINE,
)
_SHARE = re.compile(r"cmake-(\d+\.\d+)$")
_MOST_FILES = 5000


def run(params: dict[str, Any]) -> CmakeSources:
    """Return the version of CMake that is found first, and every CMakeLists.txt below the `trees`.

    `trees` are folders, by default where images keep a checkout of torch. `policy` is the newest version that
    a file says it works with, which is what CMake 4 looks at: 3.20 for VERSION 2.8...3.20.
    """
    trees = [tree for tree in params.get("trees", SOURCE_TREES) if os.path.isdir(tree)]
    return {
        "cmake": _version(params.get("path", os.environ.get("PATH", ""))),
        "variable": params.get("environ", os.environ).get(VARIABLE),
        "trees": [{"path": tree, "files": list(_lists(tree))} for tree in trees],
    }


def policy_version(text: str) -> str | None:
    """Return the policy version that the first cmake_minimum_required states; None where there is none.

    >>> policy_version("cmake_minimum_required(VERSION 3.1...3.20)")
    '3.20'
    """
    found = _CALL.search(text)
    return (found.group(2) or found.group(1)) if found else None


def _lists(tree: str) -> Iterator[CmakeFile]:
    seen = 0
    for folder, folders, names in os.walk(tree):
        folders.sort()
        if "CMakeLists.txt" in names and seen < _MOST_FILES:
            seen += 1
            path = os.path.join(folder, "CMakeLists.txt")
            policy = policy_version(files.text(path))
            if policy:
                yield {"path": os.path.relpath(path, tree), "policy": policy}


def _version(search: str) -> str | None:
    """Read the version off the folder of CMake's modules: share/cmake-4.1, of the system or of the wheel."""
    commands = [os.path.join(folder, "cmake") for folder in search.split(os.pathsep) if folder]
    command = next((each for each in commands if os.access(each, os.X_OK)), None)
    if command is None:
        return None
    places = [os.path.dirname(os.path.dirname(os.path.realpath(command)))]
    library = os.path.join(os.path.dirname(os.path.dirname(command)), "lib")  # of the wheel's own environment
    places += [os.path.join(library, name, "site-packages", "cmake", "data") for name in files.names(library)]
    places += [os.path.join(path, "cmake", "data") for path in sys.path]
    for place in places:
        for name in files.names(os.path.join(place, "share")):
            found = _SHARE.match(name)
            if found:
                return found.group(1)
    return None
