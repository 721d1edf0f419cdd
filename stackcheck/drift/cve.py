"""Known vulnerabilities, from what the user's scanner wrote: Trivy, Grype or pip-audit JSON. Pure.

Formats: Trivy's JSON report (SchemaVersion 2, Results[].Vulnerabilities[]), Grype's (matches[].vulnerability,
matches[].artifact), pip-audit's (dependencies[].vulns[]); read in their documentation, 2026-11-20. The files
are untrusted: their size, the number of findings and every text are bounded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.drift.facts import Seen, Snapshot, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_BYTES = 256 << 20
MOST_FOUND = 100_000
_LONGEST = 200
UNKNOWN = "unknown"


class NotAScanError(ValueError):
    """The text is of none of the scanners; the message says so."""


def parse_scan(content: bytes) -> Snapshot:
    """Return the findings of one scanner's JSON as facts of the area `cve`.

    Raises NotAScanError for what is too large, no JSON, or of no scanner that is known.
    """
    if len(content) > MOST_BYTES:
        raise NotAScanError(f"larger than any scan that is read ({MOST_BYTES >> 20} MB)")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise NotAScanError("this is not JSON") from None
    rows: list[tuple[str, str, str, Seen | str]] = []
    for package, version, name, severity, fixed in _reader(document)(document):
        if len(rows) >= MOST_FOUND:
            raise NotAScanError(f"more than {MOST_FOUND} findings")
        note = f"fixed in {fixed}" if fixed else "no fixed version is named"
        rows.append(("cve", f"{package} {version}: {name}", "severity", Seen(severity.lower(), note)))
    return snapshot(rows)


def _reader(document: Any) -> Callable[[Any], Iterator[tuple[str, str, str, str, str]]]:
    if isinstance(document, dict):
        if "Results" in document or "SchemaVersion" in document:
            return _trivy
        if "matches" in document:
            return _grype
        if "dependencies" in document:
            return _pip_audit
    raise NotAScanError("this is the JSON of neither Trivy, Grype nor pip-audit")


def _trivy(document: Any) -> Iterator[tuple[str, str, str, str, str]]:
    for result in _rows(document, "Results"):
        for row in _rows(result, "Vulnerabilities"):
            yield (
                _text(row, "PkgName"), _text(row, "InstalledVersion"), _text(row, "VulnerabilityID"),
                _text(row, "Severity"), _text(row, "FixedVersion", ""),
            )  # fmt: skip


def _grype(document: Any) -> Iterator[tuple[str, str, str, str, str]]:
    for match in _rows(document, "matches"):
        found, artifact = match.get("vulnerability"), match.get("artifact")
        fix = found.get("fix") if isinstance(found, dict) else None
        fixed = fix.get("versions") if isinstance(fix, dict) else None
        fixes = ", ".join(str(each)[:40] for each in fixed[:3]) if isinstance(fixed, list) else ""
        yield (
            _text(artifact, "name"), _text(artifact, "version"), _text(found, "id"),
            _text(found, "severity"), fixes,
        )  # fmt: skip


def _pip_audit(document: Any) -> Iterator[tuple[str, str, str, str, str]]:
    for package in _rows(document, "dependencies"):
        for row in _rows(package, "vulns"):
            fixed = row.get("fix_versions")
            fixes = ", ".join(str(each)[:40] for each in fixed[:3]) if isinstance(fixed, list) else ""
            yield _text(package, "name"), _text(package, "version"), _text(row, "id"), UNKNOWN, fixes


def _rows(document: Any, key: str) -> list[dict[str, Any]]:
    """Return the tables of a list; Trivy writes null for an empty one."""
    found = document.get(key) if isinstance(document, dict) else None
    if found is not None and not isinstance(found, list):
        raise NotAScanError(f"{key}: a list is expected")
    return [row for row in found or [] if isinstance(row, dict)]


def _text(row: Any, key: str, default: str = UNKNOWN) -> str:
    value = row.get(key) if isinstance(row, dict) else None
    return value[:_LONGEST] if isinstance(value, str) and value else default
