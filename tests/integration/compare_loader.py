"""Hold what the `loading` probe says against the real loader: python compare_loader.py [PACKAGE_FOLDER ...]

Run by the interpreter of an environment with torch. Every library of its package folders is loaded for real
(dlopen, RTLD_NOW), each in a process forked after `import torch`; what the probe predicts and what happens
are compared. Counted apart, where the loader alone refuses a library: what its own package has to prepare
(the probe's assumption: another library of it, or torch in the global scope, is loaded first), and symbols
that the probe does not judge (it judges those of torch). Prints a JSON document; exit status 1 when a
prediction was wrong.
"""

from __future__ import annotations

import collections
import ctypes
import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcheck_probes.facts.binaries import Loading

PROBES = Path(__file__).parents[2] / "probes"


def main(roots: list[str]) -> int:
    """Compare and print."""
    sys.path.append(str(PROBES))
    from stackcheck_probes.binaries.binaryfiles import site_packages  # noqa: PLC0415
    from stackcheck_probes.probes import loading  # noqa: PLC0415

    roots = roots or site_packages()
    seen = loading.run({"roots": roots})
    predicted = refusals(seen)
    assumed = served_by_packages(roots)
    paths = sorted(libraries(roots))
    importlib.import_module("torch")
    outcomes = {path: load(path) for path in paths}
    kinds: dict[str, list[str]] = collections.defaultdict(list)
    for path, error in outcomes.items():
        kind = compare(error, predicted.get(path, ""), assumed=path in assumed)
        short = next(path[len(root) + 1 :] for root in roots if path.startswith(root))
        kinds[kind].append(f"{short}: {error or 'loads'} | {predicted.get(path, '')}")
    wrong = kinds["false alarm"] + kinds["missed"]
    shown = {kind: rows for kind, rows in kinds.items() if kind != "loads as predicted"}
    counts = {kind: len(rows) for kind, rows in kinds.items()}
    document = {"libraries": len(paths), "counts": counts, "rows": shown}
    sys.stdout.write(json.dumps(document, indent=1) + "\n")
    return 1 if wrong else 0


def libraries(roots: list[str]) -> list[str]:
    """Return the shared libraries that the probe judges."""
    from stackcheck_probes.binaries.builds import for_another_python  # noqa: PLC0415
    from stackcheck_probes.loader.ldpath import Search  # noqa: PLC0415
    from stackcheck_probes.loader.loadtree import Tree  # noqa: PLC0415

    tree = Tree(roots, Search())
    python = "".join(map(str, sys.version_info[:2]))
    try:
        return [each.path for each in tree.opened if not for_another_python(each.path, python)]
    finally:
        tree.close()


def served_by_packages(roots: list[str]) -> set[str]:
    """Return the libraries with a need that only their package serves, and those that need such a one."""
    from stackcheck_probes.loader.ldpath import Search  # noqa: PLC0415
    from stackcheck_probes.loader.loadtree import PACKAGE, Tree  # noqa: PLC0415
    from stackcheck_probes.probes.loading import requirements_of  # noqa: PLC0415

    search = Search(library_path=os.environ.get("LD_LIBRARY_PATH", ""))
    tree = Tree(roots, search, requirements=requirements_of(roots))
    try:
        served = {
            library.path: [tree.serve(name, library) for name in library.dynamic.needed]
            for library in tree.opened
        }
    finally:
        tree.close()
    found = {path for path, rows in served.items() if any(how == PACKAGE for _, how in rows)}
    while more := {
        path
        for path, rows in served.items()
        if path not in found and any(server and server.path in found for server, _ in rows)
    }:
        found |= more
    return found


def refusals(seen: Loading) -> dict[str, str]:
    """Return why the probe expects the loader to refuse a library, by path."""
    found: dict[str, str] = {}
    for row in seen["missing"]:
        found.setdefault(row["library"], row["needs"])
    for old in seen["versions"]:
        found.setdefault(old["library"], old["version"])
    for unserved in seen["undefined"]:
        found.setdefault(unserved["library"], unserved["symbols"][0])
    for fails in seen.get("imports", ()):
        found.setdefault(fails["module"], fails["because"][0])
    for unread in seen["unreadable"]:
        found.setdefault(unread["path"], unread["error"])
    return found


def load(path: str) -> str:
    """Load a library in a child of its own; return what the loader said, "" when it loads."""
    pipe, end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 0
        try:
            ctypes.CDLL(path, os.RTLD_NOW)
        except OSError as error:
            os.write(end, str(error).encode()[:2000])
        finally:
            os._exit(status)
    os.close(end)
    with os.fdopen(pipe, "rb") as answer:
        said = answer.read().decode("utf-8", "backslashreplace")
    _, status = os.waitpid(child, 0)
    return said or (f"ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "")


def compare(error: str, predicted: str, *, assumed: bool) -> str:
    """Name how a prediction and what happened go together."""
    if not error:
        return "false alarm" if predicted else "loads as predicted"
    if predicted:
        return "refused as predicted"
    symbol = error.partition("undefined symbol: ")[2].partition(",")[0]
    if symbol and not is_judged(symbol):
        return "a symbol that is not judged"
    # Without torch among its needs, a library finds torch's symbols only where its package made them global.
    return "left to its package" if assumed or symbol else "missed"


def is_judged(symbol: str) -> bool:
    """Tell whether the probe looks for the server of a symbol."""
    from stackcheck_probes.probes.loading import is_judged as judged  # noqa: PLC0415

    return judged(symbol.encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
