"""The baseline on disk: the committed lock, the committed report, and what was accepted over them since.

`reports/<id>.drift.json` holds the facts that somebody accepted, with the reason, bound to the lock and the
report over which that was done: once either is another, its facts of that kind are not used any more.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck.drift import files, observation_facts, resolving, verdicts
from stackcheck.drift.facts import Gap, Snapshot, from_rows, to_rows
from stackcheck.model.errors import ProbeError, ReportError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.probing.observation import parse_observation
from stackcheck.report.jsonfile import from_json, to_json
from stackcheck.resolve.lockfile import read_lock
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.parsing import parse_json
from stackcheck.storage.reading import decode, read_bytes, read_text, stands
from stackcheck.storage.stack_files import lock_path, report_path

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.intake.stack import Stack
    from stackcheck.model.lock import Lock
    from stackcheck.model.report import Report
    from stackcheck.probing.observation import Observation

SCHEMA_VERSION = 1
MOST_BYTES = 256 << 20
OF_LOCK = ("file", "sibling", "resolution", "stated", "drawn-in", "definition")
OF_REPORT = (*observation_facts.IMAGE, "image", *observation_facts.HOST, "claim", "target")
NOWHERE = "the baseline does not record it; `stackcheck drift --accept REASON` does"
NO_REPORT = "there is no baseline report {}; `stackcheck verify {} --format json -o {}` makes one"
_ONLY_ACCEPTED = ("base", "engine", "cve")


@dataclass(frozen=True)
class Accepted:
    """A snapshot that somebody took for good; `lock`, `report`: SHA-256 of what it was taken over."""

    stack: str
    reason: str
    when: str
    machine: str
    lock: str
    report: str
    facts: Snapshot


@dataclass(frozen=True)
class Baseline:
    """What is compared with: facts, and where they came from."""

    lock: Lock
    report: Report | None
    observation: Observation | None
    accepted: Accepted | None
    facts: Snapshot
    report_path: Path
    path: Path
    lock_digest: str
    report_digest: str

    @property
    def machine(self) -> str:
        """Return the digest of the machine on which the baseline was accepted; "" when that is not known."""
        return self.accepted.machine if self.accepted else ""


def read_baseline(stack: Stack, locks: Path | None = None, report: Path | None = None) -> Baseline:
    """Read lock, report and accepted facts of a stack.

    `report` names the baseline report; it must be there when it is named. Raises UsageError when there is no
    lock, LockError and ReportError for files that are damaged.
    """
    place = lock_path(stack, locks)
    if not stands(place):
        how = "`stackcheck lock` with the same files" if stack.read_from else f"`stackcheck lock {stack.id}`"
        raise UsageError(f"{stack.title}: there is no lock {place}; run {how} first.")
    lock = read_lock(place)
    lock_digest = hashlib.sha256(lock.text.encode()).hexdigest()
    if report and not stands(report):
        raise UsageError(f"--baseline {report}: there is no such file.")
    path = report or report_path(stack)
    found, digest = _read_report(path, stack) if stands(path) else (None, "")
    observation = _observation(found, path)
    own = path.with_name(f"{path.stem}.drift.json")
    accepted = _read_accepted(own, stack) if stands(own) else None
    facts = _of_lock(lock, stack, accepted, lock_digest)
    facts |= _of_report(found, observation, accepted, digest, path, stack)
    facts |= _of_neither(accepted)
    return Baseline(lock, found, observation, accepted, facts, path, own, lock_digest, digest)


def _of_lock(lock: Lock, stack: Stack, accepted: Accepted | None, digest: str) -> Snapshot:
    if accepted and accepted.lock == digest:
        return accepted.facts.only(OF_LOCK)
    silent = Snapshot({}, frozenset({Gap("sibling", "", "", NOWHERE)}))
    return files.locked_facts(lock) | resolving.lock_facts(lock, stack) | silent


def _of_report(  # noqa: PLR0913, PLR0917 - the parts of one baseline
    report: Report | None,
    observation: Observation | None,
    accepted: Accepted | None,
    digest: str,
    path: Path,
    stack: Stack,
) -> Snapshot:
    if accepted and accepted.report == digest:
        return accepted.facts.only(OF_REPORT)
    if report is None:
        reason = NO_REPORT.format(path, stack.id, path)
        return Snapshot({}, frozenset(Gap(area, "", "", reason) for area in OF_REPORT))
    facts = verdicts.verdict_facts(report.verdicts)
    if observation is None:
        reason = f"the baseline report {path} is of `stackcheck {report.command}`: nothing was probed"
        areas = (*observation_facts.IMAGE, "image", *observation_facts.HOST, "target")
        return facts | Snapshot({}, frozenset(Gap(area, "", "", reason) for area in areas))
    probed = {name: entry.facts or {} for name, entry in observation.probes.items()}
    host = observation_facts.host_facts(probed.get("nvidia_driver", {}), probed.get("rocm_host", {}))
    return facts | observation_facts.image_facts(report, observation) | host | observation_facts.builds()


def _of_neither(accepted: Accepted | None) -> Snapshot:
    """Return what only an accepted baseline records, and gaps for what was never accepted."""
    if accepted:
        return accepted.facts.only(_ONLY_ACCEPTED)
    return Snapshot({}, frozenset(Gap(area, "", "", NOWHERE) for area in _ONLY_ACCEPTED))


def _read_report(path: Path, stack: Stack) -> tuple[Report, str]:
    content = read_bytes(path, MOST_BYTES)
    reports = from_json(decode(content, str(path)), source=str(path))
    mine = [report for report in reports if report.stack == stack.id]
    if not mine:
        names = ", ".join(one_line(report.name, 80) for report in reports[:5])
        raise UsageError(f"{path}: this report is about {names or 'nothing'}, not about {stack.id}")
    return mine[0], hashlib.sha256(content).hexdigest()


def _observation(report: Report | None, path: Path) -> Observation | None:
    if report is None or report.observation is None:
        return None
    try:
        return parse_observation(json.dumps(dict(report.observation)).encode())
    except ProbeError as error:
        raise ReportError(f"{path}: {error}") from None


def _read_accepted(path: Path, stack: Stack) -> Accepted:
    """Read accepted facts; raise ReportError for a file that `write_accepted` did not write."""
    try:
        said = parse_json(read_text(path, MOST_BYTES), str(path))
    except UsageError as error:
        raise ReportError(f"{error} Remove it, and accept again.") from None
    try:
        document = _versioned(said, stack)
        texts = {key: str(document[key]) for key in ("stack", "reason", "when", "machine", "lock", "report")}
        return Accepted(facts=from_rows(document), **texts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f"{path}: this is not an accepted baseline ({one_line(error, 100)}); remove it, and accept again"
        ) from None


def _versioned(document: Any, stack: Stack) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"schema_version is not {SCHEMA_VERSION}")
    if document.get("stack") != stack.id:
        raise ValueError(f"it is not about {stack.id}")
    return document


def write_accepted(accepted: Accepted, path: Path) -> None:
    """Write accepted facts, whole or not at all. Raises UsageError when that cannot be written."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "stack": accepted.stack,
        "reason": accepted.reason,
        "when": accepted.when,
        "machine": accepted.machine,
        "lock": accepted.lock,
        "report": accepted.report,
        **to_rows(accepted.facts),
    }
    _write(json.dumps(document, indent=1) + "\n", path)


def write_report(report: Report, path: Path) -> str:
    """Make a report the baseline, whole or not at all; return its SHA-256."""
    text = to_json([report])
    _write(text, path)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(text: str, path: Path) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another --baseline") from None
