"""Pack what checks a container when it starts: of what travels, the modules that the entrypoint needs."""

from __future__ import annotations

import ast
import io
import zipfile
from functools import cache
from pathlib import Path

import stackcheck_probes

FOLDER = "/opt/stackcheck"
ARCHIVE, EXPECTATION = "stackcheck.pyz", "expectation.json"
FLAGS = ("-I", "-S", "-B")
"""Isolated from the environment, without `site` (which takes longer than the check), writing no caches."""
ROOTS = ("entrypoint", "precompile")

_DATE = (1980, 1, 1, 0, 0, 0)
_MAIN = """\
import sys

if sys.argv[1:2] == ["entrypoint"]:
    from stackcheck_probes.entrypoint import main
    sys.exit(main(sys.argv[2:]))
if sys.argv[1:2] == ["precompile"]:
    from stackcheck_probes.precompile import main
    sys.exit(main())
sys.exit("usage: stackcheck.pyz entrypoint [--check] [--expectation FILE] [--] COMMAND [ARGUMENT...]")
"""


def pack() -> bytes:
    """Return the archive with sources only, reproducible; any Python from 3.8 on runs it."""
    folder = Path(stackcheck_probes.__file__).parent
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as writer:
        entries = {f"stackcheck_probes/{name}.py": (folder / f"{name}.py").read_bytes() for name in modules()}
        for name, content in sorted({**entries, "__main__.py": _MAIN.encode()}.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o444 << 16
            writer.writestr(entry, content)
    return made.getvalue()


@cache
def modules() -> tuple[str, ...]:
    """Return the modules of `stackcheck_probes` that the entrypoint can come to import, by their names."""
    folder = Path(stackcheck_probes.__file__).parent
    known = {path.stem for path in folder.glob("*.py")}
    found, queue = {"__init__"}, list(ROOTS)
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found.add(name)
        queue += sorted(_imported(ast.parse((folder / f"{name}.py").read_text("utf-8"))) & known)
    return tuple(sorted(found))


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "stackcheck_probes":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stackcheck_probes."):
            names.add((node.module or "").partition(".")[2])
    return names


def command(python: str, inner: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ENTRYPOINT: the agent in front of what was there; what follows it, CMD or arguments, stays.

    A shell form is kept as it is: the engine stores it as `/bin/sh -c TEXT`, which is run unchanged.
    """
    return (python, *FLAGS, f"{FOLDER}/{ARCHIVE}", "entrypoint", "--", *inner)


def inner_command(entrypoint: tuple[str, ...]) -> tuple[str, ...]:
    """Return an ENTRYPOINT without the agent in front of it, if it has one: baking twice replaces."""
    place = f"{FOLDER}/{ARCHIVE}"
    if place not in entrypoint:
        return entrypoint
    at = entrypoint.index(place)
    return entrypoint[at + 3 :] if entrypoint[at + 1 : at + 3] == ("entrypoint", "--") else entrypoint
