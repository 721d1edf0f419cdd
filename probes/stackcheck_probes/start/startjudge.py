"""Judge a container that starts: what it was expected to be against what it is. Pure, facts in, causes out.

The judgement itself is what the host's rules use (`driverfit`, `packagecover`, `loadfit`, `rocmfit`,
`cummfit`); here it is decided what matters, and what follows from what.
"""

from __future__ import annotations

import os

from stackcheck_probes.judging import advice, cummfit, loadfit
from stackcheck_probes.judging.judgement import FAIL, SKIP, WARN, Judgement
from stackcheck_probes.judging.loadbuilds import needed, spared
from stackcheck_probes.judging.packagecover import short_path
from stackcheck_probes.machine import sharedmemory
from stackcheck_probes.start.causes import ERROR, Cause, ranked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from stackcheck_probes.facts.binaries import Loading

    Facts = Mapping[str, Any]


def judge(expected: Facts, seen: Facts, cpu: str = "") -> list[Cause]:
    """Return what is wrong, not checked or worth a word, ranked.

    cpu: "allow" or "refuse", where the environment overrides the image.
    """
    allowed = (cpu or expected["cpu"]) == "allow"
    return ranked(
        [
            *(Cause(kind, Judgement(*words)) for kind, *words in expected.get("notes", ())),
            *_other_python(expected, seen),
            *_gpu(expected, seen, allowed),
            *_versions(expected, seen),
            *_torches(seen),
            *_libraries(expected, seen),
            *_surroundings(expected, seen),
        ]
    )


def _other_python(expected: Facts, seen: Facts) -> Iterator[Cause]:
    """Say that the command starts another Python than the one whose packages were looked at."""
    starts, baked = seen.get("starts"), expected.get("python")
    if starts and baked and os.path.dirname(starts) != os.path.dirname(baked):
        text = f"the command starts {starts}, and what was checked are the packages of {baked}"
        yield Cause("versions", Judgement(SKIP, f"{text}: those of the other one were not."))


def _gpu(expected: Facts, seen: Facts, cpu_allowed: bool) -> list[Cause]:
    if expected["accelerator"] == "cuda":
        from stackcheck_probes.start import startcuda

        return startcuda.judge(expected, seen, cpu_allowed)
    if expected["accelerator"] == "rocm":
        from stackcheck_probes.start import startrocm

        return startrocm.judge(expected, seen, cpu_allowed)
    return []


def _versions(expected: Facts, seen: Facts) -> Iterator[Cause]:
    """Judge the metadata that lies there by the metadata that should: the version stands in its name."""
    for site, names in seen["metadata"].items():
        if names is None:
            text = f"{site} cannot be listed: what is installed was not checked"
            yield Cause("versions", Judgement(ERROR, text, hint="run as a user that may read it"))
            continue
        rows = [row for row in expected["packages"] if row[3] == site]
        known, there = {row[2] for row in rows}, set(names)
        for name, version, metadata, _ in rows:
            others = sorted(each for each in there - known if _project(each) == _project(metadata))
            found = _version(others[0]) if others else "nothing"
            hint = f"pip install --force-reinstall --no-deps {name}=={version}, or bake the image again"
            if metadata not in there:
                text = f"{name} {version} is expected, and {found} is installed"
                yield Cause("versions", Judgement(FAIL, text, version, found, hint))
            elif others:
                text = f"{name} is installed twice: {version} and {found} in {site}"
                yield Cause("versions", Judgement(FAIL, text, version, f"{version} and {found}", hint))
    yield from _torch_build(expected["torch"], seen["torch"])


def _project(metadata: str) -> str:
    return metadata.partition("-")[0].lower().replace(".", "_")


def _version(metadata: str) -> str:
    return metadata.rpartition(".")[0].partition("-")[2] or "an unknown version"


def _torch_build(expected: Facts | None, found: Facts | None) -> Iterator[Cause]:
    if expected is None:
        return
    if found is None:
        text = f"{expected['path']}/version.py cannot be read: which build of torch this is was not checked"
        yield Cause("versions", Judgement(ERROR, text, hint="install torch again, or bake the image again"))
        return
    for key, what in (("__version__", "torch"), ("cuda", "CUDA"), ("hip", "HIP")):
        want, have = expected.get(key), found.get(key)
        if want != have:
            text = f"torch is expected with {what} {want or 'none'}, and the files say {have or 'none'}"
            hint = "another build of torch was put over it: install the locked one, or bake the image again"
            yield Cause("versions", Judgement(FAIL, text, want or "none", have or "none", hint))


