"""The direction of the layers: a module imports what lies below it, never what lies above."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import stackcheck
from stackcheck.guard import startarchive

ROOT = Path(stackcheck.__file__).parent
LAYERS: tuple[tuple[str, ...], ...] = (
    ("model",),
    ("storage",),
    ("extensions", "knowledge"),
    ("images", "variants"),
    ("intake",),
    ("environment",),
    ("rules", "report"),
    ("resolve", "probing"),
    ("wheels",),
    ("targets",),
    ("steps",),
    ("pipeline",),
    ("inspect",),
    ("guard", "suggest", "matrix"),
    ("plan",),
    ("drift",),
    ("fleet",),
    ("pytest_plugin", "cli"),
    ("__main__", "__init__"),
)
"""The rooms, from the ground up. Those of one layer do not know each other."""


@cache
def imports(path: Path) -> frozenset[str]:
    """Return what a module imports when it runs (imports for types alone are left out)."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = [n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    skipped = {id(inner) for block in typing_only for inner in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


LEVEL = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
ROOMS = {room_of(path) for path in ROOT.rglob("*.py")}


def test_every_room_has_a_layer_and_nothing_loose_stands_at_the_top() -> None:
    assert set(LEVEL) >= ROOMS
    assert {path.stem for path in ROOT.glob("*.py")} == {"__init__", "__main__", "pipeline"}


def test_a_module_imports_only_what_lies_below_it() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in ROOT.rglob("*.py")
        for name in imports(path)
        if name.startswith("stackcheck.")
        for own, room in [(room_of(path), name.split(".")[1])]
        if room in ROOMS and room != own and LEVEL[room] >= LEVEL[own]
    }
    assert found == set()


def test_the_rooms_have_no_cycle() -> None:
    below: dict[str, set[str]] = defaultdict(set)
    for path in ROOT.rglob("*.py"):
        below[room_of(path)] |= {
            name.split(".")[1] for name in imports(path) if name.startswith("stackcheck.")
        }
    left = {room: (below[room] & ROOMS) - {room} for room in ROOMS}
    while free := {room for room, needs in left.items() if not needs & left.keys()}:
        left = {room: needs for room, needs in left.items() if room not in free}
    assert left == {}


def test_processes_know_nothing_of_the_targets_that_use_them() -> None:
    above = tuple(
        f"stackcheck.targets.{path.stem}"
        for path in (ROOT / "targets").iterdir()
        if path.stem not in ("process", "__init__", "__pycache__")
    )
    found = {
        f"{path.name} imports {name}"
        for path in (ROOT / "targets" / "process").rglob("*.py")
        for name in imports(path)
        if any(name == each or name.startswith(f"{each}.") for each in above)
    }
    assert found == set()


def test_rules_judge_and_start_nothing() -> None:
    effects = ("subprocess", "socket", "httpx", "docker", "urllib.request")
    pure = ("model", "knowledge", "environment", "rules", "report")
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for room in pure
        for path in (ROOT / room).rglob("*.py")
        for name in imports(path)
        if name in effects
    }
    assert found == set()


def test_what_travels_imports_nothing_of_the_host() -> None:
    import stackcheck_probes  # noqa: PLC0415 - the package under test

    probes = Path(stackcheck_probes.__file__).parent
    found = {
        f"{p.name} imports {n}"
        for p in probes.rglob("*.py")
        for n in imports(p)
        if n.split(".")[0] == "stackcheck"
    }
    assert found == set()


PROBE_ROOMS = (
    ("facts",),
    ("binaries",),
    ("judging",),
    ("imports", "loader", "machine", "watching"),
    ("probes",),
    ("start",),
)
"""The rooms of what travels, from the ground up: a module imports from its own room and from those below."""


def test_a_room_of_what_travels_imports_only_from_those_below() -> None:
    import stackcheck_probes  # noqa: PLC0415 - the package under test

    root = Path(stackcheck_probes.__file__).parent
    level = {room: number for number, rooms in enumerate(PROBE_ROOMS) for room in rooms}
    assert {path.parent.name for path in root.glob("*/__init__.py")} == set(level)
    found = {
        f"{path.relative_to(root)} imports {name}"
        for path in root.glob("*/*.py")
        for name in imports(path)
        if name.startswith("stackcheck_probes.")
        for room, own in [(name.split(".")[1], path.parent.name)]
        if room in level and room != own and level[room] >= level[own]
    }
    assert found == set()


def test_the_types_of_facts_are_for_annotations_alone() -> None:
    import stackcheck_probes  # noqa: PLC0415 - the package under test

    root = Path(stackcheck_probes.__file__).parent
    found = {
        f"{path} imports {name}"
        for path in [*root.rglob("*.py"), *ROOT.rglob("*.py")]
        if path.parent.name != "facts"
        if path.name != "shapes.py"  # the host holds every answer against its type
        for name in imports(path)
        if name.startswith("stackcheck_probes.facts")
    }
    assert found == set(), "import it under TYPE_CHECKING: `typing` costs time where probes start"
    assert [path for path in startarchive.modules() if path.startswith("facts/")] == []
