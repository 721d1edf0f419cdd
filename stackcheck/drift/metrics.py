"""Drift and its history for Prometheus: the text format, which node_exporter reads from a file. Pure.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4, read 2026-11-30).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from stackcheck.drift.change_classes import CLASSES
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.drift.past import Past
    from stackcheck.drift.report import DriftReport

Sample: TypeAlias = tuple[tuple[tuple[str, str], ...], float | None]
_MOST_LABEL = 200


class Metric(NamedTuple):
    """A gauge: labels and a value each; None is a value that is not known, and is left out."""

    name: str
    told: str
    samples: Sequence[Sample]


def exposition(metrics: Iterable[Metric]) -> str:
    """Return metrics in the text format; a gauge without a sample is left out."""
    return "".join(line for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    known = [(labels, value) for labels, value in metric.samples if value is not None]
    if known:
        yield f"# HELP {metric.name} {metric.told}\n# TYPE {metric.name} gauge\n"
    for labels, value in known:
        inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
        yield f"{metric.name}{{{inner}}} {value!r}\n"


def _escaped(text: str) -> str:
    return one_line(text, _MOST_LABEL).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def seconds_of(when: str) -> float | None:
    """Return an ISO 8601 time as seconds since 1970; None for what is not one."""
    try:
        found = dt.datetime.fromisoformat(when)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def of_drift(reports: Sequence[DriftReport], since: Mapping[str, str]) -> str:
    """Return what drift runs saw; `since` says by stack when what breaks was first seen."""
    name = "stackcheck_drift"
    return exposition(
        (
            Metric(
                f"{name}_last_run_timestamp_seconds",
                "When the run began.",
                [(_of(each.stack), seconds_of(each.started)) for each in reports],
            ),
            Metric(
                f"{name}_duration_seconds",
                "How long the run took.",
                [(_of(each.stack), each.seconds) for each in reports],
            ),
            Metric(
                f"{name}_exit_code",
                "0: nothing breaks; 1: something does; 3: something could not be looked at.",
                [(_of(each.stack), each.exit_code()) for each in reports],
            ),
            Metric(
                f"{name}_changes",
                "Changes since the baseline, by class.",
                [(_of(each.stack, rank), each.counts[rank]) for each in reports for rank in CLASSES],
            ),
            Metric(
                f"{name}_compared_facts",
                "Facts that both the baseline and this run know.",
                [(_of(each.stack), sum(each.compared.values())) for each in reports],
            ),
            Metric(
                f"{name}_faults",
                "What should have been looked at and could not be.",
                [(_of(each.stack), len(each.faults)) for each in reports],
            ),
            Metric(
                f"{name}_not_compared",
                "What was left out, for want of a baseline or because nobody asked.",
                [(_of(each.stack), len(each.unchecked) - len(each.faults)) for each in reports],
            ),
            _breaking(name, [(each.stack, since.get(each.stack, "")) for each in reports]),
        )
    )


def of_history(pasts: Sequence[Past]) -> str:
    """Return what is kept of drift runs: how many, and what is there since when."""
    name = "stackcheck_history"
    return exposition(
        (
            Metric(
                f"{name}_runs", "Drift runs that are kept.", [(_of(past.stack), past.count) for past in pasts]
            ),
            Metric(
                f"{name}_last_run_timestamp_seconds",
                "When the last run began.",
                [(_of(past.stack), seconds_of(past.last)) for past in pasts],
            ),
            Metric(
                f"{name}_changes",
                "Changes that the last run to look has seen, by class.",
                [(_of(past.stack, rank), past.present(rank)) for past in pasts for rank in CLASSES],
            ),
            Metric(
                f"{name}_flapping_changes",
                "Changes that come and go.",
                [(_of(past.stack), past.flapping) for past in pasts],
            ),
            _breaking(name, [(past.stack, past.broken_since) for past in pasts]),
        )
    )


def _breaking(name: str, since: Iterable[tuple[str, str]]) -> Metric:
    return Metric(
        f"{name}_broken_since_timestamp_seconds",
        "Since when something breaks; absent where nothing does.",
        [(_of(stack), seconds_of(when)) for stack, when in since],
    )


def _of(stack: str, rank: str = "") -> tuple[tuple[str, str], ...]:
    return (("stack", stack), *((("class", rank),) if rank else ()))
