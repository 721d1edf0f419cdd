"""Hold the rules that need no build against real cases, and count: found, missed, false alarms, by cause.

    python -m tests.cases.scoreboard [CASES.toml] [--json FILE] [--details] [--online]

A bad case is found when a FAIL comes from a family that is about its cause. A good case is right when there
is no FAIL at all. compare.py asks other tools about the same cases. A file whose cases carry a `definition`
is scored by second.py; `--online` resolves those from the index.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackcheck import knowledge, pipeline, rules
from stackcheck.environment import definition_facts
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all
from tests.cases import second
from tests.cases.convert import to_stack

HERE = Path(__file__).parent
FAMILIES: dict[str, tuple[str, ...]] = {
    "companion_pin": ("TORCH", "NEEDS", "PIN"),
    "ext_other_torch": ("WHEEL101", "WHEEL104", "INDEX102", "TORCH", "NEEDS"),
    "cuda_tag_mismatch": ("WHEEL102", "WHEEL107", "TORCH", "INDEX", "PIN102", "CUDA"),
    "cxx11_abi": ("WHEEL103",),
    "defective_wheel": ("WHEEL105", "TORCH"),
    "toolkit_mismatch": ("TOOLKIT", "IMAGE102", "MMCV101"),
    "nvcc_too_old_for_gpu": ("ARCH", "TOOLKIT"),
    "arch_gpu_too_new": ("ARCH", "GPU"),
    "arch_gpu_too_old": ("ARCH", "GPU"),
    "ext_arch": ("ARCH", "SPCONV104", "WHEEL108"),
    "driver_too_old": ("DRIVER",),
    "python_no_wheel": ("PYTHON", "WHEEL109"),
    "index_no_build": ("CUDA101", "INDEX", "MMCV101", "ROCM102", "PYG101", "TORCH"),
    "platform_no_wheel": ("PLATFORM", "PYTHON", "WHEEL109"),
    "glibc_too_old": ("GLIBC", "WHEEL106"),
    "numpy2": ("NUMPY",),
    "openmmlab_range": ("OPENMMLAB",),
    "spconv_cumm": ("SPCONV101", "SPCONV103", "CUMM"),
    "rocm_gfx": ("ROCM",),
    "env_library": ("CONDA", "ENV", "LOAD"),
}
"""Cause of a bad case -> the codes, or families of codes, that are about it."""


@dataclass(frozen=True)
class Judged:
    """One case after the rules: `found` for a bad one with a FAIL about its cause, `alarms` for a good "
    "one."""

    id: str
    verdict: str
    cause: str
    fails: tuple[str, ...]
    right: bool
    messages: tuple[str, ...]


def judge(case: dict[str, Any]) -> Judged:
    """Run the rules that need only definition and tables over one case."""
    facts = definition_facts(to_stack(case), knowledge.load())
    early = rules.before_build(Level.STATED)
    verdicts = judge_all(early, facts)
    failed = [verdict for verdict in verdicts if verdict.outcome >= Outcome.FAIL]
    codes = tuple(dict.fromkeys(verdict.code for verdict in failed))
    if case["verdict"] == "good":
        right = not codes
    else:
        right = any(code.startswith(FAMILIES[case["cause"]]) for code in codes)
    messages = tuple(f"{verdict.code}: {verdict.message}" for verdict in failed)
    return Judged(case["id"], case["verdict"], case["cause"], codes, right, messages)


def read_cases(path: Path) -> list[dict[str, Any]]:
    """Read the `[[case]]` rows of a file."""
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    return rows


def score(judged: list[Judged]) -> dict[str, Any]:
    """Count by cause. precision: of the FAILs on all cases, how many are on bad ones."""
    causes: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        causes[each.cause].append(each)
    bad = [each for each in judged if each.verdict == "bad"]
    good = [each for each in judged if each.verdict == "good"]
    found = sum(each.right for each in bad)
    alarms = sum(not each.right for each in good)
    rows = {}
    for cause, each_case in sorted(causes.items()):
        families = FAMILIES.get(cause, ())
        fired = [j for j in judged if families and any(code.startswith(families) for code in j.fails)]
        true = [j for j in fired if j.verdict == "bad"]
        rows[cause] = {
            "cases": len(each_case),
            "right": sum(each.right for each in each_case),
            "precision": round(len(true) / len(fired), 3) if fired else None,
            "recall": round(sum(e.right for e in each_case) / len(each_case), 3),
        }
    return {
        "bad": len(bad),
        "found": found,
        "good": len(good),
        "alarms": alarms,
        "precision": round(found / (found + alarms), 3) if found + alarms else None,
        "recall": round(found / len(bad), 3) if bad else None,
        "causes": rows,
    }


def document(judged: list[Judged]) -> dict[str, Any]:
    """Return what scoreboard.json holds: the counts, and the codes that failed on each case."""
    return {"counts": score(judged), "fails": {each.id: list(each.fails) for each in judged}}


def render(result: dict[str, Any]) -> str:
    """Return the counts as text."""
    lines = [
        f"bad: {result['found']} of {result['bad']} found",
        f"good: {result['alarms']} of {result['good']} with an alarm",
    ]
    for cause, row in result["causes"].items():
        counts = f"{row['right']}/{row['cases']}"
        lines.append(f"  {cause:22} {counts:6} precision {row['precision']}  recall {row['recall']}")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Print the scoreboard; return 1 when a bad case was missed or a good one failed."""
    parser = argparse.ArgumentParser(description="Hold the rules that need no build against real cases.")
    parser.add_argument("cases", nargs="?", type=Path, default=HERE / "cases.toml")
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--details", action="store_true", help="print every FAIL")
    parser.add_argument("--online", action="store_true", help="resolve the cases that carry a definition")
    options = parser.parse_args(arguments)
    cases = read_cases(options.cases)
    if all("definition" in case for case in cases):
        return _second(cases, options)
    judged = [judge(case) for case in cases]
    for each in judged:
        if not each.right or options.details:
            mark = "ok   " if each.right else "WRONG"
            lines = [f"{mark} {each.verdict:4} {each.cause:22} {each.id}", *each.messages]
            sys.stdout.write("\n        ".join(lines) + "\n")
    result = score(judged)
    sys.stdout.write(render(result))
    if options.json:
        options.json.write_text(json.dumps(document(judged), indent=1) + "\n", encoding="utf-8")
    return int(result["found"] < result["bad"] or result["alarms"] > 0)


def _second(cases: list[dict[str, Any]], options: argparse.Namespace) -> int:
    online = pipeline.Options() if options.online else None  # one memory of indexes that do not answer
    judged = [second.judge(case, online) for case in cases]
    for each in judged:
        if not each.right or options.details:
            mark = "ok   " if each.right else "WRONG"
            lines = [f"{mark} {each.verdict:4} {each.kind:22} {each.id}", *each.messages]
            sys.stdout.write("\n        ".join(lines) + "\n")
    result = second.score(judged)
    sys.stdout.write(second.render(result))
    if options.json:
        options.json.write_text(json.dumps(second.document(judged), indent=1) + "\n", encoding="utf-8")
    return int(result["found"] < result["bad"] or result["alarms"] > 0)


if __name__ == "__main__":
    sys.exit(main())
