"""Time every format of a report of many stacks: python -m tests.benchmarks.reports [N]

Asked: 500 stacks in every format in 1 s of CPU each, from reports in memory to text. The stacks are those of
`many_stacks.py`, checked offline; nothing is kept between formats.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.cli.output import explained
from stackcheck.report import FORMATS, render_document
from stackcheck.report.jsonfile import from_json, to_json
from stackcheck.report.sections import finding, report_document
from tests.benchmarks.many_stacks import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.model.report import Report

STACKS = 500


def checked(count: int) -> tuple[Report, ...]:
    """Return the reports of generated stacks, checked offline in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "matrices").mkdir()
        write(folder / "matrices", count)
        words = [
            "check",
            "-q",
            "--offline",
            "--matrices",
            "matrices",
            "--format",
            "json",
            "-o",
            "all.json",
            "*",
        ]
        subprocess.run([sys.executable, "-m", "stackcheck", *words], cwd=folder, check=False)
        return from_json((folder / "all.json").read_text(encoding="utf-8"))


def rendered(reports: Sequence[Report], form: str) -> tuple[str, float]:
    """Return the text of a format, and the seconds of CPU that it took."""
    finding.cache_clear()
    start = time.process_time()
    if form == "json":
        text = to_json(reports)
    else:
        text = render_document(report_document(reports)._replace(explain=explained), form)
    return text, time.process_time() - start


def main() -> None:
    """Print one line per format."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else STACKS
    reports = checked(count)
    verdicts = sum(len(report.verdicts) for report in reports)
    print(
        f"{len(reports)} stacks, {verdicts} verdicts; load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"
    )
    for form in FORMATS:
        text, seconds = rendered(reports, form)
        print(f"{form:7} {seconds:6.2f} s CPU  {len(text.encode('utf-8', 'replace')) / 1e6:6.2f} MB")


if __name__ == "__main__":
    main()
