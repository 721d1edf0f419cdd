"""What one Python file says: what it needs of others whenever it is imported, and which names it binds.

What it needs is said for certain only: what stands in a branch, under `try`, in a function or in a block of
an unknown context manager may never run, and is left out. What it binds is the other way round: a name that
may be bound counts as bound.
"""

from __future__ import annotations

import ast
import re
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Dict, FrozenSet, List, NamedTuple, Optional, Set, Tuple

    class Use(NamedTuple):
        """One thing that is needed of a module: a name, or only the module for "".

        attribute: it is read as `module.name`, where `name` may be a path through submodules. annotation: it
        stands in the signature of a function, which Python 3.14 and later does not evaluate.
        """

        module: str
        name: str
        line: int
        attribute: bool
        annotation: bool

    class Source(NamedTuple):
        """What one file says.

        uses: what is needed whenever it is imported, in order. binds: the names that may stand in it. stars:
        the modules whose names it takes over. dynamic: "" where `binds` and `stars` are all; "lazy" where it
        makes names out of `strings`; "open" where it makes names in a way that is not read.
        """

        uses: Tuple[Use, ...]
        binds: FrozenSet[str]
        stars: FrozenSet[str]
        dynamic: str
        strings: FrozenSet[str]
else:
    Use = namedtuple("Use", ("module", "name", "line", "attribute", "annotation"))
    Source = namedtuple("Source", ("uses", "binds", "stars", "dynamic", "strings"))

MAX_TEXT = 4 << 20
WORD = re.compile(r"[^\W\d]\w*")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LATER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LAZY_MAKERS = frozenset(("_LazyModule", "attach", "_attach"))
"""Calls that make a module's names out of a literal beside them (transformers, diffusers, lazy-loader)."""
_COMPUTED = "define_import_structure"
"""The call by which transformers reads the names of its models out of their files."""
_WORDS = (
    r"(?:exec|vars|locals|globals)\b",
    r"sys[\s\\]*\.[\s\\]*modules",
    "__getattr__",
    _COMPUTED,
    *_LAZY_MAKERS,
)
_DYNAMIC = re.compile("|".join(_WORDS))
"""What stands in the text of a module that makes names without binding them; the others are not searched."""
_HARMLESS_MANAGERS = frozenset(("catch_warnings", "no_grad"))
_READING = frozenset(("get", "keys", "values", "items", "copy"))


