"""Facts of wheels, composed into what the static probes report of the folder that they are unpacked into.

The rules of the loader and the shapes of the answers are those of the probes: they are asked here, with facts
in place of files. What lies on the disk when two wheels bring different code under one path depends on who
came last; of such a set, and of damaged libraries, nothing is composed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck.wheels.keep import kept
from stackcheck.wheels.kept_files import KeptFiles
from stackcheck_probes.binaries.binaryfiles import is_binary_name
from stackcheck_probes.loader.ldpath import Search
from stackcheck_probes.loader.loadtree import Tree
from stackcheck_probes.probes import distributions, libraries, loading, recorded_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import Resolution
    from stackcheck.wheels.facts import LibraryFacts, WheelFacts
    from stackcheck_probes.facts.binaries import Libraries, LibraryCode, Loading
    from stackcheck_probes.facts.python import Distribution, Distributions, RecordedFiles

INSTALLER = "uv"
_SCHEME = {"purelib": "", "platlib": "", "data": "", "scripts": "bin/"}
"""Where `uv pip install --target` puts the folders of NAME.data (uv 0.13.9, seen 2026-11-30)."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The wheels of a lock as if they were unpacked into `root`; `binaries` and `texts` by path in it."""

    root: str
    wheels: tuple[WheelFacts, ...]
    binaries: Mapping[str, LibraryFacts]
    texts: Mapping[str, str]

    def answers(self, probe: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """Return what a probe reports of the folder; None for one that facts do not answer."""
        answer = _ANSWERS.get(probe)
        return None if answer is None else answer(self, params or {})


def facts_of(lock: Lock | Resolution, root: str, environ: Mapping[str, str]) -> Composed | None:
    """Return the composed facts of the wheels of a lock when all of them are kept, else None.

    root: the folder that they would be unpacked into, absolute; nothing needs to be there. Source archives
    are left out, as they are when wheels are unpacked. No wheel is opened.
    """
    wheels = []
    for package in lock.packages:
        if package.is_wheel:
            facts = kept(package.sha256, environ, package.filename)
            if facts is None:
                return None
            wheels.append(facts)
    return composed(wheels, root)


def composed(wheels: Sequence[WheelFacts], root: str) -> Composed | None:
    """Return wheels as one folder; None when that folder depends on more than the wheels: see the module."""
    ordered = tuple(sorted(wheels, key=lambda each: each.metadata))
    _, contested = recorded_files.claimed(map(_claims, ordered))
    if any(_is_code(path) for path, _ in recorded_files.differing(contested)):
        return None
    binaries: dict[str, LibraryFacts] = {}
    texts: dict[str, str] = {}
    for wheel in ordered:
        for each in wheel.libraries:
            path = placed(each.path, wheel)
            if (each.error and ".so" in path.rpartition("/")[2]) or binaries.get(path, each) != each:
                return None
            binaries[path] = each
        texts.update(wheel.texts)
    return Composed(root.rstrip("/"), ordered, binaries, texts)


def placed(path: str, wheel: WheelFacts) -> str:
    """Return where a file of a wheel lies after it was unpacked, as a path in the folder of packages."""
    start = wheel.metadata.removesuffix(".dist-info") + ".data/"
    if not path.startswith(start):
        return path
    kind, _, rest = path[len(start) :].partition("/")
    if kind == "headers":
        return f"include/{wheel.name}/{rest}"
    return _SCHEME[kind] + rest if kind in _SCHEME else path


def _is_code(path: str) -> bool:
    return recorded_files.is_code(path) or is_binary_name(path)


def _claims(wheel: WheelFacts) -> tuple[str, Iterator[tuple[str, str, str]]]:
    """Return the name of a wheel, and the (path, hash, size) of its files."""
    rows = (
        (placed(path, wheel), digest, "" if size < 0 else str(size)) for path, size, digest in wheel.record
    )
    return wheel.name, rows


def _distributions(seen: Composed, params: Mapping[str, Any]) -> Distributions:
    del params
    return distributions.told([_distribution(each, seen.root) for each in seen.wheels])


def _distribution(wheel: WheelFacts, root: str) -> Distribution:
    row: Distribution = {
        "name": wheel.name,
        "version": wheel.version,
        "complete": wheel.complete,
        "requires": list(wheel.requires),
        "extras": list(wheel.extras),
        "location": root,
        "metadata": wheel.metadata,
        "installer": INSTALLER,
        "tags": list(wheel.tags),
        "direct_url": None,
    }
    if wheel.requires_python is not None:
        row["requires_python"] = wheel.requires_python
    return row


def _libraries(seen: Composed, params: Mapping[str, Any]) -> Libraries:
    skipped: list[str] = []
    paths = _tree_paths(seen, params, skipped)
    return libraries.listed(_codes(seen, paths), [seen.root], skipped, everything=bool(params.get("all")))


def _tree_paths(seen: Composed, params: Mapping[str, Any], skipped: list[str]) -> list[str]:
    files = KeptFiles(seen.root, seen.binaries, seen.texts)
    return files.libraries([seen.root], params.get("packages"), skipped)


def _codes(seen: Composed, paths: Iterable[str]) -> Iterator[LibraryCode]:
    for path in paths:
        row: LibraryCode = {"path": path}
        row.update(seen.binaries[path[len(seen.root) + 1 :]].code)  # type: ignore[typeddict-item]  # its keys
        yield row


def _loading(seen: Composed, params: Mapping[str, Any]) -> Loading:
    files = KeptFiles(seen.root, seen.binaries, seen.texts)
    tree = Tree([seen.root], Search(files=files), params.get("packages"))
    return loading.seen_in(tree)


def _recorded_files(seen: Composed, params: Mapping[str, Any]) -> RecordedFiles:
    del params
    claims, contested = recorded_files.claimed(map(_claims, seen.wheels))
    unlike = {placed(row.path, wheel): row.size for wheel in seen.wheels for row in wheel.unlike}
    shared = [
        recorded_files.shared_file(path, seen.root, owners, None)
        for path, owners in recorded_files.differing(contested)
    ]
    stated = {path: int(claim.size) if claim.size else 0 for path, claim in claims.items()}
    changed = recorded_files.changed_files(
        seen.root, claims, contested, lambda path: unlike.get(path, stated[path])
    )
    return recorded_files.told(shared, changed)


_ANSWERS: dict[str, Callable[[Composed, Mapping[str, Any]], Mapping[str, Any]]] = {
    "distributions": _distributions,
    "libraries": _libraries,
    "loading": _loading,
    "recorded_files": _recorded_files,
}
