"""Will the libraries of a target load: the rules of the loader and of NumPy's C API over an environment.

Only an environment has an answer: a single library or a wheel does not say what it will be installed beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.rules.loading import bytes as loader_rules
from stackcheck.rules.numpy import bytes as numpy_rules
from stackcheck.rules.registry import RULES, judge_all
from stackcheck.rules.requirements import bytes as imports_rules
from stackcheck_probes.probes import distributions, import_names, loading, numpy_modules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.model.verdict import Verdict

PROBES = ("loading", "distributions", "numpy_modules", "import_names")
"""What the judgement needs to have been seen."""


def look(roots: Sequence[str]) -> dict[str, Any]:
    """Return what the probes see in the package folders of an environment on this machine."""
    seen: dict[str, Any] = {"loading": loading.run({"roots": list(roots)})}
    seen["distributions"] = distributions.run({"sys_path": list(roots)})
    seen["numpy_modules"] = numpy_modules.run({"sys_path": list(roots)})
    return {**seen, "import_names": import_names.run({"sys_path": list(roots)})}


def judged(seen: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """Return the verdicts of the loader's rules: `seen` has the facts of `PROBES`, or why there are none."""
    facts = {**definition_facts(Stack(id="inspected"), knowledge.load()), **seen}
    modules = (loader_rules.__name__, numpy_rules.__name__, imports_rules.__name__)
    return judge_all((rule for rule in RULES.values() if rule.module in modules), facts)
