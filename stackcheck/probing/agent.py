"""Pack the probes into one file that runs anywhere, say what to run, and read what comes back."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stackcheck_probes
from stackcheck.extensions import every_probe, installed_probes, looks_in
from stackcheck.intake.named import smoke_files
from stackcheck.model.errors import UsageError
from stackcheck.model.near import did_you_mean
from stackcheck_probes.__main__ import TIMEOUT_SECONDS
from stackcheck_probes.probes.libraries import AS_ASKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.smoke import Smoke

MACHINE = (
    "interpreter",
    "distributions",
    "recorded_files",
    "system",
    "environment",
    "nvidia_driver",
    "rocm_host",
)
"""Probes that always run: they look at the machine and the interpreter, whatever is installed."""

_SMOKE = {"smoke": "run", "smoke_gpu": "gpu"}
"""The probes that run a team's own tests, and the level of those that each takes."""

SHEBANG = b"#!/usr/bin/env python3\n"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold
_MAIN = """\
import sys

if sys.version_info < (3, 8):
    sys.exit("the probes of stackcheck need Python 3.8 or newer; this is " + sys.version.split()[0])
from stackcheck_probes.__main__ import main

sys.exit(main(sys.argv[1:]))
"""


def pack(extra_modules: Mapping[str, str] | None = None) -> bytes:
    """Return the agent: a zip file that Python runs, the same bytes for the same sources.

    Probes of other packages travel with ours; `extra_modules` adds more by name -> source.
    Format: docs.python.org/3/library/zipapp.html; written by hand because `zipapp.create_archive` keeps the
    dates of the files.
    """
    package = Path(stackcheck_probes.__file__).parent
    found = package.rglob("*.py")
    entries = {path.relative_to(package.parent).as_posix(): path.read_text("utf-8") for path in found}
    extra = {each.name: each.source for each in installed_probes().values()} | dict(extra_modules or {})
    entries |= {f"stackcheck_probes/probes/{name}.py": code for name, code in extra.items()}
    entries["__main__.py"] = _MAIN
    archive = io.BytesIO()
    archive.write(SHEBANG)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as writer:
        for name, text in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            writer.writestr(entry, text)
    return archive.getvalue()


def sha256(agent: bytes) -> str:
    """Return the hexadecimal digest that stands in the report."""
    return hashlib.sha256(agent).hexdigest()


def request_of_files(request: Mapping[str, Any], folders: Iterable[str], whole: str) -> dict[str, Any]:
    """Return what of a request packages in these folders answer, whatever system and Python they are for.

    Each probe is told where to look, and that all outside the folder `whole` is of another machine (`alone`).
    """
    places = {name: param for name in request["probes"] if (param := looks_in(name))}
    told = {name: {param: list(folders), "alone": whole} for name, param in places.items()}
    params = {name: {**request["params"].get(name, {}), **row} for name, row in told.items()}
    return {**request, "probes": list(places), "params": params}


def request_for(stack: Stack, probes: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the agent is asked for a stack: names, parameters, time-out of each probe in seconds.

    `probes` (from the command line) wins over the stack's wish; without either, all run: a package that is
    not there is a fact. Raise `UsageError` for a probe that does not exist.
    """
    known = every_probe()
    ours = (*MACHINE, *_SMOKE, *stack.probes.want) if stack.probes.want else tuple(known)
    wanted = tuple(probes) or ours
    for name in (*wanted, *stack.probes.skip, *stack.probes.params):
        if name not in known:
            raise UsageError(f"{stack.title}: there is no probe {name!r}{did_you_mean(name, known)}")
    names = [name for name in known if name in wanted and name not in stack.probes.skip]
    smoke = _smoke_tests(stack)
    names = [name for name in names if name not in _SMOKE or name in smoke]
    params: dict[str, dict[str, Any]] = {name: dict(row) for name, row in stack.probes.params.items()} | smoke
    params.setdefault("libraries", {}).setdefault("deep", AS_ASKED)
    if stack.env:
        params.setdefault("environment", {}).setdefault("names", sorted(stack.env))
    return {
        "probes": names,
        "params": {name: row for name, row in params.items() if name in names},
        "timeout_s": max(stack.probes.timeout_s or TIMEOUT_SECONDS, *map(_seconds, smoke.values()), 0),
    }


def _smoke_tests(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the parameters of the probes that run the smoke tests of a stack, of those that have some."""
    files = smoke_files(stack) if stack.smoke else {}
    found: dict[str, dict[str, Any]] = {}
    for probe, level in _SMOKE.items():
        tests = [_smoke_test(each, files) for each in stack.smoke if each.level == level]
        if tests:
            found[probe] = {"tests": tests}
    return found


def _smoke_test(smoke: Smoke, files: Mapping[str, bytes]) -> dict[str, Any]:
    names = dict.fromkeys(filter(None, (smoke.script, *smoke.files)))
    return {
        "name": smoke.name,
        "command": list(smoke.command),
        "script": smoke.script,
        "args": list(smoke.args),
        "files": {name: base64.b64encode(files[name]).decode("ascii") for name in names},
        "prints": smoke.prints,
        "timeout_s": smoke.timeout_s,
    }


def _seconds(params: Mapping[str, Any]) -> float:
    """Return what the smoke tests of one probe may take together, with what ending them takes."""
    return float(sum(test["timeout_s"] + 5 for test in params["tests"]))
