"""Known vulnerabilities: read a scanner's file, or run pip-audit where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from stackcheck.drift.cve import MOST_BYTES, NotAScanError, parse_scan
from stackcheck.drift.facts import Gap, Snapshot
from stackcheck.model.errors import UsageError
from stackcheck.model.redact import shown
from stackcheck.storage.reading import read_bytes
from stackcheck.targets.process.temp_dirs import temp_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from stackcheck.model.lock import Lock

NOT_ASKED = "no scan was given (--scan FILE with JSON of Trivy, Grype or pip-audit; --audit runs pip-audit)"
_AUDIT_S = 300.0


def read_scans(paths: Iterable[Path]) -> Snapshot:
    """Return the findings of all files together; raise UsageError, naming it, for one that is no scan."""
    facts = Snapshot()
    for path in paths:
        content = read_bytes(path, MOST_BYTES)
        try:
            facts |= parse_scan(content)
        except NotAScanError as error:
            raise UsageError(f"--scan {path}: {error}.") from None
    return facts


def run_pip_audit(lock: Lock, cache: Path, environ: Mapping[str, str]) -> Snapshot:
    """Have `pip-audit` look at the versions of the lock; what keeps it from answering is a gap.

    It asks its own service about names and versions; nothing is installed (`--no-deps --disable-pip`).
    """
    binary = shutil.which("pip-audit", path=environ.get("PATH"))
    if not binary:
        return _gap("pip-audit is not installed (`pip install pip-audit`)", fault=False)
    with temp_folder(cache) as folder:
        listed = folder / "requirements.txt"
        listed.write_text("".join(f"{p.name}=={p.version.public}\n" for p in lock.packages), "utf-8")
        options = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
        try:
            answer = subprocess.run(
                [binary, *options, "--requirement", str(listed)],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_AUDIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _gap(f"pip-audit gave no answer in {_AUDIT_S:.0f} s", fault=True)
        except OSError as error:
            return _gap(f"pip-audit cannot be started: {error.strerror}", fault=True)
    try:
        return parse_scan(answer.stdout)  # its exit status is 1 when it found something
    except NotAScanError:
        said = shown(answer.stderr.decode("utf-8", "replace").strip()[-400:], 400)
        return _gap(f"pip-audit did not answer: {said or 'it said nothing'}", fault=True)


def _gap(reason: str, *, fault: bool) -> Snapshot:
    return Snapshot({}, frozenset({Gap("cve", "", "", reason, fault)}))
