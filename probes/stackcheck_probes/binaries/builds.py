"""Which files are builds of one library, and which are extension modules of which Python: by their names.

Packages ship several builds side by side and load the one that fits: `pg_2_11_0` and `pg_2_13_0` for two
releases of torch, `core4` to `core9` for those of FFmpeg, `x.cpython-310-...so` and `x.cpython-311-...so`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ABI3 = ".abi3.so"
_CPYTHON = ".cpython-"


def python_tag(path: str) -> str:
    """Return which Python an extension module is for, by its name: "311", "313t", "abi3", or ""."""
    name = os.path.basename(path)
    if name.endswith(_ABI3):
        return "abi3"
    _, found, rest = name.partition(_CPYTHON)
    if not found:
        return "pypy" if ".pypy" in name else ""
    return rest.split("-", 1)[0].split(".", 1)[0]


def python_of(roots: Iterable[str]) -> str:
    """Return the tag of the Python that package folders belong to: "311" by `lib/python3.11/`; "" by none."""
    for root in roots:
        for part in root.split("/"):
            major, dot, minor = part.partition(".")
            if major == "python3" and dot and minor.rstrip("t").isdecimal():
                return "3" + minor
    return ""


def for_another_python(path: str, python: str) -> bool:
    """Tell whether an extension module is for another Python than `python`, a tag or "" where not known."""
    tag = python_tag(path)
    return bool(python) and tag not in ("", "abi3", python)


def unnumbered(name: str) -> str:
    """Return a name with `#` for each number: those of a version, `2_13_0` or `9.0`, are one.

    >>> unnumbered("pg_2_13_0.so"), unnumbered("pg_2_9.so")
    ('pg_#.so', 'pg_#.so')
    """
    found: list[str] = []
    for letter in name:
        if not letter.isdigit():
            found.append(letter)
        elif found[-2:-1] == ["#"] and found[-1] in "._":
            found.pop()
        elif found[-1:] != ["#"]:
            found.append("#")
    return "".join(found)


def builds(needs: Iterable[tuple[str, tuple[str, ...]]]) -> list[list[str]]:
    """Return groups of paths that are builds of one library, given each path with the sonames that it needs.

    In one folder, of one name but for numbers, and needing the same libraries but for their numbers: modules
    that are called `conv1d` and `conv2d` by what they do differ in what they need, as a rule.
    """
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for path, wanted in needs:
        folder, name = os.path.split(path)
        key = (folder, unnumbered(name), tuple(sorted({unnumbered(each) for each in wanted})))
        found.setdefault(key, []).append(path)
    return [paths for paths in found.values() if len(paths) > 1]


def refused_below(path: str, served: dict[str, list[str]], refused: set[str], limit: int = 8) -> list[str]:
    """Return which refused libraries loading `path` needs, itself too; `served`: path to its servers."""
    found: list[str] = []
    queue, met = [path], {path}
    while queue and len(found) < limit:
        each = queue.pop()
        if each in refused:
            found.append(each)
        fresh = [server for server in served.get(each, ()) if server not in met]
        met.update(fresh)
        queue += fresh
    return sorted(found)
