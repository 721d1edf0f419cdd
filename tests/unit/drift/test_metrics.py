"""What drift and its history say to Prometheus and to logs: read again by Prometheus' own parser."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from stackcheck.drift import Gap, Key, Seen, Snapshot, metrics
from stackcheck.drift.history import Run
from stackcheck.drift.past import Past, document
from stackcheck.drift.rendering import document as drifts
from stackcheck.drift.rendering import overall
from stackcheck.drift.report import DriftReport, compare, not_compared
from stackcheck.report import FORMATS, render_document
from tests.unit.report.report_cases import HOSTILE, hostile_drift

if TYPE_CHECKING:
    from collections.abc import Mapping

GONE = ("breaks-next-build", "a locked file is gone from its index", "listed", "not listed")
RAISED = ("benign", "a package would be another version", "1", "2")
KEY, OTHER = ("file", "a.whl", "listed"), ("drawn-in", "b", "version")


def night(
    day: int, *, changes: Mapping[tuple[str, str, str], tuple[str, str, str, str]] | None = None
) -> Run:
    return Run(f"2026-11-{day:02}T03:00:00+00:00", 1 if changes else 0, "", changes or {}, frozenset())


BROKEN = Past(
    "cuda", [night(27), night(28, changes={KEY: GONE}), night(29, changes={KEY: GONE, OTHER: RAISED})]
)
QUIET = Past("cpu", [night(29)])
NEVER = Past("rocm", [])


def drift(stack: str, after: str) -> DriftReport:
    before = Snapshot({Key("file", "a.whl", "listed"): Seen("listed")})
    now = Snapshot(
        {Key("file", "a.whl", "listed"): Seen(after)}, frozenset({Gap("base", "", "", "no registry")})
    )
    return replace(compare(stack, before, now, since="the lock"), started="2026-11-30T03:00:00+00:00")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return the values of a textfile: by metric and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_what_drift_says() -> None:
    reports = [drift("cpu", "listed"), drift("cuda", "not listed"), not_compared("rocm", "there is no lock")]
    text = render_document(drifts(reports, {"cuda": "2026-11-28T03:00:00+00:00"}), "prom")
    found = samples(text)
    exits = [found["stackcheck_drift_exit_code", each] for each in ("cpu", "cuda", "rocm")]
    assert exits == [0, 1, 3]
    assert found["stackcheck_drift_changes", "cuda", "breaks-next-build"] == 1
    assert found["stackcheck_drift_changes", "cuda", "benign"] == 0
    assert found["stackcheck_drift_not_compared", "cpu"] == 1
    assert found["stackcheck_drift_faults", "rocm"] == 1
    since = {
        key[1]: value for key, value in found.items() if key[0].endswith("broken_since_timestamp_seconds")
    }
    assert since == {"cuda": 1_795_834_800}
    assert ("stackcheck_drift_last_run_timestamp_seconds", "rocm") not in found


def test_prometheus_reads_what_is_kept() -> None:
    found = samples(render_document(document([BROKEN, QUIET, NEVER], alone=False), "prom"))
    runs = [found["stackcheck_history_runs", each] for each in ("cuda", "cpu", "rocm")]
    assert runs == [3, 1, 0]
    assert found["stackcheck_history_broken_since_timestamp_seconds", "cuda"] == 1_795_834_800
    assert ("stackcheck_history_broken_since_timestamp_seconds", "cpu") not in found
    assert found["stackcheck_history_changes", "cuda", "benign"] == 1


def test_a_hostile_name_forges_no_sample() -> None:
    bad = HOSTILE + '"} 1\nstackcheck_drift_exit_code{stack="forged"} 0 \\'
    text = metrics.of_drift([replace(hostile_drift(), stack=bad)], {})
    exits = [key for key in samples(text) if key[0] == "stackcheck_drift_exit_code"]
    assert len(exits) == 1
    assert exits[0][1] != "forged"


def test_what_is_not_a_time_has_no_sample() -> None:
    assert metrics.seconds_of("yesterday") is None
    assert metrics.seconds_of("1970-01-01T00:00:10") == 10


def test_a_line_a_stack_a_change_and_a_gap() -> None:
    text = render_document(drifts([drift("cpu", "listed"), drift("cuda", "not listed")]), "jsonl")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(row["kind"], row["stack"]) for row in rows] == [
        ("drift", "cpu"),
        ("unchecked", "cpu"),
        ("drift", "cuda"),
        ("change", "cuda"),
        ("unchecked", "cuda"),
    ]
    assert rows[2]["result"] == "FAIL"
    assert rows[3]["class"] == "breaks-next-build"
    kept = [
        json.loads(line) for line in render_document(document([BROKEN], alone=True), "jsonl").splitlines()
    ]
    assert kept[0]["broken_since"] == "2026-11-28T03:00:00+00:00"
    assert [row["kind"] for row in kept] == ["history", "change", "change"]


def test_many_stacks_begin_with_the_worst() -> None:
    reports = [drift("cpu", "listed"), drift("cuda", "not listed"), not_compared("rocm", "there is no lock")]
    text = render_document(drifts(reports, {"cuda": "2026-11-28"}), "text", width=200)
    first, _, rest = text.partition("\n")
    assert first == "FAIL  3 stacks: 1 breaks, 1 could not be compared, 1 is fine"
    rows = [line.split()[:3] for line in rest.splitlines()[3:6]]
    assert rows == [["FAIL", "cuda", "2026-11-28"], ["NOTHING", "rocm", "1"], ["PASS", "cpu", "0.0"]]
    assert "PASS  cpu: nothing moved in 1 fact, 1 thing not compared\n" in f"{text}\n"
    assert "there is no lock" in text
    assert text.count("baseline: the lock") == 1, "what is quiet is one line"


def test_many_histories_begin_with_the_worst_in_every_format() -> None:
    shown = document([QUIET, NEVER, BROKEN], alone=False)
    assert [section.name for section in shown.sections] == ["cuda", "cpu", "rocm"]
    assert shown.overview is not None
    assert shown.overview.rows[0][:5] == ("FAIL", "cuda", "2026-11-28 03:00", "2026-11-29 03:00", "3")
    assert [word for word, *_ in shown.overview.rows] == ["FAIL", "PASS", "NOTHING"]
    for form in (*FORMATS, "jsonl", "prom"):
        assert "cuda" in render_document(shown, form)
    rows = json.loads(render_document(shown, "json"))["histories"]
    assert [row["stack"] for row in rows] == ["cpu", "rocm", "cuda"]


def test_one_stack_says_nothing_of_all() -> None:
    assert overall(["FAIL"]) == ""
    assert overall(["FAIL", "FAIL", "ERROR"]) == "3 stacks: 2 break, 1 was not looked at in full"
