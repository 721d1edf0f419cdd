"""Read off Python expressions what they are made of where that is literals; nothing is run."""

from __future__ import annotations

import ast
import contextlib
import re
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST = 60
_MOST = 20_000
"""Expressions that are followed, and how long a text or a list may grow by adding."""
_CHANGING = frozenset({"append", "extend", "insert", "update", "remove", "pop", "setdefault", "clear"})


def parsed(text: str, shown: str) -> ast.Module:
    """Return the syntax tree of a module. Raises UsageError for what is not Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f"{shown}:{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else shown
        raise UsageError(f"{where}: this is not Python that can be parsed.") from None


class NotLiteralError(Exception):
    """What stands here is not a literal, and no name of one."""


def _texts_of(nodes: Iterable[ast.AST]) -> dict[str, int]:
    """Return every text of a module, and the line on which it stands first."""
    found: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.setdefault(node.value, node.lineno)
    return found


def _changed_by(node: ast.AST) -> str:
    """Return the name of the dictionary that a node changes, or asks for what may change it; "" for none."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return ""
    if isinstance(node, ast.Attribute) and node.attr in {"items", "keys", "values", "get"}:
        return ""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Name):
        return node.value.id
    return ""


def _is_copy(node: ast.Call) -> bool:
    """Tell whether a call gives what it is given: list(x), copy.deepcopy(x), sorted(x)."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in {"list", "copy", "deepcopy", "sorted"} and len(node.args) == 1 and not node.keywords


class Names:
    """The names of a module that are bound once, to something that can be read off."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self._bound: dict[str, ast.expr] = {}
        self._changed: set[str] = set()
        self._left = _MOST
        self.computed: dict[str, int] = {}
        """Entries of dictionaries that could not be read off, and their lines."""
        self._texts = _texts_of(nodes)
        self._filled: dict[str, list[tuple[ast.expr, ast.expr]]] = {}
        self._functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                if node.id in self._bound:
                    self._changed.add(node.id)
                self._bound.setdefault(node.id, node)
            elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Name):
                # names.append(...), names["gpu"] = ...: the literal is not all of it
                changes = isinstance(node, ast.Attribute) and node.attr in _CHANGING
                if changes or isinstance(node.ctx, ast.Store | ast.Del):
                    self._changed.add(node.value.id)
        for each in tree.body:
            self._bind(each)
        every = [_changed_by(node) for node in nodes]
        self._filled = {name: rows for name, rows in self._filled.items() if every.count(name) == len(rows)}

    def _bind(self, each: ast.stmt) -> None:
        """Take a line of the module that gives a name its value, or adds to a dictionary."""
        if isinstance(each, ast.Assign) and len(each.targets) == 1:
            if isinstance(each.targets[0], ast.Name):
                self._bound[each.targets[0].id] = each.value
            else:
                self._fill(each.targets[0], each.value)
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value:
            self._bound[each.target.id] = each.value

    def _fill(self, target: ast.expr, value: ast.expr) -> None:
        """Take `extras["gpu"] = [...]`, which adds to a dictionary."""
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            self._filled.setdefault(target.value.id, []).append((target.slice, value))

    def resolved(self, node: ast.expr) -> ast.expr:
        """Return what a name is bound to, when that is sure; else the node itself."""
        if isinstance(node, ast.Name) and node.id not in self._changed:
            bound = self._bound.get(node.id)
            return bound if bound is not None and not isinstance(bound, ast.Name) else node
        return node

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """Return the value of an expression that is made of literals. Raises NotLiteralError."""
        node = self.resolved(node)
        self._left -= 1  # names of names double with each step
        if depth > _DEEPEST or self._left < 0:
            raise NotLiteralError
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [each for item in node.elts for each in self._item(item, depth)]
        if isinstance(node, ast.Dict) and None not in node.keys:
            keys = [self.value(key, depth + 1) for key in node.keys if key is not None]
            if all(isinstance(key, str) for key in keys):
                return dict(zip(keys, (self.value(each, depth + 1) for each in node.values), strict=True))
        if isinstance(node, ast.JoinedStr):
            return "".join(str(self.value(_inner(each), depth + 1)) for each in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
            if type(left) is type(right) and isinstance(left, str | list) and len(left) < _MOST:
                return left + right
        return self._made(node, depth)

    def _made(self, node: ast.expr, depth: int) -> Any:
        """Return the value of a dictionary that lines add to, of an entry of it, or of a list of entries."""
        if isinstance(node, ast.Name) and node.id in self._filled:
            begun = self._bound.get(node.id)
            first = self.value(begun, depth + 1) if isinstance(begun, ast.Dict) else None
            if isinstance(first, dict):
                return first | dict(self._added(node.id, depth))
        if isinstance(node, ast.Subscript):
            return self._looked_up(node, depth)
        if isinstance(node, ast.Call) and _is_copy(node):
            return self.value(node.args[0], depth + 1)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._called(node.func.id, [self.value(each, depth + 1) for each in node.args])
        raise NotLiteralError

    def _added(self, name: str, depth: int) -> Iterator[tuple[Any, Any]]:
        """Yield what lines add to a dictionary; an entry that is computed is noted, and left out."""
        for key, value in self._filled[name]:
            word = self.value(key, depth + 1)
            try:
                yield word, self.value(value, depth + 1)
            except NotLiteralError:
                self.computed[str(word)] = value.lineno

    def _looked_up(self, node: ast.Subscript, depth: int) -> Any:
        """Return `extras["gpu"]`, or the requirement `deps["torch"]` of a dictionary made of a list."""
        key = self.value(node.slice, depth + 1)
        held = self.resolved(node.value)
        if isinstance(held, ast.DictComp):
            return self._requirement_of(held, key)
        rows = self._filled.get(node.value.id, []) if isinstance(node.value, ast.Name) else []
        added = next(
            (row for name, row in rows if isinstance(name, ast.Constant) and name.value == key), None
        )
        if added is not None:  # it alone: another entry may be made of this one
            return self.value(added, depth + 1)
        inner = self.value(node.value, depth + 1)
        if isinstance(inner, dict) and key in inner:
            return inner[key]
        raise NotLiteralError

    def _requirement_of(self, made: ast.DictComp, key: Any) -> str:
        """Return the requirement of that name from the list that a dictionary of requirements is made of."""
        for each in ast.walk(made):
            held = self.resolved(each) if isinstance(each, ast.Name) else None
            if isinstance(held, ast.List | ast.Tuple):
                for text in (item.value for item in held.elts if isinstance(item, ast.Constant)):
                    if isinstance(text, str) and re.split(r"[\[!=<>~;@ ]", text, maxsplit=1)[0] == key:
                        return text
        raise NotLiteralError

    def _called(self, name: str, arguments: list[Any]) -> list[Any]:
        """Return `deps_list("torch", "numpy")`, where that looks each of them up in such a dictionary."""
        function = self._functions.get(name)
        body = function.body[-1] if function is not None and len(function.body) <= 2 else None
        made = body.value if isinstance(body, ast.Return) else None
        if isinstance(made, ast.ListComp) and isinstance(made.elt, ast.Subscript):
            held = self.resolved(made.elt.value)
            if isinstance(held, ast.DictComp):
                return [self._requirement_of(held, each) for each in arguments]
        raise NotLiteralError

    def _item(self, item: ast.expr, depth: int) -> list[Any]:
        if isinstance(item, ast.Starred):
            inner = self.value(item.value, depth + 1)
            return inner if isinstance(inner, list) else []
        return [self.value(item, depth + 1)]

    def lines(self, node: ast.expr) -> dict[str, int]:
        """Return on which line each text of an expression stands."""
        found: dict[str, int] = {}
        waiting, seen = [self.resolved(node)], set[int]()
        while waiting:
            for each in ast.walk(waiting.pop()):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    found.setdefault(each.value, each.lineno)
                elif isinstance(each, ast.JoinedStr):
                    with contextlib.suppress(NotLiteralError):
                        found.setdefault(self.value(each), each.lineno)
                elif isinstance(each, ast.Name) and id(inner := self.resolved(each)) not in seen:
                    seen.add(id(inner))
                    waiting += [inner] if inner is not each else []
        return {**self._texts, **found}


def _inner(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.FormattedValue):
        if node.conversion != -1 or node.format_spec is not None:
            raise NotLiteralError
        return node.value
    return node
