"""Hold what a probe returned against its type, as it arrives: through JSON, no key unknown, none missing."""

from __future__ import annotations

import importlib
import json
import pkgutil
from functools import cache
from types import ModuleType, UnionType
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from stackcheck_probes import facts, probes
from stackcheck_probes.carried import every_probe


@cache
def types_of_facts() -> dict[str, Any]:
    """Return every type that the modules of facts define, by name."""
    modules = [
        importlib.import_module(f"{facts.__name__}.{m.name}") for m in pkgutil.iter_modules(facts.__path__)
    ]
    return {
        name: kind
        for module in modules
        for name, kind in vars(module).items()
        if is_typeddict(kind) and kind.__module__ == module.__name__
    }


def probe(name: str) -> ModuleType:
    return importlib.import_module(f"{probes.__name__}.{name}")


def stated_type(module: ModuleType) -> str:
    """Return the name of the type that the `run` of a probe says it returns."""
    return str(module.run.__annotations__["return"])


def type_of(name: str) -> Any:
    return types_of_facts()[stated_type(probe(name))]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_strict(kind))


def check(name: str, returned: Any) -> Any:
    """Return what the probe `name` returned, as JSON brings it; raise ValidationError where it is of another type."""
    return _adapter(type_of(name)).validate_python(json.loads(json.dumps(returned)))


def _strict(kind: Any) -> Any:
    """Return a type as pydantic takes it: before Python 3.12 it refuses the TypedDict of `typing`."""
    if is_typeddict(kind):
        return _strict_dict(kind)
    arguments = tuple(map(_strict, get_args(kind)))
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return Union[arguments]  # noqa: UP007 - of types that are known when it runs
    return origin[arguments] if origin else kind


@cache
def _strict_dict(kind: Any) -> Any:
    fields = {
        name: _strict(hint) if name in kind.__required_keys__ else NotRequired[_strict(hint)]
        for name, hint in get_type_hints(kind).items()
    }
    made = TypedDict(kind.__name__, fields)  # type: ignore[misc]  # a class made of another one's fields
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined]
    return made


def keys_in(kind: Any, value: Any) -> set[tuple[str, str]]:
    """Return the (type, key) pairs that occur in a value that is of a type."""
    if is_typeddict(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        inside = (keys_in(hints[key], each) for key, each in value.items())
        return {(kind.__name__, key) for key in value}.union(*inside)
    arguments = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return set().union(*(keys_in(each, value) for each in arguments))
    if isinstance(value, list) and arguments:
        return set().union(*(keys_in(arguments[0], each) for each in value))
    if isinstance(value, dict) and arguments:
        return set().union(*(keys_in(arguments[1], each) for each in value.values()))
    return set()


def keys_of(kind: Any) -> set[tuple[str, str]]:
    """Return every (type, key) pair that a value of a type can have."""
    found: set[tuple[str, str]] = set()
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        found = {(kind.__name__, key) for key in hints}
        return found.union(*map(keys_of, hints.values()))
    return found.union(*map(keys_of, get_args(kind)))


PROBES = tuple(every_probe())
