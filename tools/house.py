"""Measure the house from its imports: `python tools/house.py [CHECKOUT] [--arrows]`.

Nothing of the checkout is run: its files are parsed. A room is a package at the top of `stackcheck/`, or a
module there; an arrow is an import between two rooms when the code runs (those for annotations are not
counted).
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[1]
LAYERS = (
    {"errors", "redact", "verdict", "cachedir", "image", "axes"},
    {"model", "definition", "definition_schema"},
    {"storage"},
    {"extensions", "knowledge", "tables"},
    {"images", "dockerfiles", "variants", "variantname", "observation"},
    {"intake", "catalog"},
    {"environment", "claimed"},
    {"rules", "report", "rulebook"},
    {"resolve", "resolving", "probing", "agent"},
    {"wheels"},
    {"targets", "engines"},
    {"steps", "recipes"},
    {"pipeline"},
    {"inspect", "inspecting"},
    {"guard", "entrypoints", "suggest", "suggested", "matrix"},
    {"plan"},
    {"drift"},
    {"fleet"},
    {"pytest_plugin", "plugin", "hooks", "stackitems", "stackreports", "cli", "__main__", "__init__"},
)
"""The rooms from the ground up; a checkout of another day may have others, which are then named."""
TORCH_DECIDERS = ("torch_claim", "torch_backend", "_stated_backend", "torch_build", "torch_tag")
"""Functions that say which build of torch a stack has, by the names that they have had."""
CLAIMS = {"cuda", "rocm", "gpus", "arch_list"}
"""What a stack states beside `accelerator`: who reads both decides which accelerator is meant."""


class Module(NamedTuple):
    """A parsed file: its room, its lines of code, and what it imports when it runs."""

    path: Path
    room: str
    lines: int
    imports: frozenset[str]
    functions: tuple[str, ...]
    weighing: tuple[str, ...]


def read(root: Path) -> list[Module]:
    """Parse every module of the product below `root`."""
    found = []
    for top in (root / "stackcheck", root / "probes" / "stackcheck_probes"):
        for path in sorted(top.rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            room = (
                path.relative_to(top).parts[0].removesuffix(".py") if top.name == "stackcheck" else "probes"
            )
            functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
            names = tuple(each.name for each in functions)
            weighing = tuple(each.name for each in functions if _weighs_accelerator(each))
            lines, imports = code_lines(path, tree), frozenset(_imports(tree))
            found.append(Module(path, room, lines, imports, names, weighing))
    return found


def code_lines(path: Path, tree: ast.Module) -> int:
    """Count the lines of code: neither blank, nor a comment, nor of a docstring."""
    lines = path.read_text(encoding="utf-8").splitlines()
    strings = {
        number
        for each in ast.walk(tree)
        if isinstance(each, ast.Expr)
        and isinstance(each.value, ast.Constant)
        and isinstance(each.value.value, str)
        for number in range(each.lineno, (each.end_lineno or each.lineno) + 1)
    }
    kept = (line.strip() for number, line in enumerate(lines, 1) if number not in strings)
    return sum(bool(line) and not line.startswith("#") for line in kept)


def _weighs_accelerator(function: ast.FunctionDef) -> bool:
    """Tell whether a function makes a decision of a stack's accelerator and of what else it states."""
    of: dict[str, set[str]] = defaultdict(set)
    for each in ast.walk(function):
        if isinstance(each, ast.If | ast.IfExp | ast.BoolOp):
            for read in ast.walk(each.test if isinstance(each, ast.If) else each):
                if isinstance(read, ast.Attribute):
                    of[ast.unparse(read.value)].add(read.attr)
    return any("accelerator" in read and read & CLAIMS for read in of.values())


def _imports(tree: ast.Module) -> Iterator[str]:
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        queue += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def arrows(modules: Iterable[Module]) -> dict[tuple[str, str], list[str]]:
    """Return (room, room that it imports) -> the modules that do, of the rooms of `stackcheck`."""
    modules = [each for each in modules if each.room != "probes"]
    rooms = {each.room for each in modules}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in modules:
        into = {name.split(".")[1] for name in each.imports if name.startswith("stackcheck.")}
        for room in sorted((into & rooms) - {each.room}):
            found[each.room, room].append(
                "/".join(each.path.parts[each.path.parts.index("stackcheck") + 1 :])
            )
    return dict(found)


def cycles(found: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the groups of rooms that reach each other."""
    edges: dict[str, set[str]] = defaultdict(set)
    for one, other in found:
        edges[one].add(other)
    reach = {room: _reach(room, edges) for room in edges}
    groups = {
        frozenset({room, *(other for other in reach[room] if room in reach.get(other, set()))})
        for room in edges
        if room in reach[room]
    }
    return sorted(sorted(group) for group in groups)


def _reach(room: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    queue = [*edges.get(room, ())]
    while queue:
        each = queue.pop()
        if each not in seen:
            seen.add(each)
            queue += edges.get(each, ())
    return seen


def measure(root: Path) -> dict[str, str]:
    """Return the table of the house: what is counted -> how many, with names where they are few."""
    modules = read(root)
    rooms = {each.room for each in modules} - {"probes"}
    found = arrows(modules)
    level = {room: number for number, group in enumerate(LAYERS) for room in group}
    up = sorted(f"{a} -> {b}" for a, b in found if level.get(b, 0) > level.get(a, len(LAYERS)))
    unknown = sorted(rooms - level.keys())
    rounds = cycles(found)
    product = [each for each in modules if each.room != "probes"]
    table = {
        "modules of stackcheck": str(len(product)),
        "modules of probes": str(len(modules) - len(product)),
        "lines of code of stackcheck": str(sum(each.lines for each in product)),
        "lines of code of probes": str(sum(each.lines for each in modules if each.room == "probes")),
        "median and longest module, in lines of code": _sizes(product),
        "rooms": str(len(rooms)),
        "loose modules at the top": str(len([*(root / "stackcheck").glob("[!_]*.py")])),
        "arrows between rooms": str(len(found)),
        "groups of rooms that import each other": f"{len(rounds)}{_named('; '.join(map(' '.join, rounds)))}",
        "arrows that run up": f"{len(up)}{_named('; '.join(up))}",
        "rooms without a layer": f"{len(unknown)}{_named(', '.join(unknown))}",
    }
    torch = [(each, name) for each in modules for name in each.functions if name in TORCH_DECIDERS]
    accelerator = [(each, name) for each in modules for name in each.weighing]
    for what, deciders in (("torch build", torch), ("accelerator", accelerator)):
        where = sorted(f"{each.path.stem}.{name}" for each, name in deciders)
        table[f"deciders of the {what}"] = f"{len(where)}{_named(', '.join(where))}"
    return table


def _sizes(modules: Iterable[Module]) -> str:
    lines = [each.lines for each in modules]
    return f"{statistics.median(lines):.0f}, {max(lines)}"


def _named(text: str) -> str:
    return f" ({text})" if text else ""


def main(arguments: list[str]) -> int:
    """Print the table, and with `--arrows` each arrow with the modules behind it."""
    roots = [Path(each) for each in arguments if not each.startswith("-")] or [ROOT]
    for root in roots:
        print("\n".join(f"| {what} | {number} |" for what, number in measure(root).items()))  # noqa: T201
        if "--arrows" in arguments:
            for (one, other), names in sorted(arrows(read(root)).items()):
                print(f"{one} -> {other}: {', '.join(names)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
