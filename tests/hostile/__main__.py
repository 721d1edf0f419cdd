"""Run the hostile campaign: see `tests.hostile.campaign`."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hostile.campaign import KINDS, Attempt, Result, run

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("definitions", "passwords", "environments", "images", "indexes", "corruptions", "kills")
"""Modules of this folder, each with `attempts(seed)`."""


def attempts_of(part: str, seed: int, sample: int | None = None) -> list[Attempt]:
    """Return the attempts of a part; with `sample`, so many of them, drawn by the seed."""
    found: list[Attempt] = importlib.import_module(f"tests.hostile.{part}").attempts(seed)
    if sample is None or sample >= len(found):
        return found
    return random.Random(f"{part}{seed}").sample(found, sample)  # noqa: S311 - the same seed, the same sample


def row(part: str, results: Sequence[Result]) -> dict[str, Any]:
    """Return the figures of a part."""
    bad = Counter(kind for result in results for kind, _ in result.bad)
    return {
        "part": part,
        "attempts": len(results),
        **{kind: bad[kind] for kind in KINDS},
        "exit_codes": {str(code): n for code, n in sorted(Counter(str(r.code) for r in results).items())},
        "slowest_s": max((result.seconds for result in results), default=0.0),
        "most_mb": max((result.memory_mb for result in results), default=0),
    }


def _run(attempt: Attempt) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="stackcheck-hostile-"))
    try:
        return run(attempt, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def record(output: Path, part: dict[str, Any], seed: int) -> None:
    """Write the figures of a part beside those of the others in a file; a part that was there is replaced."""
    there = json.loads(output.read_text("utf-8"))["parts"] if output.exists() else []
    dated = {**part, "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}", "seed": seed}
    rows = {each["part"]: each for each in (*there, dated)}
    known = [rows[name] for name in PARTS if name in rows]
    output.write_text(json.dumps({"parts": known}, indent=2) + "\n", "utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for; 1 when any promise broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--sample", type=int, help="so many attempts of each part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="so many attempts at once")
    parser.add_argument("--only", default="", help="only attempts with this text in their name")
    parser.add_argument("-o", "--output", type=Path, help="record the figures there (JSON)")
    args = parser.parse_args(argv)
    rows, broken = [], 0
    for part in args.parts or PARTS:
        chosen = [each for each in attempts_of(part, args.seed, args.sample) if args.only in each.name]
        results = []
        with ThreadPoolExecutor(args.jobs) as pool:
            for result in pool.map(_run, chosen):
                results.append(result)
                for kind, why in result.bad:
                    print(f"{part} {result.name}: {kind}: {why}\n{result.output[-1500:]}\n", flush=True)
        rows.append(row(part, results))
        broken += sum(bool(result.bad) for result in results)
        print(json.dumps(rows[-1]))
        if args.output:
            record(args.output, rows[-1], args.seed)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
