"""Reuse what the probes saw of a target, bound to everything that it rests on; on any doubt they run again.

Only the observation is kept, never a verdict: rules judge it afresh by today's tables, and definition, index
and lock are looked at anew in every run. It is reused for 24 hours at most, and only for images of an engine
on this machine, and for environments that stackcheck made here and whose files are as they were.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import __version__
from stackcheck.knowledge import sha256 as tables_digest
from stackcheck.model.errors import EngineError, ProbeError
from stackcheck.model.facts import Missing
from stackcheck.probing.observation import parse_observation
from stackcheck.storage.folders import write_atomically
from stackcheck.targets.engine import OutsideReader
from stackcheck.targets.folder_stamp import Stamp, stamp_of
from stackcheck.targets.here import HOST_PROBES, observe_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.model.outside import OutsideFiles
    from stackcheck.model.resolution import Resolution
    from stackcheck.probing.observation import Observation
    from stackcheck.targets.engine import BuildOptions, Engine, Progress, Target

LONGEST_S = 24 * 3600.0
_FORMAT = 2
_VOLATILE = {"shm": ("free",)}
_OF_A_SHELL = frozenset(
    ("_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "TERM", "WINDOWID", "SSH_AUTH_SOCK", "SSH_CLIENT")
)
"""Variables that move from one terminal to the next, and tell no library anything."""
_LOADER_CACHE = Path("/etc/ld.so.cache")


class ReusingEngine:
    """An engine that runs the agent only when what it saw before does not hold any more."""

    def __init__(
        self,
        engine: Engine,
        cache: Path,
        progress: Progress,
        host: Callable[[Path], Observation] = observe_host,
    ) -> None:
        """Wrap an engine, which stays the caller's; `host` looks at this machine."""
        self._engine, self._cache, self._progress, self._host = engine, cache, progress, host
        self._definition = ""
        self.name, self.capabilities, self.swept = engine.name, engine.capabilities, engine.swept

    @property
    def version(self) -> str:
        """Return the version of the engine."""
        return self._engine.version

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        """Have the target: see `Engine.prepare`."""
        lock = resolution.lock_text if resolution else ""
        self._definition = hashlib.sha256(f"{stack!r}\n{lock}".encode()).hexdigest()
        return self._engine.prepare(stack, resolution, options, progress)

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        """Return what was seen of this very image before, else run the agent: see `Engine.run_agent`."""
        bound = self._bound_to(target, agent, request)
        if isinstance(bound, Missing):
            self._progress(f"nothing is reused: {bound.reason}")
            return self._engine.run_agent(target, agent, request, timeout_s=timeout_s)
        path = _path(self._cache, bound)
        stamp = self._stamp(target)
        kept = load(path, bound, time.time(), stamp)
        if not isinstance(kept, Missing):
            self._progress(f"reusing what the probes saw of {target.id[:19]}")
            return kept
        self._progress(f"nothing is reused: {kept.reason}")
        document = self._engine.run_agent(target, agent, request, timeout_s=timeout_s)
        # What moved while the probes ran is not what they saw.
        if self._stamp(target) == stamp:
            store(path, bound, document, time.time(), stamp)
        return document

    def outside(self, target: Target) -> OutsideFiles:
        """Return the files of a target, always read anew: see `OutsideReader.outside`."""
        if not isinstance(self._engine, OutsideReader):
            raise EngineError(f"the engine {self.name} says that it reads files from outside, and does not.")
        return self._engine.outside(target)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def _stamp(self, target: Target) -> Stamp | None:
        """Return what stands in the folder of a target; None for an image, whose id says that."""
        return stamp_of(Path(target.name)) if self.capabilities.stamped else None

    def _bound_to(self, target: Target, agent: bytes, request: Mapping[str, Any]) -> dict[str, Any] | Missing:
        of_image = self.capabilities.content_ids and target.id.startswith("sha256:")
        if not of_image and not self.capabilities.stamped:
            return Missing(
                "only what was seen of an image, or of an environment made here, can be bound to it"
            )
        if not self.capabilities.is_local:
            return Missing("the engine is on another machine, whose driver is not seen from here")
        try:
            host = _looked_at(self._host, self._cache)
        except (EngineError, ProbeError) as error:
            return Missing(f"this machine could not be looked at: {error}")
        if isinstance(host, Missing):
            return host
        return {
            "format": _FORMAT,
            "tool": __version__,
            "target": target.id,
            "environment": _environment_digest(target.env),
            "agent": hashlib.sha256(agent).hexdigest(),
            "tables": tables_digest(),
            "definition": self._definition,
            "request": request,
            "gpus": [*target.gpus, target.gpus_note],
            "engine": f"{self.name} {self.version}",
            "host": host,
        }


@lru_cache(maxsize=4)
def _looked_at(host: Callable[[Path], Observation], cache: Path) -> str | Missing:
    """Return the digest of this machine, looked at once a run."""
    return host_digest(host(cache))


def _environment_digest(environ: Mapping[str, str]) -> str:
    """Return the digest of the variables that a process starts with, and of the libraries of the system."""
    kept = sorted((name, value) for name, value in environ.items() if name not in _OF_A_SHELL)
    try:
        status = _LOADER_CACHE.stat()
        libraries = (status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError:
        libraries = (0, 0, 0)
    return hashlib.sha256(repr((kept, libraries)).encode("utf-8", "surrogateescape")).hexdigest()


def host_digest(seen: Observation) -> str | Missing:
    """Return the digest of driver, devices, kernel, CPU and memory; what moves by itself is left out."""
    facts: dict[str, Any] = {}
    for name in HOST_PROBES:
        found = seen.facts(name)
        if isinstance(found, Missing):
            return Missing(f"this machine could not be looked at: {found.reason}")
        facts[name] = {
            key: {k: v for k, v in value.items() if k not in _VOLATILE[key]} if key in _VOLATILE else value
            for key, value in found.items()
        }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _path(cache: Path, bound: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()
    return cache / "observations" / f"{digest}.json"


def store(
    path: Path, bound: Mapping[str, Any], document: bytes, now: float, stamp: Stamp | None = None
) -> None:
    """Keep an observation in which every probe could do its work; that it cannot be written is no fault."""
    if parse_observation(document).failures:
        return
    row = {
        "bound": bound,
        "seen": now,
        "stamp": stamp,
        "sha256": hashlib.sha256(document).hexdigest(),
        "document": document.decode("utf-8"),
    }
    with suppress(OSError):
        write_atomically(path, json.dumps(row).encode(), mode=0o600)


def load(path: Path, bound: Mapping[str, Any], now: float, stamp: Stamp | None = None) -> bytes | Missing:
    """Return a kept observation, with the note that it is one; `Missing` with the reason on any doubt."""
    try:
        row = json.loads(path.read_bytes())
        document = row["document"].encode("utf-8")
        seen = float(row["seen"])
        if row["bound"] != json.loads(json.dumps(bound)):
            return Missing("what is kept is about something else")
        if row["sha256"] != hashlib.sha256(document).hexdigest():
            return Missing("what is kept is damaged")
        if stamp is not None and not stamp.is_still(*row["stamp"]):
            return Missing("a file of the environment has changed since it was probed")
        found = json.loads(document)
    except FileNotFoundError:
        return Missing("this target was not probed before, or something that it rests on has moved")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Missing("what is kept is damaged")
    if not 0 <= now - seen <= LONGEST_S:
        return Missing("what is kept is older than a day")
    found["reused"] = {"seen": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seen))}
    return json.dumps(found).encode()
