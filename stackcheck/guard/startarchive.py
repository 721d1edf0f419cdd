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
ROOTS = ("start.entrypoint", "start.precompile")

_DATE = (1980, 1, 1, 0, 0, 0)
_MAIN = """\
import sys

if sys.argv[1:2] == ["entrypoint"]:
    from stackcheck_probes.start.entrypoint import main
    sys.exit(main(sys.argv[2:]))
if sys.argv[1:2] == ["precompile"]:
    from stackcheck_probes.start.precompile import main
    sys.exit(main())
sys.exit("usage: stackcheck.pyz entrypoint [--check] [--expectation FILE] [--] COMMAND [ARGUMENT...]")
"""


def pack() -> bytes:
    """Return the archive with sources only, reproducible; any Python from 3.8 on runs it."""
    folder = Path(stackcheck_probes.__file__).parent
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as writer:
        entries = {f"stackcheck_probes/{path}": (folder / path).read_bytes() for path in modules()}
        for name, content in sorted({**entries, "__main__.py": _MAIN.encode()}.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o444 << 16
            writer.writestr(entry, content)
    return made.getvalue()


@cache
def modules() -> tuple[str, ...]:
    """Return the files of `stackcheck_probes` that the entrypoint can come to import, by path in it."""
    folder = Path(stackcheck_probes.__file__).parent
    found: set[str] = set()
    queue = [("stackcheck_probes", *root.split(".")) for root in ROOTS]
    while queue:
        name = queue.pop()
        path = _file(folder, name[1:])
        if path is not None and path not in found:
            found.add(path)
            queue += _imported(ast.parse((folder / path).read_text("utf-8")))
            queue.append(name[:-1])  # importing a module imports the packages that it lies in
    return tuple(sorted(found))


def _file(folder: Path, name: tuple[str, ...]) -> str | None:
    """Return the file of a module or package, None for a name that is neither: a function, say."""
    for path in ("/".join((*name, "__init__.py")), "/".join(name) + ".py"):
        if (folder / path).is_file():
            return path
    return None


def _imported(tree: ast.AST) -> list[tuple[str, ...]]:
    """Return what a module can import when it runs; what it imports for its annotations stays at home."""
    names: list[tuple[str, ...]] = []
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        queue += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "stackcheck_probes":
            module = tuple((node.module or "").split("."))
            names += [module, *((*module, alias.name) for alias in node.names)]
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
