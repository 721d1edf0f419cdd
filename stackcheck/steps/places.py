"""Where in the files of a project, or in a definition, stands what a verdict is about."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import canonicalize_name

from stackcheck.model.errors import UsageError
from stackcheck.model.verdict import Outcome
from stackcheck.rules.registry import RULES
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.verdict import Verdict

_TOLD = (Outcome.WARN, Outcome.FAIL, Outcome.ERROR)
_MOST = 8 << 20
_NAME = re.compile(r"(?<![\w./-])[A-Za-z][\w.-]*[A-Za-z0-9](?![\w/:])")
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]{0,100}")
_HEAD = re.compile(r"\s*\[\[\s*stack\s*\]\]")
_ID = re.compile(r"""\s*id\s*=\s*["']([^"']+)["']""")


def placed(verdicts: Iterable[Verdict], stack: Stack) -> tuple[Verdict, ...]:
    """Say of each verdict that a reader has to see where its cause stands; "" where that is not known."""
    return tuple(
        replace(each, place=_place(each, stack)) if each.outcome in _TOLD and not each.place else each
        for each in verdicts
    )


def _place(verdict: Verdict, stack: Stack) -> str:
    for key in _keys(verdict):
        found = stack.places.get(key) or _in_definition(stack, key)
        if found:
            return found
    return ""


def _keys(verdict: Verdict) -> Iterator[str]:
    """Yield the keys that a verdict is about, the closest first.

    That of the packages or variables that it names, those of its family, those of the names that it found; in
    the end the id of the stack, so that whatever is told of a definition has a line of it.
    """
    for name in dict.fromkeys((*verdict.about, verdict.subject)):
        if _NAMED.fullmatch(name):
            yield f"packages.{canonicalize_name(name)}"
            yield f"env.{name}"
    rule = RULES.get(verdict.code)
    if rule is not None:
        yield from family_keys(rule.module)
    yield from (f"packages.{canonicalize_name(name)}" for name in _NAME.findall(verdict.found)[:8])
    yield "id"


@cache
def family_keys(module: str) -> Sequence[str]:
    """Return the `KEYS` that the folder of a rule states."""
    folder = importlib.import_module(module.rpartition(".")[0])
    return tuple(getattr(folder, "KEYS", ()))


def _in_definition(stack: Stack, key: str) -> str:
    """Return the line of a definition file that states a key of this stack."""
    if not stack.file.endswith(".toml") or stack.read_from:
        return ""
    definition, name = _definition(stack.file), key.rpartition(".")[2]
    stated, word = _statement(name), name.lower()
    for number in range(*_table(definition, stack)):
        line = definition.lines[number]
        if word in line.lower() and not line.lstrip().startswith("#") and stated.search(line):
            return f"{stack.file}:{number + 1}"
    return ""


@cache
def _statement(name: str) -> re.Pattern[str]:
    return re.compile(rf"""(?:^|[{{,\s])["']?{re.escape(name)}(?:\[[^\]]*\])?["']?\s*=""", re.IGNORECASE)


class _Definition(NamedTuple):
    """A file: where each `[[stack]]` in it begins and ends, and the first of them with an id in it."""

    lines: tuple[str, ...]
    tables: tuple[tuple[int, int], ...]
    first: Mapping[str, int]


@cache
def _definition(file: str) -> _Definition:
    """Read a file, once for all the stacks in it."""
    try:
        lines = tuple(read_text(Path(file), _MOST).split("\n"))
    except UsageError:
        lines = ()
    heads = [number for number, line in enumerate(lines) if _HEAD.match(line)]
    tables = tuple(pairwise([*heads, len(lines)]))
    first: dict[str, int] = {}
    for table, (start, end) in enumerate(tables):
        for line in lines[start:end]:
            if match := _ID.match(line):
                first.setdefault(match[1], table)
    return _Definition(lines, tables, first)


def _table(definition: _Definition, stack: Stack) -> tuple[int, int]:
    """Return where the table of a stack begins and ends; the whole file when it holds no other."""
    named = [definition.first[name] for name in (stack.id, stack.family) if name in definition.first]
    if named:
        return definition.tables[min(named)]
    return (0, len(definition.lines)) if len(definition.tables) < 2 else (0, 0)