def read_source(text: str, module: str, *, is_package: bool) -> Optional[Source]:
    """Return what the text of a module says; None for what is not Python that this Python reads."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    package = module if is_package else module.rpartition(".")[0]
    nodes = list(_of_module(tree))
    bound = _bound(nodes, package)
    try:
        uses = _Running(package, bound, _defers(tree)).of(tree.body)
    except RecursionError:
        return None
    names = set(bound)
    if "global" in text:
        names.update(name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)
    dynamic = _dynamic(tree, nodes) if _DYNAMIC.search(text) else ""
    strings = _strings(tree) if dynamic == "lazy" else frozenset()
    return Source(
        tuple(uses),
        frozenset(names),
        frozenset(_stars(_of_module(tree, typing=False), package)),
        dynamic,
        strings,
    )


def absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the module that `from ... import` names, "" for one above the top."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    if node.level > len(parts):
        return ""
    base = parts[: len(parts) - node.level + 1]
    return ".".join(base + ([node.module] if node.module else []))


def dotted(node: ast.AST) -> str:
    """Return "a.b.c" for such an expression, "" for any other."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _of_module(tree: ast.AST, typing: bool = True) -> Iterator[ast.AST]:
    """Yield what is evaluated in the scope of the module itself, in any branch; `typing`: also for types."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and not typing and _is_for_types(node.test):
            todo.extend(node.orelse)
            continue
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))


def _bound(nodes: List[ast.AST], package: str) -> Dict[str, Set[str]]:
    """Return name -> the modules that it may be bound to, "" for anything else."""
    found: Dict[str, Set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for each in node.names:
                first = each.name.partition(".")[0]
                found.setdefault(each.asname or first, set()).add(each.name if each.asname else first)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, package)
            for each in node.names:
                found.setdefault(each.asname or each.name, set()).add(base + "." + each.name if base else "")
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            found.setdefault(node.name, set()).add("")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, set()).add("")
        else:
            for key in ("name", "rest"):  # `except ... as name`, and the captures of `match`
                value = getattr(node, key, None)
                if isinstance(value, str) and not isinstance(node, ast.alias):
                    found.setdefault(value, set()).add("")
    return found


def _stars(nodes: Iterator[ast.AST], package: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and any(each.name == "*" for each in node.names):
            yield absolute(node, package)


def _strings(tree: ast.AST) -> FrozenSet[str]:
    """Return every word of every text in a file."""
    texts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return frozenset(word for text in texts for word in WORD.findall(text))


def _defers(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(each.name == "annotations" for each in node.names)
        for node in tree.body
    )


class _Running:
    """The statements that run whenever a module is imported, in order."""

    def __init__(self, package: str, bound: Dict[str, Set[str]], deferred: bool) -> None:
        self.package, self.deferred = package, deferred
        self.aliases = {name: next(iter(to)) for name, to in bound.items() if len(to) == 1 and "" not in to}
        self.imported: Set[str] = set()
        self.uses: List[Use] = []

    def of(self, body: List[ast.stmt]) -> List[Use]:
        for statement in body:
            self.statement(statement)
            if isinstance(statement, ast.Raise):
                break
        return self.uses

    def statement(self, node: ast.stmt) -> None:  # noqa: C901 - a branch a kind of statement
        if isinstance(node, ast.Import):
            for each in node.names:
                self.imported.add(each.asname or each.name.partition(".")[0])
                self.uses.append(Use(each.name, "", node.lineno, attribute=False, annotation=False))
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, self.package)
            for each in node.names if base and base != "__future__" else ():
                self.imported.add(each.asname or each.name)
                self.uses.append(Use(base, each.name, node.lineno, attribute=False, annotation=False))
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            self.definition(node)
        elif isinstance(node, ast.If):
            self.expression(node.test)
            self.of(_taken(node))
        elif isinstance(node, ast.Try):
            self.of(([] if node.handlers else node.body) + node.finalbody)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self.expression(item.context_expr)
            if all(_is_harmless(item.context_expr) for item in node.items):
                self.of(node.body)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self.expression(node.iter)
        elif isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Assert, ast.Raise)):
            self.simple(node)

    def definition(self, node: ast.stmt) -> None:
        for each in node.decorator_list:  # type: ignore[attr-defined]
            self.expression(each)
        if isinstance(node, ast.ClassDef):
            for each in (*node.bases, *(keyword.value for keyword in node.keywords)):
                self.expression(each)
            self.of(node.body)
            return
        arguments: ast.arguments = node.args  # type: ignore[attr-defined]
        for each in (*arguments.defaults, *arguments.kw_defaults):
            self.expression(each)
        if not self.deferred:
            named = [*getattr(arguments, "posonlyargs", ()), *arguments.args, *arguments.kwonlyargs]
            named += [each for each in (arguments.vararg, arguments.kwarg) if each]
            for each in (*(one.annotation for one in named), node.returns):  # type: ignore[attr-defined]
                self.expression(each, annotation=True)

    def simple(self, node: ast.stmt) -> None:
        annotated = isinstance(node, ast.AnnAssign)
        for key, value in ast.iter_fields(node):
            if key == "msg" or (key == "annotation" and self.deferred):
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    self.expression(each, annotation=annotated and key == "annotation")

    def expression(self, node: Optional[ast.AST], annotation: bool = False) -> None:
        """Note what an expression reads of imported modules, as far as it is always evaluated."""
        if node is None or isinstance(node, _LATER):
            return
        if isinstance(node, ast.BoolOp):
            self.expression(node.values[0], annotation)
        elif isinstance(node, ast.IfExp):
            self.expression(node.test, annotation)
        elif isinstance(node, ast.Attribute) and dotted(node):
            first, _, rest = dotted(node).partition(".")
            if first in self.imported and first in self.aliases and isinstance(node.ctx, ast.Load):
                self.uses.append(
                    Use(self.aliases[first], rest, node.lineno, attribute=True, annotation=annotation)
                )
        else:
            for each in ast.iter_child_nodes(node):
                self.expression(each, annotation)


def _taken(node: ast.If) -> List[ast.stmt]:
    """Return the branch that always runs: that of a program where types are not checked."""
    test, turned = node.test, False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, turned = test.operand, True
    if not _is_for_types(test):
        return []
    return node.body if turned else node.orelse


def _is_for_types(test: ast.expr) -> bool:
    return dotted(test).rpartition(".")[2] == "TYPE_CHECKING"


def _is_harmless(node: ast.expr) -> bool:
    """Tell whether a context manager lets an ImportError through."""
    return isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in _HARMLESS_MANAGERS


def _dynamic(tree: ast.Module, nodes: List[ast.AST]) -> str:
    """Return how a module makes names that no statement binds: see `Source`."""
    # A copy of the maker itself (huggingface_hub has one) imports what it is told, and makes nothing here.
    outside = [each for each in tree.body if getattr(each, "name", "") not in _LAZY_MAKERS]
    walked = [node for each in outside for node in ast.walk(each)]
    calls = {dotted(n.func).rpartition(".")[2] for n in walked if isinstance(n, ast.Call)}
    if _COMPUTED in calls or "exec" in calls:
        return "open"
    if calls & _LAZY_MAKERS and "import_module" not in calls:
        return "lazy"
    if any(map(_changes_itself, walked)):
        return "open"
    getters = [n for n in nodes if isinstance(n, _FUNCTIONS) and n.name == "__getattr__"]
    if getters:
        return "lazy" if all(_Getter(each, nodes).is_closed() for each in getters) else "open"
    return "open" if "__getattr__" in _bound(nodes, "") else ""


def _changes_itself(node: ast.AST) -> bool:
    """Tell whether a node may put names into its module without binding them."""
    if isinstance(node, ast.Subscript) and dotted(node.value) == "sys.modules":
        return dotted(_index(node)) == "__name__"
    if isinstance(node, ast.Call) and dotted(node.func) in ("vars", "locals"):
        return not node.args or dotted(node.args[0]) == "__name__"
    # `globals()` is looked at where it stands in something: reading one of its names changes nothing.
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.Call) and dotted(each.func) == "globals":
            reads = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
            reads = reads or (isinstance(node, ast.Attribute) and node.attr in _READING)
            if not (reads or isinstance(node, ast.Compare)):
                return True
    return False


def _index(node: ast.Subscript) -> ast.AST:
    """Return what stands in the brackets: Python 3.8 wraps it."""
    inside: ast.AST = node.slice
    return getattr(inside, "value", inside) if type(inside).__name__ == "Index" else inside


class _Getter:
    """A `__getattr__` of a module: whether every name that it serves is written in the file.

    It is where each value is returned under a test of the name against a text, or against a container that
    a literal of the module makes.
    """

    def __init__(self, node: ast.AST, nodes: List[ast.AST]) -> None:
        self.body: List[ast.stmt] = node.body  # type: ignore[attr-defined]
        arguments = node.args.args  # type: ignore[attr-defined]
        self.name = arguments[0].arg if arguments else ""
        self.literals = {
            target.id
            for each in nodes
            if isinstance(each, (ast.Assign, ast.AnnAssign)) and _is_literal(each.value)
            for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
            if isinstance(target, ast.Name)
        } - {filled for each in nodes for filled in _filled(each)}
        self.looked_up: Set[str] = set()

    def is_closed(self) -> bool:
        return self.name != "" and self.block(self.body, guarded=False)

    def block(self, body: List[ast.stmt], guarded: bool) -> bool:  # noqa: C901 - a branch a kind of statement
        for each in body:
            if isinstance(each, ast.Return):
                return guarded or (each.value is not None and self.is_lookup(each.value))
            if isinstance(each, ast.Raise):
                return True
            if isinstance(each, ast.Assign) and self.is_lookup(each.value):
                self.looked_up |= {dotted(target) for target in each.targets}
            elif isinstance(each, ast.If):
                tested, denied = self.tests(each.test), self.denies(each.test)
                if not self.block(each.body, guarded or tested):
                    return False
                if not self.block(each.orelse, guarded or denied):
                    return False
                guarded = guarded or (denied and _always_ends(each.body))
            elif isinstance(each, ast.Try):
                blocks = [each.body, each.orelse, each.finalbody, *(one.body for one in each.handlers)]
                if not all(self.block(one, guarded) for one in blocks):
                    return False
                guarded = guarded or (
                    any(self.is_raising_lookup(one) for one in each.body)
                    and all(_always_ends(one.body) for one in each.handlers)
                )
            elif not guarded and any(isinstance(one, ast.Return) for one in ast.walk(each)):
                return False
        return True  # it serves None, which nobody means

    def is_lookup(self, node: ast.AST) -> bool:
        """Tell whether an expression is `LITERAL[name]` or `LITERAL.get(name)`."""
        if isinstance(node, ast.Subscript):
            return dotted(node.value) in self.literals and dotted(_index(node)) == self.name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            return (
                dotted(node.func.value) in self.literals
                and bool(node.args)
                and dotted(node.args[0]) == self.name
            )
        return False

    def is_raising_lookup(self, node: ast.stmt) -> bool:
        value = getattr(node, "value", None)
        return isinstance(value, ast.Subscript) and self.is_lookup(value)

    def tests(self, test: ast.expr) -> bool:
        """Tell whether a test holds for names in the file alone."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return any(map(self.tests, test.values))
        if isinstance(test, ast.BoolOp):
            return all(map(self.tests, test.values))
        if isinstance(test, ast.Name):
            return test.id in self.looked_up
        return self.compares(test, (ast.Eq, ast.In, ast.IsNot))

    def denies(self, test: ast.expr) -> bool:
        """Tell whether a test fails for names in the file alone."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self.tests(test.operand)
        return self.compares(test, (ast.NotEq, ast.NotIn, ast.Is))

    def compares(self, test: ast.expr, kinds: Tuple[type, ...]) -> bool:
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], kinds)):
            return False
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], (ast.Is, ast.IsNot)):
            return dotted(left) in self.looked_up and isinstance(right, ast.Constant) and right.value is None
        if dotted(left) != self.name:
            return False
        return isinstance(right, ast.Constant) or _is_literal(right) or dotted(right) in self.literals


def _is_literal(node: Optional[ast.AST]) -> bool:
    """Tell whether a container has only what is written in its brackets: nothing is unpacked into it."""
    if isinstance(node, ast.Dict):
        return None not in node.keys
    return isinstance(node, (ast.List, ast.Set, ast.Tuple)) and not any(
        isinstance(each, ast.Starred) for each in node.elts
    )


def _filled(node: ast.AST) -> Iterator[str]:
    """Yield the container that a call fills with something that is not written there."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        fills = node.func.attr in ("update", "extend") and not all(map(_is_literal, node.args))
        if fills:
            yield dotted(node.func.value)


def _always_ends(body: List[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], (ast.Raise, ast.Return))
