"""Hold what a target says of its files against the files themselves, as its engine has them. Pure.

The same readers as the probe's read them: what differs was not read wrongly, but said wrongly.
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stackcheck.model.facts import Missing
from stackcheck.model.outside import Contradiction
from stackcheck_probes.machine import torchfile
from stackcheck_probes.probes import distributions, recorded_files
from stackcheck_probes.probes.libraries import AS_ASKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackcheck.model.outside import OutsideFiles

_COMPARED = ("name", "version", "complete", "requires", "requires_python")
_LONGEST = 400


def contradictions(
    facts: Mapping[str, Any], outside: OutsideFiles, params: Mapping[str, Any] = MappingProxyType({})
) -> list[Contradiction]:
    """Return where facts of probes differ from the files; a fact that is missing says nothing.

    `params` are those of the probe `libraries`: GPU code is compared where both sides read it as deep.
    """
    asked = {name: facts.get(name) for name in _COMPARISONS}
    known = {name: seen for name, seen in asked.items() if seen is not None and not isinstance(seen, Missing)}
    rows = known.get("distributions", {}).get("distributions", ())
    folders = {row["location"] for row in rows}
    found = [each for name, seen in known.items() for each in _COMPARISONS[name](seen, outside, folders)]
    if "libraries" in known and params.get("deep", AS_ASKED) == AS_ASKED:
        found += _gpu_code(known["libraries"], outside, [] if params.get("roots") else folders)
    return found


def _distributions(
    seen: Mapping[str, Any], outside: OutsideFiles, folders: set[str]
) -> Iterator[Contradiction]:
    said = {f"{row['location']}/{row['metadata']}": row for row in seen["distributions"]}
    for info, row in said.items():
        if not outside.is_known(info) or not row["location"].startswith("/"):
            continue
        if info not in outside.infos:
            yield Contradiction(
                f"{row['name']} is installed", f"version {row['version']}", "no metadata", info
            )
            continue
        there = distributions.described(_text_of(info, outside), info)
        for key in _COMPARED:
            told, read = _shown(row.get(key)), _shown(there.get(key))
            if told != read:
                yield Contradiction(f"{key.replace('_', ' ')} of {row['name']}", told, read, info)
    for info in sorted(outside.infos - said.keys()):
        if posixpath.dirname(info) in folders and (info.endswith(".dist-info") or info in outside.texts):
            name = posixpath.basename(info)
            yield Contradiction("a distribution is left out", "not installed", name, info)


def _text_of(info: str, outside: OutsideFiles) -> str:
    inside = "METADATA" if info.endswith(".dist-info") else "PKG-INFO"
    text = outside.texts.get(info, outside.texts.get(f"{info}/{inside}", b""))
    return text[: distributions.MAX_METADATA].decode("utf-8", "backslashreplace")


def _recorded_files(
    seen: Mapping[str, Any], outside: OutsideFiles, folders: set[str]
) -> Iterator[Contradiction]:
    rows = seen["changed_files"]
    said = {(row["location"], row["name"]): row["missing"] + row["resized"] for row in rows}
    for folder in sorted(folders) if len(rows) < recorded_files.MAX_ROWS else ():
        for row in _changed(folder, outside):
            told, found = said.get((folder, row["name"]), 0), row["missing"] + row["resized"]
            if told < found:
                what = f"files of {row['name']} that are gone or of another size"
                yield Contradiction(what, str(told), str(found), f"{folder}/{row['examples'][0]}")


def _changed(folder: str, outside: OutsideFiles) -> list[Any]:
    def rows() -> Iterator[tuple[str, Iterator[tuple[str, str, str]]]]:
        for info in sorted(outside.infos):
            record = outside.texts.get(f"{info}/RECORD", b"") if posixpath.dirname(info) == folder else b""
            if record:
                name = distributions.described(_text_of(info, outside), info)["name"]
                yield name, recorded_files.rows_of(record.decode("utf-8", "backslashreplace"))

    claims, contested = recorded_files.claimed(rows())

    def size_of(path: str) -> int:
        whole = f"{folder}/{path}"
        size = outside.sizes.get(whole)
        if size is None and not outside.is_known(whole):
            return int(claims[path].size or 0)
        return -1 if size is None else size

    return list(recorded_files.changed_files(folder, claims, contested, size_of))


def _interpreter(
    seen: Mapping[str, Any], outside: OutsideFiles, folders: set[str]
) -> Iterator[Contradiction]:
    del folders
    for row in seen["torches"]:
        path = f"{row['path']}/version.py"
        if path in outside.texts:
            found = torchfile.stated(outside.texts[path].decode("utf-8", "backslashreplace"))
            if _shown(row["version"]) != _shown(found.get("__version__")):
                told, read = _shown(row["version"]), _shown(found.get("__version__"))
                yield Contradiction("the version of torch", told, read, path)


def _libraries(seen: Mapping[str, Any], outside: OutsideFiles, folders: set[str]) -> Iterator[Contradiction]:
    places = tuple(f"{folder}/" for folder in folders)
    for row in seen["libraries"]:
        path = row["path"]
        if path.startswith(places) and path not in outside.sizes and outside.is_known(path):
            yield Contradiction("a library", "it is there", "no such file", path)


def _gpu_code(
    seen: Mapping[str, Any], outside: OutsideFiles, folders: Iterable[str]
) -> Iterator[Contradiction]:
    """Yield where the GPU code of a library is another one, and a library whose code was left out.

    What one side could not read is no contradiction, and neither is what a walk that was cut short left out.
    """
    said = {row["path"]: row for row in seen["libraries"]}
    for path, row in said.items():
        there = outside.code.get(path) if outside.is_known(path) else None
        if there is not None and "error" not in row and _code(row) != _code(there):
            yield Contradiction("its GPU code", _code_shown(row), _code_shown(there), path)
    roots = () if seen["skipped"] else {*folders, *seen["roots"]}
    places = tuple(f"{root}/" for root in roots)
    for path in sorted(outside.code.keys() - said.keys()):
        there = outside.code[path]
        if path.startswith(places) and _code(there) and outside.is_known(path):
            yield Contradiction("its GPU code", "none", _code_shown(there), path)


def _code(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "path"}


def _code_shown(row: Mapping[str, Any]) -> str:
    """Return the targets of the code of a library, and how many fatbins and bundles hold it."""
    images = [*row.get("images", ()), *row.get("relocatable", ())]
    targets = [each["code"] for each in images] + [each["target"] for each in row.get("targets", ())]
    count = row.get("fatbins", 0) + row.get("bundles", 0)
    held = f" in {count}" if count else ""
    return f"{' '.join(map(str, targets))}{held}" if _code(row) else "none"


_COMPARISONS: dict[str, Any] = {
    "distributions": _distributions,
    "recorded_files": _recorded_files,
    "interpreter": _interpreter,
    "libraries": _libraries,
}


def _shown(value: object) -> str:
    if isinstance(value, list):
        value = ", ".join(sorted(map(str, value)))
    return ascii("" if value is None else value)[:_LONGEST].strip("'\"")
