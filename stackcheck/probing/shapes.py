"""The shape of what each probe reports, as its type says: the host believes no target that it is so."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from stackcheck_probes import carried, facts

_SHOWN = 60


def misfit(probe: str, value: Any) -> str:
    """Return where the facts of a probe of ours differ from their type, "" when nowhere.

    Keys that the type does not know are no fault: nobody reads them. Of a probe of another package no type
    is known.
    """
    kind = _type_of(probe)
    return _differs(kind, value, "facts") if kind else ""


@cache
def _type_of(probe: str) -> Any:
    if not carried.grade_of(probe):
        return None
    module = importlib.import_module(f"stackcheck_probes.probes.{probe}")
    return _types()[module.run.__annotations__["return"]]


@cache
def _types() -> dict[str, Any]:
    names = [each.name for each in pkgutil.iter_modules(facts.__path__)]
    modules = [importlib.import_module(f"{facts.__name__}.{name}") for name in names]
    return {name: kind for module in modules for name, kind in vars(module).items() if is_typeddict(kind)}


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Return the keys of a type: what each holds, and whether it has to be there."""
    return {name: (hint, name in kind.__required_keys__) for name, hint in get_type_hints(kind).items()}


def _differs(kind: Any, value: Any, where: str) -> str:
    if kind is Any:
        return ""
    if is_typeddict(kind):
        return _differs_in_keys(kind, value, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Required, NotRequired):
        return _differs(arguments[0], value, where)
    if origin in (Union, UnionType):
        found = [_differs(each, value, where) for each in arguments]
        return "" if "" in found else max(found, key=len)
    if origin is Literal:
        return "" if value in arguments else _told(where, " or ".join(map(repr, arguments)), value)
    if origin is list and isinstance(value, list):
        return next(
            (said for at, each in enumerate(value) if (said := _item(arguments[0], each, where, at))), ""
        )
    if origin is dict and isinstance(value, dict):
        return next(
            (said for at, each in value.items() if (said := _item(arguments[1], each, where, at))), ""
        )
    return (
        "" if _is_plain(origin or kind, value) else _told(where, getattr(kind, "__name__", str(kind)), value)
    )


def _item(kind: Any, value: Any, where: str, at: object) -> str:
    return "" if type(value) is kind else _differs(kind, value, f"{where}.{str(at)[:_SHOWN]}")


def _differs_in_keys(kind: Any, value: Any, where: str) -> str:
    if not isinstance(value, dict):
        return _told(where, kind.__name__, value)
    for name, (hint, required) in _fields(kind).items():
        if name not in value:
            if required:
                return f"{where}.{name} is missing"
        elif said := _item(hint, value[name], where, name):
            return said
    return ""


def _is_plain(kind: Any, value: Any) -> bool:
    if kind in (None, NoneType):
        return value is None
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return kind in (str, bool) and isinstance(value, kind)


def _told(where: str, wanted: str, value: object) -> str:
    return f"{where} is not {wanted} but {ascii(value)[:_SHOWN]}"
