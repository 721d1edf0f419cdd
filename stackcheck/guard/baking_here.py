"""Write what this environment is expected to be, and the check beside it: for Slurm, Apptainer, bare hosts.

No image and no engine: a file for `stackcheck.pyz entrypoint --expectation FILE`, and that archive, compiled
by the interpreter that it is about.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge, rules, targets
from stackcheck.guard import expectation
from stackcheck.guard.baking import PROBES, choice_of_pythons, locked, torches_elsewhere
from stackcheck.guard.startarchive import ARCHIVE, FLAGS, pack
from stackcheck.inspect.environments import UNSTATED
from stackcheck.intake.interpreter import Candidate
from stackcheck.model.errors import ProbeError, UsageError
from stackcheck.probing import agent as agents
from stackcheck.probing.observation import seen_facts
from stackcheck.steps.probing import asked
from stackcheck.storage.folders import write_atomically
from stackcheck.targets.process.subprocesses import run_short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress

_COMPILE_S = 120.0


@dataclass(frozen=True, slots=True)
class BakedHere:
    """The two files, the words that go before a command, and what the check says here, as of a JSON line."""

    expectation: Path
    archive: Path
    command: tuple[str, ...]
    said: Mapping[str, Any]


def bake_here(  # noqa: PLR0913, PLR0917 - what the user says, and where it goes
    file: Path, stack: Stack | None, python: str, cpu: str, options: Options, progress: Progress
) -> BakedHere:
    """Look at an environment of this machine, write its expectation to `file` and the archive beside it.

    python: the interpreter, "" for the one that runs stackcheck. Raise `UsageError` where it has no torch and
    another one that is found has, `ProbeError` when it cannot be done.
    """
    rules.load_all()
    stated = stack or UNSTATED
    engine = targets.choose("here", progress, cache=options.build.cache)
    try:
        target = engine.prepare(stated, None, replace(options.build, gpus="none"), lambda _line: None)
        progress(f"looking at the environment of {python or target.name}")
        if python:
            target = replace(target, python=(python,), name=python)
        seen = seen_facts(asked(engine, target, agents.request_for(stated, PROBES), options))
    finally:
        engine.close()
    if not python and (others := torches_elsewhere(seen)):
        raise UsageError(choice_of_pythons(Candidate(target.name, "stackcheck's own environment"), others))
    document = expectation.expectation(
        stated,
        knowledge.load(),
        locked(stack, options),
        seen,
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        image_env=os.environ,
        cpu=cpu,
    )
    document["stack"] = document["stack"] or file.stem
    archive = file.parent / ARCHIVE
    progress(f"compiling the check by {document['python']}")
    write_atomically(file, expectation.render(document))
    write_atomically(archive, _compiled(document["python"], archive))
    command = (document["python"], *FLAGS, str(archive), "entrypoint", "--expectation", str(file))
    return BakedHere(file, archive, command, _said(command))


def _compiled(python: str, place: Path) -> bytes:
    """Return the archive, compiled by the interpreter that will run it."""
    write_atomically(place, pack())
    made = run_short([python, *FLAGS, str(place), "precompile"], _COMPILE_S, {})
    if not made.startswith(b"PK"):
        raise ProbeError(f"compiling the check by {python}: Python wrote no archive.")
    return made


def _said(command: tuple[str, ...]) -> Mapping[str, Any]:
    """Return what the check says of this environment, where the CPU is allowed: a login node has no GPU."""
    environ = {"STACKCHECK_FORMAT": "json", "STACKCHECK_CPU": "allow", "STACKCHECK_TIMEOUT": "60"}
    try:
        document: Mapping[str, Any] = json.loads(run_short([*command, "--check"], _COMPILE_S, environ))
    except (ValueError, RecursionError):
        raise ProbeError("the check of this environment gave no answer.") from None
    return document
