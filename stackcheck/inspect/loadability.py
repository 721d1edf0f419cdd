"""Will the libraries of a target load: the loader's rules over what the probes saw in an environment.

Only an environment has an answer: a single library or a wheel does not say what it will be installed beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.rules.loading import bytes as loader_rules
from stackcheck.rules.registry import RULES, judge_all
from stackcheck_probes.probes import distributions, loading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.model.verdict import Verdict

PROBES = ("loading", "distributions")
"""What the judgement needs to have been seen."""


def look(roots: Sequence[str]) -> dict[str, Any]:
    """Return what the probes see in the package folders of an environment on this machine."""
    seen = {"loading": loading.run({"roots": list(roots)})}
    return {**seen, "distributions": distributions.run({"sys_path": list(roots)})}


def judged(seen: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """Return the verdicts of the loader's rules: `seen` has the facts of `PROBES`, or why there are none."""
    facts = {**definition_facts(Stack(id="inspected"), knowledge.load()), **seen}
    return judge_all((rule for rule in RULES.values() if rule.module == loader_rules.__name__), facts)
