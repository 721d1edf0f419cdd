"""Facts of a wheel as a JSON document and tables of bytes behind it, and back: what is read is checked."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

from stackcheck.wheels.facts import HASH_BYTES, LibraryFacts, Recorded, WheelFacts
from stackcheck_probes.binaries import gpucode

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT, NUMBER, FLAG = str, int, bool


def to_document(facts: WheelFacts) -> tuple[dict[str, Any], list[bytes]]:
    """Return the document of a wheel's facts, and the tables of exports that stand behind it."""
    document = facts._asdict() | {"libraries": [_library_document(each) for each in facts.libraries]}
    return document, [each.exports for each in facts.libraries]


def facts_of_document(document: Any, tables: memoryview) -> WheelFacts:
    """Return the facts of a document; raise ValueError, KeyError or TypeError for another shape."""
    rows = document["libraries"]
    sizes = [_of(row["exports"], NUMBER) for row in rows]
    if min(sizes, default=0) < 0 or sum(sizes) != len(tables) or any(size % HASH_BYTES for size in sizes):
        raise ValueError("the tables of exports are not those of the document")
    libraries, at = [], 0
    for row, size in zip(rows, sizes, strict=True):
        libraries.append(_library(row, bytes(tables[at : at + size])))
        at += size
    checked = {name: check(document[name]) for name, check in _WHEEL.items()}
    return WheelFacts(**checked, libraries=tuple(libraries))


def is_sha256(text: str) -> bool:
    """Tell whether a text is a SHA-256 in lower-case hexadecimal digits."""
    return len(text) == 64 and set(text) <= set(string.hexdigits.lower())


def _library_document(facts: LibraryFacts) -> dict[str, Any]:
    empty = LibraryFacts(facts.path)
    found = {name: value for name, value in facts._asdict().items() if value != getattr(empty, name)}
    return found | {"path": facts.path, "exports": len(facts.exports)}


def _library(row: dict[str, Any], exports: bytes) -> LibraryFacts:
    checked = {name: check(row[name]) for name, check in _LIBRARY.items() if name in row}
    return LibraryFacts(_of(row["path"], TEXT), exports=exports, **checked)


def _of(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected, not {type(value).__name__}")
    return value


def _one(kind: type) -> Callable[[Any], Any]:
    return lambda value: _of(value, kind)


def _or_none(kind: type) -> Callable[[Any], Any]:
    return lambda value: None if value is None else _of(value, kind)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple([_of(each, TEXT) for each in _of(value, list)])


def _needs(value: Any) -> tuple[tuple[str, str, bool], ...]:
    return tuple((_of(file, TEXT), _of(v, TEXT), _of(weak, FLAG)) for file, v, weak in _of(value, list))


def _recorded(value: Any) -> tuple[Recorded, ...]:
    rows = [Recorded(path, size, digest) for path, size, digest in _of(value, list)]
    if not all(type(p) is str and type(s) is int and type(d) is str for p, s, d in rows):
        raise TypeError("a row of a RECORD is a path, a size and a digest")
    return tuple(rows)


def _by_path(value: Any) -> dict[str, str]:
    return {path: _of(text, TEXT) for path, text in _of(value, dict).items()}


def _numpy(value: Any) -> Any:
    return {"api": _of(value["api"], NUMBER)}


def _code(value: Any) -> Any:
    try:
        gpucode.from_json(_of(value, dict))
    except AttributeError as error:
        raise TypeError(f"not GPU code: {error}") from None
    return value


_LIBRARY: dict[str, Callable[[Any], Any]] = {
    "size": _one(NUMBER),
    "machine": _one(TEXT),
    "bits": _one(NUMBER),
    "dynamic": _one(FLAG),
    "soname": _or_none(TEXT),
    "needed": _texts,
    "rpath": _or_none(TEXT),
    "runpath": _or_none(TEXT),
    "versions_needed": _needs,
    "versions_defined": _texts,
    "undefined": _texts,
    "abi": _one(TEXT),
    "code": _code,
    "numpy": _numpy,
    "error": _one(TEXT),
}
_WHEEL: dict[str, Callable[[Any], Any]] = {
    "filename": _one(TEXT),
    "sha256": _one(TEXT),
    "size": _one(NUMBER),
    "name": _one(TEXT),
    "version": _one(TEXT),
    "metadata": _one(TEXT),
    "complete": _one(FLAG),
    "tags": _texts,
    "requires": _texts,
    "requires_python": _or_none(TEXT),
    "extras": _texts,
    "record": _recorded,
    "unlike": _recorded,
    "texts": _by_path,
    "left_out": _texts,
}
