"""Judge a folder of recipes: one report, with what is to be done in its summary."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge, rules
from stackcheck.model.report import Hashes, Report
from stackcheck.model.verdict import Outcome
from stackcheck.rules.registry import judge_all
from stackcheck.variants.matrix import counted

if TYPE_CHECKING:
    from stackcheck.model.verdict import Verdict
    from stackcheck.variants.matrix import Shelf

_FAMILY = "RECIPE"
_ADVICE = ("VARIANT104",)
"""What the variants themselves are told beside it: whether any machine takes them."""


def check_shelf(shelf: Shelf) -> Report:
    """Hold a folder of recipes against its variants; starts nothing and evaluates no Nix."""
    started, clock = dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), time.monotonic()
    known: dict[str, Any] = {"tables": knowledge.load()}
    every = rules.load_all()
    verdicts = judge_all([rule for rule in every if rule.family == _FAMILY], known | {"shelf": shelf})
    advice = [rule for rule in every if rule.code in _ADVICE]
    for stack in shelf.wanted:
        verdicts += judge_all(advice, known | {"stack": stack})
    return Report(
        stack=shelf.folder,
        verdicts=verdicts,
        file=" ".join(dict.fromkeys(stack.file for stack in shelf.wanted)),
        summary=summary(shelf, verdicts),
        command="recipes check",
        started=started,
        seconds=round(time.monotonic() - clock, 3),
        hashes=Hashes(tables=knowledge.sha256()),
    )


def summary(shelf: Shelf, verdicts: tuple[Verdict, ...]) -> str:
    """Return what is to be done: "6 recipes for 44 variants: 1 right, 2 to write again, 3 to delete, ..."."""
    failed = {
        evidence.what.removesuffix(".nix")
        for verdict in verdicts
        if verdict.outcome is Outcome.FAIL
        for evidence in verdict.evidence
    }
    named = [name for name in shelf.files if shelf.variant(name)]
    again = [name for name in named if name in failed]
    missing = len(shelf.wanted) - len(named)
    return (
        f"{counted(len(shelf.files))} for {len(shelf.wanted)} variants: {len(named) - len(again)} right, "
        f"{len(again)} to write again, {len(shelf.files) - len(named)} to delete or rename, {missing} missing"
    )