def _torches(seen: Facts) -> Iterator[Cause]:
    for row in seen["torches"]:
        text = f"there is a second torch: {row['path']} ({row['origin']})"
        if row["origin"] == "working folder":
            text += "; python -c and python -m take it"
            yield Cause("two-torches", Judgement(WARN, text, "one torch", row["path"], "start elsewhere"))
        else:
            text += " comes before the stack's"
            hint = "unset PYTHONPATH" if row["origin"] == "PYTHONPATH" else "set PYTHONNOUSERSITE=1"
            yield Cause("two-torches", Judgement(FAIL, text, "one torch", row["path"], hint))


def _libraries(expected: Facts, seen: Facts) -> Iterator[Cause]:
    own = frozenset(expected["own"])
    hint = "install the package again, or bake the image again"
    for path in seen["gone"]:
        outcome = FAIL if loadfit.top_folder(path) in own else WARN
        yield Cause("libraries", Judgement(outcome, f"{short_path(path)} is gone", path, "nothing", hint))
    for path, row in [*seen["changed"].items(), *seen["new"].items()]:
        if "error" in row and loadfit.top_folder(path) in own:
            yield Cause("libraries", loadfit.unreadable(path, row["error"]))
    if seen["loading"] is None:
        for kind, *words in expected["faults"]:
            yield Cause(kind, Judgement(*words))
        return
    broken = {*seen["changed"], *seen["new"]}
    yield from _loading(expected, seen["loading"], own, broken)


def _loading(expected: Facts, loading: Loading, own: frozenset[str], broken: set[str]) -> Iterator[Cause]:
    """Judge a tree that was read again, because something in it or around it is not as it was."""
    absent = [
        row
        for row in loading["missing"]
        if not row["driver"] and not optional(row["library"], row["needs"], expected["optional"])
    ]
    # What is no part of the stack may fail to import without keeping the container from its work.
    known: Loading = {**loading, "imports": [], "builds": []}
    absent = needed(absent, loading, wholly=True)
    judged = [loadfit.absent(rows, own, known) for rows in loadfit.absences(absent, known)]
    late = needed(loading["versions"], loading, wholly=True)
    judged += [loadfit.too_old(rows, own, known) for rows in loadfit.outdated(late, known)]
    torch = (expected["torch"] or {}).get("__version__") or "here"
    symbols = needed(loading["undefined"], loading, wholly=False)
    judged += [loadfit.undefined(row, known, torch, "", "") for row in symbols]
    abi = loading["torch"]["abi"] if loading["torch"] else ""
    other = {path: each for path, each in loading["abi"].items() if abi and each != abi}
    in_vain = spared(loading, other, wholly=False)
    judged += [loadfit.other_abi(path, each, abi) for path, each in other.items() if path not in in_vain]
    judged += [loadfit.shadowed(row) for row in loading["shadowed"]]
    judged += [
        loadfit.unreadable(row["path"], row["error"])
        for row in loading["unreadable"]
        if row["path"] not in broken and loadfit.top_folder(row["path"]) in own
    ]
    for each in judged:
        yield Cause("libraries", each)


def optional(path: str, needs: str, rows: list[list[Any]]) -> bool:
    """Tell whether a library may miss what it needs: rows of path pattern and patterns of names."""
    from fnmatch import fnmatchcase

    return any(fnmatchcase(path, row[0]) and any(fnmatchcase(needs, each) for each in row[1]) for row in rows)


def _surroundings(expected: Facts, seen: Facts) -> Iterator[Cause]:
    if seen["headers"] is not None:
        yield Cause("headers", cummfit.headers_there(seen["headers"]))
        yield Cause("headers", cummfit.not_editable(seen["headers"]["stray"]))
    yield from _environment(expected, seen["environ"], seen["by"])
    if expected["torch"] is not None:
        hint = advice.shared_memory(seen["by"])
        yield Cause("shared-memory", sharedmemory.large_enough(seen["shm"], hint))


def _environment(expected: Facts, environ: Facts, by: str) -> Iterator[Cause]:
    """Judge variables: one that the image has lost fails, one that was set otherwise on purpose is told."""
    for name, wanted in expected["env"].items():
        found = environ.get(name)
        if found == wanted:
            continue
        hint = advice.variable(by, name, wanted)
        if found is None:
            text = f"{name} is not set, and the stack states {wanted!r}"
            yield Cause("environment", Judgement(FAIL, text, f"{name}={wanted}", "not set", hint))
        else:
            text = f"{name} is {found!r}, and the stack states {wanted!r}"
            yield Cause("environment", Judgement(WARN, text, f"{name}={wanted}", f"{name}={found}", hint))
    for row in expected["variables"]:
        found = environ.get(row["name"])
        if found is not None and found != expected["env"].get(row["name"]):
            from stackcheck_probes.judging.variablefit import speaks_of

            if speaks_of(found, row["when"], row["unless"]):
                text = f"{row['name']}={found!r}: {row['effect']}"
                outcome = FAIL if row["outcome"] == "fail" else WARN
                yield Cause("environment", Judgement(outcome, text, row["fix"], found, row["fix"]))
