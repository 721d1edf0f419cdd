"""What importing a package runs of its own modules, and what these need of other packages."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Dict, Iterable, List, NamedTuple, Set, Tuple

    from stackcheck_probes.imports.tree import Tree

    class Need(NamedTuple):
        """One thing that a file needs of another package: see `source.Use`; `path` and `line` are where."""

        module: str
        name: str
        attribute: bool
        annotation: bool
        path: str
        line: int
else:
    Need = namedtuple("Need", ("module", "name", "attribute", "annotation", "path", "line"))

MAX_MODULES = 600
_ASIDE = frozenset(
    (
        "test",
        "tests",
        "testing",
        "doc",
        "docs",
        "example",
        "examples",
        "benchmarks",
        "scripts",
        "tools",
        "bin",
    )
)
"""Folders that many wheels bring by mistake, and nobody imports."""


def roots(tree: Tree, dist: str) -> List[str]:
    """Return the modules that stand for a distribution: that of its name, else those at its top.

    Below a namespace it is the one of its name ("pyannote.audio" of pyannote-audio).
    """
    tops = {path.partition("/")[0] for path in tree.paths if path.endswith(".py")}
    names = {top[:-3] if top.endswith(".py") else top for top in tops}
    plain = dist.replace("-", "").replace("_", "").replace(".", "").lower()
    found = [name for name in sorted(names) if name.replace("_", "").lower() == plain]
    if not found:
        below = (".".join(path.split("/")[:2]) for path in tree.paths if path.endswith("/__init__.py"))
        found = [
            name for name in sorted(set(below)) if name.replace(".", "").replace("_", "").lower() == plain
        ]
    found = found or [name for name in sorted(names) if name not in _ASIDE and name.isidentifier()]
    return [name for name in found if tree.kind(name) in ("package", "module")]


def needs(tree: Tree, starts: Iterable[str]) -> Tuple[List[Need], Set[str]]:
    """Return what importing modules needs of other packages, and which modules of their own it runs."""
    run: Set[str] = set()
    return list(_needs(tree, starts, run)), run


def _needs(tree: Tree, starts: Iterable[str], run: Set[str]) -> Iterator[Need]:
    """Yield what is needed by the modules that are not in `run` yet, in the order in which they run."""
    todo = [each for start in starts for each in _with_parents(start)][::-1]
    while todo and len(run) < MAX_MODULES:
        module = todo.pop()
        source = tree.source(module) if module not in run else None
        run.add(module)
        if source is None:
            continue
        own: List[str] = []
        for use in source.uses:
            top = use.module.partition(".")[0]
            if tree.kind(top) == "" or (tree.kind(top) == "folder" and not tree.kind(use.module)):
                yield Need(use.module, use.name, use.attribute, use.annotation, tree.path(module), use.line)
            elif not use.attribute:
                own += _with_parents(use.module)
                inner = use.module + "." + use.name
                outer = tree.source(use.module) if use.module != module else None
                if use.name and tree.kind(inner) and not (outer and use.name in outer.binds):
                    own.append(inner)
        todo += own[::-1]


def _with_parents(module: str) -> List[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def lazily(tree: Tree, run: Set[str]) -> Dict[str, List[Need]]:
    """Return what each module needs that is imported when one of its names is asked for.

    Such a module is named by a package that makes its names out of a literal; `run` are those that ran
    already, and each is charged with what it runs itself alone.
    """
    found: Dict[str, List[Need]] = {}
    todo, done = sorted(run), set(run)
    while todo and len(done) < MAX_MODULES:
        package = todo.pop(0)
        source = tree.source(package)
        if source is None or not source.strings:
            continue
        for word in sorted(source.strings):
            module = package + "." + word
            if module in done or tree.kind(module) not in ("package", "module"):
                continue
            before = set(done)
            done.discard(module)
            found[module] = list(_needs(tree, [module], done))
            todo += sorted(done - before)
    return found
