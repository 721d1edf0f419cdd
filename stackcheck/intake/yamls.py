"""Read YAML that somebody else wrote: every scalar as the text that stands there, with the line of each key.

An alias costs nothing until somebody walks through what it names: ten lines can name more than a memory
holds. So the nodes are counted as they would be written out, before anything is made of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from stackcheck.intake.stated import Place
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST = 200_000
"""Nodes that a file may have with its aliases written out: a large lock of pixi has a few ten thousand."""
DEEPEST = 100
_MERGE = "tag:yaml.org,2002:merge"


class Table(dict[str, Any]):
    """A mapping; `lines` says where each key stands."""

    lines: dict[str, int]


class Rows(list[Any]):
    """A sequence; `lines` says where each row begins, by its number."""

    lines: dict[int, int]


class _Texts(_Loader):  # type: ignore[misc]
    """A safe loader that leaves scalars as they are written: 3.10 is not 3.1, and nothing becomes a date."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {"<": [(_MERGE, re.compile(r"^<<$"))]}


def documents(text: str, shown: str) -> list[Any]:
    """Return the documents of a file: tables, lists and texts.

    Raises UsageError, with the line, for what is not YAML, and for a file that is larger than it looks.
    """
    try:
        _require_small(text, shown)
        return list(yaml.load_all(text, Loader=_Texts))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown}:{mark.line + 1}" if mark else shown
        why = getattr(error, "problem", None) or "it cannot be parsed"
        raise UsageError(f"{where}: this is not YAML: {why}.") from None


def place(value: Any, key: str | int, shown: str) -> Place:
    """Return where a key of a table or a row of a list stands; line 0 where that is not known."""
    return Place(shown, getattr(value, "lines", {}).get(key, 0))


def _require_small(text: str, shown: str) -> None:
    """Count the nodes, those of an alias again each time."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in (name for name, _ in open_):
                raise UsageError(f"{shown}:{line}: *{event.anchor} stands inside of what it names.")
            total += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
        if total > MOST:
            raise UsageError(f"{shown}:{line}: with its aliases this file has more than {MOST:,} values.")
        if len(open_) > DEEPEST:
            raise UsageError(f"{shown}:{line}: this is nested more than {DEEPEST} deep.")


def _table(loader: Any, node: Any) -> Iterator[Table]:
    made = Table()
    made.lines = {}
    yield made
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, str):
            made[key] = loader.construct_object(value_node)
            made.lines[key] = key_node.start_mark.line + 1


def _rows(loader: Any, node: Any) -> Iterator[Rows]:
    made = Rows()
    made.lines = {number: each.start_mark.line + 1 for number, each in enumerate(node.value)}
    yield made
    made += [loader.construct_object(each) for each in node.value]


def _own_tag(loader: Any, suffix: str, node: Any) -> Any:
    """Take a value with a tag of another tool (`!reset`) as if it had none."""
    del suffix
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return (_table if isinstance(node, yaml.MappingNode) else _rows)(loader, node)


_Texts.add_constructor("tag:yaml.org,2002:map", _table)
_Texts.add_constructor("tag:yaml.org,2002:seq", _rows)
_Texts.add_multi_constructor("!", _own_tag)
