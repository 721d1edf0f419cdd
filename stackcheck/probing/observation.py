"""Observation: what the probes saw in a target, as it came back, parsed and bounded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stackcheck.model.errors import ProbeError
from stackcheck.model.facts import OF_PROBE, Missing, TargetPython, as_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.model.facts import Facts

SCHEMA_VERSION = 1
MAX_DOCUMENT = 128 << 20
MAX_TEXT = 1 << 16
MAX_DEPTH = 24
MAX_NUMBER = 2**64
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a probe could not do its work.

    `kind` is signal, exit, timeout, oversized, garbage, exception, memory or processes; `signal` is the name
    when there was one; `stderr_tail` the end of what the probe printed.
    """

    kind: str
    message: str
    signal: str = ""
    stderr_tail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One probe's answer: exactly one of `facts`, `reason` (skipped) and `failure` is there."""

    facts: Mapping[str, Any] | None = None
    reason: str = ""
    failure: Failure | None = None
    grade: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What one run of the agent saw; `python`, `executable` are the target's, `seconds` the whole run's.

    `document` is all of it as JSON values, its texts cut: what a report keeps.
    """

    python: str
    executable: str
    seconds: float
    probes: Mapping[str, Entry]
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def facts(self, name: str) -> Mapping[str, Any] | Missing:
        """Return the facts of a probe, or why there are none, as a rule is told it."""
        entry = self.probes.get(name)
        if entry is None:
            return Missing(f"the probe {name} was not run")
        if entry.facts is not None:
            return entry.facts
        if entry.failure is not None:
            return Missing(
                f"the probe {name} failed ({entry.failure.kind}: {entry.failure.message[:_SHOWN]})"
            )
        return Missing(entry.reason or f"the probe {name} was skipped")

    @property
    def failures(self) -> dict[str, Failure]:
        """Return the probes that could not do their work, by name."""
        return {name: entry.failure for name, entry in self.probes.items() if entry.failure is not None}


def rule_facts(observation: Observation) -> dict[str, Any]:
    """Return what rules are told of a target: the observation, its Python, and the facts of each probe.

    Those of a probe, or the `Missing` in their place, stand under its name with the prefix `OF_PROBE`, so
    that nothing which a target calls itself takes the place of what the host knows (`facts.as_named`).
    """
    facts: dict[str, Any] = {OF_PROBE + name: observation.facts(name) for name in observation.probes}
    if "interpreter" in observation.probes:
        facts["python"] = _python_of(observation.facts("interpreter"))
    return {"observation": observation, **facts}


def seen_facts(observation: Observation) -> Facts:
    """Return the same by the names that rules have for them."""
    return as_named(rule_facts(observation))


def _python_of(interpreter: Mapping[str, Any] | Missing) -> TargetPython | Missing:
    """Return the Python that was seen, or why none was."""
    if isinstance(interpreter, Missing):
        return interpreter
    torch = next((each["version"] for each in interpreter["torches"] if each["wins"]), None)
    conda = interpreter["conda"]["packages"]
    return TargetPython(interpreter["version"], interpreter["markers"], torch, conda)


def parse_observation(document: bytes) -> Observation:
    """Parse what the agent wrote on its standard output.

    Everything in it is untrusted: sizes, depth and types are checked, text is cut and made printable as
    Unicode. Raise `ProbeError` when it is not an observation of a version that this host knows.
    """
    if len(document) > MAX_DOCUMENT:
        raise ProbeError(f"the probes answered with {len(document)} bytes; the limit is {MAX_DOCUMENT}.")
    try:
        raw = json.loads(document.decode("utf-8"))
        version = raw["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProbeError(
            f"the answer of the probes is not an observation ({error}): {_shown(document)}"
        ) from None
    if version is True or version != SCHEMA_VERSION:
        raise ProbeError(f"the probes answered in schema version {str(version)[:20]}, not {SCHEMA_VERSION}.")
    try:
        return observation_of(_tidy(raw))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = f"{type(error).__name__}: {error}"[:_SHOWN]
        raise ProbeError(
            f"the answer of the probes is not an observation ({text}): {_shown(document)}"
        ) from None


def observation_of(document: Mapping[str, Any]) -> Observation:
    """Return the observation that a tidy document is; raise what its wrong shape raises."""
    agent, probes = document["agent"], document["probes"]
    entries = {str(name): _entry(entry) for name, entry in probes.items()}
    python, executable, seconds = str(agent["python"]), str(agent["executable"]), float(agent["seconds"])
    return Observation(python, executable, seconds, MappingProxyType(entries), document)


def _entry(raw: Mapping[str, Any]) -> Entry:
    status = raw["status"]
    if status == "ok":
        if not isinstance(raw["facts"], dict):
            raise TypeError("facts are not an object")
        return Entry(facts=raw["facts"], grade=str(raw["grade"]), seconds=float(raw["seconds"]))
    if status == "skipped":
        return Entry(reason=str(raw["reason"]))
    if status != "error":
        raise ValueError(f"unknown status {str(status)[:40]!r}")
    error = raw["error"]
    texts = {key: str(error.get(key, "")) for key in ("signal", "stderr_tail")}
    return Entry(failure=Failure(str(error["kind"]), str(error["message"]), **texts))


def _tidy(value: Any, depth: int = 0) -> Any:
    """Copy JSON values with every text cut and free of lone surrogates, which no file or terminal takes."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        return _tidy_text(value)
    if isinstance(value, list):
        return [_tidy(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {_tidy_text(key): _tidy(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (int, float)) and not abs(value) <= MAX_NUMBER:  # NaN is not, either
        raise ValueError("a number beyond 64 bits")
    return value


def _tidy_text(text: str) -> str:
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shown(document: bytes) -> str:
    """Return the beginning of a document as one short line of printable characters."""
    if not document.strip():
        return "nothing was written"
    return ascii(document[:_SHOWN].decode("utf-8", "replace"))
