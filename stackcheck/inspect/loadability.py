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
from stackcheck_probes.probes import distributions, loading, numpy_modules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from stackcheck.model.verdict import Verdict

PROBES = ("loading", "distributions", "numpy_modules")
"""What the judgement needs to have been seen."""


def is_environment(folder: Path) -> bool:
    """Tell whether a folder is one that packages were installed into, and not one wheel that was unpacked.

    What installs writes INSTALLER beside METADATA; a wheel by itself says nothing of what it will lie beside.
    """
    found = list(folder.glob("*.dist-info"))
    return len(found) > 1 or any((each / "INSTALLER").is_file() for each in found)


def look(roots: Sequence[str]) -> dict[str, Any]:
    """Return what the probes see in the package folders of an environment on this machine."""
    seen: dict[str, Any] = {"loading": loading.run({"roots": list(roots)})}
    seen["distributions"] = distributions.run({"sys_path": list(roots)})
    return {**seen, "numpy_modules": numpy_modules.run({"sys_path": list(roots)})}


def judged(seen: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """Return the verdicts of the loader's rules: `seen` has the facts of `PROBES`, or why there are none."""
    facts = {**definition_facts(Stack(id="inspected"), knowledge.load()), **seen}
    modules = (loader_rules.__name__, numpy_rules.__name__)
    return judge_all((rule for rule in RULES.values() if rule.module in modules), facts)
