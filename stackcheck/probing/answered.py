"""Hold an answer against its request: every probe that was asked for, in the shape it states, and no other.

A target may say what it likes. What it leaves out, skips for a reason that is not ours or reports in another
shape is an ERROR of that probe, never "not checked".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stackcheck_probes.__main__ as agent
from stackcheck.extensions import installed_probes
from stackcheck.model.errors import ProbeError
from stackcheck.probing.observation import observation_of
from stackcheck.probing.shapes import misfit
from stackcheck_probes import carried
from stackcheck_probes.isolation import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.probing.observation import Observation


def answered(observation: Observation, request: Mapping[str, Any]) -> Observation:
    """Return the observation with an error in place of each answer that does not fit its question.

    Raise `ProbeError` for an answer to something that was not asked.
    """
    found: Mapping[str, Any] = observation.document["probes"]
    if foreign := sorted(set(found) - set(request["probes"])):
        raise ProbeError(
            f"the answer holds {len(foreign)} probes that were not asked for, such as {foreign[0][:60]!r}."
        )
    entries = {name: _fitting(name, found.get(name)) for name in request["probes"]}
    return observation_of({**observation.document, "probes": entries})


def _fitting(name: str, entry: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if entry is None:
        return failure("missing", "the answer does not hold this probe, which was asked for")
    if entry["status"] == "error":
        return entry
    grade = _grade(name)
    if entry["status"] == "skipped":
        if grade == "gpu" and str(entry["reason"]).startswith(agent.SKIPPED_FOR):
            return entry
        said = str(entry["reason"])[:120]
        return failure("garbage", f"the target left it out for a reason that is not one of ours: {said!r}")
    if grade and entry["grade"] != grade:
        return failure("garbage", f"the answer is of grade {str(entry['grade'])[:20]!r}, not {grade!r}")
    if wrong := misfit(name, entry["facts"]):
        return failure("garbage", f"the facts are not of the shape that this probe reports: {wrong}")
    return entry


def _grade(name: str) -> str:
    other = installed_probes().get(name)
    return other.grade if other else carried.grade_of(name) or ""
