"""The direction of the layers: a module imports what lies below it, the core never imports the shell."""

import ast
from pathlib import Path

import stackcheck
from stackcheck.entrypoints import startarchive

ROOT = Path(stackcheck.__file__).parent
SHELL = ("targets", "resolving", "agent")
"""What starts processes or reaches the network."""
OUTER = (
    "pipeline",
    "plugin",
    "cli",
    "inspecting",
    "entrypoints.baking",
    "entrypoints.baked_image",
    "suggest.answer",
    "suggest.asking",
    "stackitems",
    "stackreports",
    "hooks",
)
CORE = (
    "errors",
    "model",
    "verdict",
    "definition",
    "model",
    "axes",
    "tables",
    "rules",
    "report",
    "recipes",
    "dockerfiles",
)
PURE_OF_RESOLVING = {
    "stackcheck.resolving.resolution",
    "stackcheck.resolving.lock",
    "stackcheck.resolving.pages",
}
"""Values that rules judge; they import no more than the core does."""
PURE_OF_RESOLVING |= {
    f"stackcheck.resolving.{name}"
    for name in ("places", "wheeltags", "question", "uvinput", "uvenv", "anchors")
}


def imports(path: Path) -> set[str]:
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
    return found


def modules(*names: str) -> list[Path]:
    paths = [ROOT / f"{name}.py" for name in names] + [
        p for name in names for p in (ROOT / name).rglob("*.py")
    ]
    return [path for path in paths if path.is_file()]


def offences(
    paths: list[Path], forbidden: tuple[str, ...], allowed: frozenset[str] = frozenset()
) -> list[str]:
    prefixes = tuple(f"stackcheck.{name}" for name in forbidden)
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in sorted(imports(path))
        if any(name == p or name.startswith(f"{p}.") for p in prefixes)
        and name.rpartition(".")[0] not in allowed
        if name not in allowed
    ]


def test_the_core_imports_neither_the_shell_nor_the_outside() -> None:
    assert offences(modules(*CORE), (*SHELL, *OUTER), frozenset(PURE_OF_RESOLVING)) == []


def test_the_search_for_a_suggestion_asks_nobody() -> None:
    asking = {ROOT / "suggest" / name for name in ("answer.py", "asking.py")}
    searching = [path for path in modules("suggest") if path not in asking]
    assert offences(searching, (*SHELL, "steps", *OUTER), frozenset(PURE_OF_RESOLVING)) == []


def test_the_shell_does_not_import_the_outside() -> None:
    assert offences(modules(*SHELL), ("steps", *OUTER)) == []


def test_the_steps_do_not_import_the_story() -> None:
    assert offences(modules("steps"), OUTER) == []


def test_processes_know_nothing_of_the_targets_that_use_them() -> None:
    above = tuple(
        f"targets.{path.stem}"
        for path in (ROOT / "targets").iterdir()
        if path.stem not in ("process", "__pycache__")
    )
    assert offences(modules("targets/process"), above) == []


KNOWN_PAIRS = {("recipes", "rules"), ("resolving", "rules")}
"""Packages that still import each other when they run."""


def test_no_two_packages_import_each_other() -> None:
    arrows = {
        (path.relative_to(ROOT).parts[0].removesuffix(".py"), name.split(".")[1])
        for path in ROOT.rglob("*.py")
        for name in imports(path)
        if name.startswith("stackcheck.")
    }
    both = {(one, other) for one, other in arrows if one < other and (other, one) in arrows}
    assert both <= KNOWN_PAIRS


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


ROOMS = (("facts",), ("binaries",), ("judging",), ("loader", "machine", "watching"), ("probes",), ("start",))
"""The rooms of what travels, from the ground up: a module imports from its own room and from those below."""


def test_a_room_of_what_travels_imports_only_from_those_below() -> None:
    import stackcheck_probes  # noqa: PLC0415 - the package under test

    root = Path(stackcheck_probes.__file__).parent
    level = {room: number for number, rooms in enumerate(ROOMS) for room in rooms}
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
        for name in imports(path)
        if name.startswith("stackcheck_probes.facts")
    }
    assert found == set(), "import it under TYPE_CHECKING: `typing` costs time where probes start"
    assert [path for path in startarchive.modules() if path.startswith("facts/")] == []
