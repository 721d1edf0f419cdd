"""Write docs/starts.md: how the check judges every made-up start. `python -m tests.starts.scoreboard [FILE]`

It takes some seconds, gcc, and root for the caches that ldconfig writes. Containers are the business of
tests/docker/test_starts_in_containers.py.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.starts import hosts
from tests.starts.cases import CASES
from tests.starts.starting import start

FILE = Path(__file__).parents[2] / "docs/starts.md"
HEAD = """# Starts on made-up hosts

How the check at the start of a container ([entrypoint.md](entrypoint.md)) judges hosts that are made up after
public bug reports: a management library of NVIDIA's in C, libraries of the driver, and what lies in /dev, /proc and
/sys. The cases, each with its source, stand in `tests/starts/cases.py`. They were committed before what they showed
was mended: then 63 were right, 50 missed, 27 false alarms and 45 had another answer, cause or advice, of those that
could be tried. This page is written by `python -m tests.starts.scoreboard`, and a test holds every case to it.

A start is right when the answer is, the cause is named first, its advice fits, and a healthy one says no more than
it should. Missed: a fault that is called healthy. False alarm: a healthy host that is refused or warned of.

"""


def main(arguments: list[str]) -> int:
    """Judge every case, write the page, and return 1 when one is not right."""
    scores: dict[str, Counter[str]] = {}
    faults, times = [], []
    with tempfile.TemporaryDirectory(prefix="stackcheck-starts-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        tools = hosts.make_tools(folder)
        for case in CASES:
            started = time.perf_counter()
            found = hosts.differences(case, start(case, folder / "host", tools))
            times.append(time.perf_counter() - started)
            word = "right" if not found else found[0].partition(":")[0]
            if case.cannot:
                continue
            scores.setdefault(case.kind, Counter())[word if word in COLUMNS else "cause or advice"] += 1
            faults += [f"{case.id}: {each}" for each in found]
    path = Path(arguments[0]) if arguments else FILE
    path.write_text(HEAD + "\n".join(_table(scores)) + "\n\n" + "\n".join(_cannot()), encoding="utf-8")
    sys.stdout.write(f"median {statistics.median(times) * 1e3:.0f} ms a start, laid out and judged\n")
    sys.stdout.writelines(f"{each}\n" for each in faults)
    return 1 if faults else 0


COLUMNS = ("right", "missed", "false alarm", "cause or advice")


def _table(scores: dict[str, Counter[str]]) -> list[str]:
    rows = [f"| kind | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    total: Counter[str] = Counter()
    for kind, score in sorted(scores.items(), key=lambda row: row[0].lower()):
        total += score
        rows.append(f"| {kind} | {' | '.join(str(score[column]) for column in COLUMNS)} |")
    return [*rows, f"| **all** | {' | '.join(f'**{total[column]}**' for column in COLUMNS)} |"]


def _cannot() -> list[str]:
    rows = [f"| {case.source} | {case.cannot} |" for case in CASES if case.cannot]
    title = "What no check at the start can judge, and a test that it still cannot:\n"
    return [title, "| reported in | why |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
