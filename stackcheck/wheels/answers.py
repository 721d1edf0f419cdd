"""What static probes would report of a folder of wheels, from facts: the probes' own rules and shapes."""

from __future__ import annotations

import json
import platform
import sys
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stackcheck.probing.observation import SCHEMA_VERSION, parse_observation
from stackcheck.wheels.kept_files import KeptFiles
from stackcheck_probes.binaries.binaryfiles import is_binary_name, may_be_walked
from stackcheck_probes.binaries.leftout import LeftOut
from stackcheck_probes.loader.requirements import Requirements
from stackcheck_probes.probes import (
    cumm_files,
    distributions,
    libraries,
    loading,
    numpy_modules,
    recorded_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stackcheck.probing.observation import Observation
    from stackcheck.wheels.compose import Composed
    from stackcheck.wheels.facts import LibraryFacts, WheelFacts
    from stackcheck_probes.facts.binaries import Libraries, LibraryCode, Loading
    from stackcheck_probes.facts.packages import NumpyModules
    from stackcheck_probes.facts.python import Distribution, Distributions, RecordedFiles
    from stackcheck_probes.facts.spconv import CummFiles

INSTALLER = "uv"
_ANSWERED = ("roots", "sys_path", "alone", "packages", "all")
"""The parameters of probes that make no difference here, or are heeded."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def observed(
    seen: Composed, request: Mapping[str, Any], given: Mapping[str, Mapping[str, Any] | str] = _NOTHING
) -> Observation | None:
    """Return what the agent would answer to a request; None when facts do not answer all of it.

    given: what probes have reported of this very folder, or why they were not asked.
    """
    started = time.monotonic()
    entries: dict[str, Any] = {}
    for name in request["probes"]:
        params = request["params"].get(name, {})
        if isinstance(reason := given.get(name), str):
            entries[name] = {"status": "skipped", "grade": "static", "seconds": 0.0, "reason": reason}
            continue
        usual = name in given and _is_usual(params)
        facts = given[name] if usual else answer(seen, name, params)
        if facts is None:
            return None
        entries[name] = {"status": "ok", "grade": "static", "seconds": 0.0, "facts": facts}
    agent = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "seconds": round(time.monotonic() - started, 4),
    }
    document = {"schema_version": SCHEMA_VERSION, "agent": agent, "probes": entries}
    return parse_observation(json.dumps(document).encode("ascii"))


def answer(seen: Composed, probe: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a probe reports of the folder; None for a question that facts do not answer.

    params: those of the probe; where it would look is known here.
    """
    found = _ANSWERS.get(probe)
    return found(seen, params) if found and _is_usual(params) else None


def _is_usual(params: Mapping[str, Any]) -> bool:
    """Tell whether parameters ask for what is kept: the code that is known to hide, and no other root."""
    stated = {name: value for name, value in params.items() if name not in _ANSWERED}
    return stated in ({}, {"deep": "hidden"})


def _distributions(seen: Composed, params: Mapping[str, Any]) -> Distributions:
    del params
    return distributions.told([_distribution(each, seen.place.packages) for each in seen.wheels])


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
    roots = [seen.place.packages]
    kept = KeptFiles(seen)
    paths = kept.libraries(roots, params.get("packages"), skipped)
    codes = (_code(path, seen.binaries[path]) for path in (*paths, *kept.programs(params.get("packages"))))
    left_out = LeftOut()
    for path in sorted(seen.claims):
        if may_be_walked(path) and not is_binary_name(path):
            left_out.note_kind(path)
    return libraries.listed(codes, roots, skipped, left_out, everything=bool(params.get("all")))


def _code(path: str, facts: LibraryFacts) -> LibraryCode:
    row: LibraryCode = {"path": path}
    row.update(facts.code)  # type: ignore[typeddict-item]  # its keys are among these
    return row


def _loading(seen: Composed, params: Mapping[str, Any]) -> Loading:
    """Return what loading shows; what is outside the prefix is another machine's (`alone`)."""
    usual = {"roots": [seen.place.packages], "library_path": "", "alone": seen.place.prefix}
    return loading.seen({**params, **usual}, KeptFiles(seen), _requirements(seen))


def _requirements(seen: Composed) -> Requirements:
    """Return what the wheels require of each other."""
    by_name = {wheel.name: wheel for wheel in seen.wheels}

    def installed() -> dict[str, list[str]]:
        return {name: list(map(distributions.required, wheel.requires)) for name, wheel in by_name.items()}

    def record(name: str) -> str:
        wheel = by_name[name]
        return "".join(f"{seen.place.recorded(row.path, wheel)},\n" for row in wheel.record)

    return Requirements(installed, record, [seen.place.packages])


def _numpy_modules(seen: Composed, params: Mapping[str, Any]) -> NumpyModules:
    del params
    by_name = {wheel.name: wheel for wheel in seen.wheels}

    def recorded(row: Distribution) -> list[str]:
        wheel = by_name[row["name"]]
        return [seen.place.recorded(each.path, wheel) for each in wheel.record]

    def api_at(row: Distribution, path: str) -> int | None:
        facts = seen.binaries.get(f"{row['location']}/{path}")
        return facts.numpy["api"] if facts and facts.numpy else None

    rows = [_distribution(each, seen.place.packages) for each in seen.wheels]
    return numpy_modules.told(rows, recorded, api_at)


def _cumm_files(seen: Composed, params: Mapping[str, Any]) -> CummFiles:
    del params
    owners = cumm_files.owners_among((each.name, each.version, each.requires) for each in seen.wheels)
    return cumm_files.told([seen.place.packages], owners, _Recorded(seen), {})


class _Recorded(cumm_files.Disk):
    """The files that the wheels recorded, as if they lay there."""

    def __init__(self, seen: Composed) -> None:
        self._start = f"{seen.place.packages}/"
        self._files = seen.claims.keys() - {path for path, size in seen.unlike.items() if size < 0}

    def is_file(self, path: str) -> bool:
        """Tell whether a file was recorded."""
        return path.removeprefix(self._start) in self._files

    def is_folder(self, path: str) -> bool:
        """Tell whether a file in this folder was recorded."""
        inside = f"{path.removeprefix(self._start)}/"
        return any(each.startswith(inside) for each in self._files)


def _recorded_files(seen: Composed, params: Mapping[str, Any]) -> RecordedFiles:
    del params
    shared = [
        recorded_files.shared_file(path, seen.place.packages, owners, None)
        for path, owners in recorded_files.differing(seen.contested)
    ]

    def size_of(path: str) -> int:
        return seen.unlike.get(path, int(seen.claims[path].size or 0))

    changed = recorded_files.changed_files(seen.place.packages, seen.claims, seen.contested, size_of)
    return recorded_files.told(shared, changed)


_ANSWERS: dict[str, Callable[[Composed, Mapping[str, Any]], Mapping[str, Any]]] = {
    "cumm_files": _cumm_files,
    "distributions": _distributions,
    "libraries": _libraries,
    "numpy_modules": _numpy_modules,
    "loading": _loading,
    "recorded_files": _recorded_files,
}
