"""Classes of changes, facts of images and hosts, scans, history's courses, and every rendering."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from stackcheck.drift import Change, Gap, Key, Seen, Snapshot, change_classes, diff
from stackcheck.drift.cve import NotAScanError, parse_scan
from stackcheck.drift.facts import from_rows, snapshot
from stackcheck.drift.history import Run, courses
from stackcheck.drift.observation_facts import host_facts, image_facts, same_machine, steady_size
from stackcheck.drift.rendering import grouped, render, schema
from stackcheck.drift.report import compare
from stackcheck.model.errors import TableError
from stackcheck.model.report import Report, Subject
from stackcheck.probing.observation import parse_observation
from tests.unit.report.report_cases import hostile_drift

BASE = snapshot([("file", "a.whl", "listed", "listed"), ("file", "a.whl", "sha256", "00")])


def now(*rows: tuple[str, str, str, str], gaps: tuple[Gap, ...] = ()) -> Snapshot:
    return snapshot(rows, gaps)


def only(changes: tuple[Change, ...]) -> Change:
    assert len(changes) == 1, changes
    return changes[0]


def moved(area: str, aspect: str, before: str | None, after: str | None) -> Change:
    sides = [now((area, "x", aspect, value)) if value is not None else now() for value in (before, after)]
    return only(diff(*sides))


@pytest.mark.parametrize(
    ("area", "aspect", "before", "after", "rank", "what"),
    [
        ("file", "listed", "listed", "not listed", "breaks-next-build", "a locked file is gone from its index"),
        ("file", "listed", "not listed", "listed", "benign", "a locked file is listed again or elsewhere"),
        ("file", "listed", "listed", "page gone", "breaks-next-build", "the page of a locked file is gone"),
        ("file", "sha256", "00", "11", "breaks-next-build", "a locked file has other content under the same name"),
        ("file", "yanked", None, "CVE", "changes-behaviour", "a locked file was yanked"),
        ("file", "yanked", "CVE", None, "benign", "a locked file is not yanked any more, or for another reason"),
        ("file", "requires-python", None, ">=3.12", "changes-behaviour", "a locked file says other Pythons"),
        ("resolution", "resolves", "yes", "no", "breaks-next-build", "the stack no longer resolves"),
        ("resolution", "resolves", "no", "yes", "benign", "the stack resolves again"),
        ("stated", "version", "1.0", "1.1", "changes-behaviour", "the definition would now take another version"),
        ("drawn-in", "version", "1.0", "1.1", "benign", "a package that others require would now be another version"),
        ("base", "digest", "sha256:1", "sha256:2", "changes-behaviour", "the base image's tag moved in its registry"),
        ("base", "id", "sha256:1", "sha256:2", "changes-behaviour", "the base image on this machine is another one"),
        ("image", "builds", "yes", "no", "breaks-next-build", "the stack no longer builds"),
        ("package", "version", "1.0", None, "changes-behaviour", "a package in the image changed"),
        ("library", "architectures", "sm_80", "sm_90", "changes-behaviour", "a library has other GPU architectures"),
        ("missing", "library", None, "missing", "breaks-running", "a library needs one that is not in the image"),
        ("missing", "library", "missing", None, "benign", "a library now finds what it needs"),
        ("environment", "value", "a", "b", "changes-behaviour", "an environment variable changed"),
        ("torch", "cuda", "12.4", "none", "breaks-running", "torch is now a CPU build"),
        ("torch", "cuda", "12.4", "12.6", "changes-behaviour", "torch is built for another CUDA"),
        ("size", "size", "100", "200", "benign", "the size of the image changed"),
        ("host", "driver", "550.54.15", "535.54.03", "changes-behaviour", "the driver of this machine changed"),
        ("host", "driver", "550.54.15", None, "breaks-running", "the driver of this machine is gone"),
        ("gpu", "name", "L4 (8.9)", None, "breaks-running", "a GPU of this machine is gone"),
        ("engine", "version", "20.10.24", "27.0.1", "benign", "the container engine changed"),
        ("claim", "outcome", "PASS", "FAIL", "breaks-next-build", "the definition now fails a rule"),
        ("claim", "outcome", "PASS", "WARN", "changes-behaviour", "a rule now warns of the definition"),
        ("claim", "outcome", "FAIL", "PASS", "benign", "a verdict about the definition changed"),
        ("claim", "outcome", "PASS", "SKIP", "changes-behaviour", "a rule can no longer judge the definition"),
        ("target", "outcome", "PASS", "FAIL", "breaks-running", "the image now fails a rule"),
        ("target", "outcome", None, "FAIL", "breaks-running", "the image now fails a rule"),
        ("cve", "severity", None, "high", "changes-behaviour", "a new known vulnerability"),
        ("cve", "severity", "high", None, "benign", "a known vulnerability is fixed or withdrawn"),
        ("definition", "fingerprint", "1a", "2b", "changes-behaviour", "the lock was made from another definition"),
    ],
)  # fmt: skip
def test_each_move_has_its_class(
    area: str, aspect: str, before: str | None, after: str | None, rank: str, what: str
) -> None:
    change = moved(area, aspect, before, after)
    assert (change.rank, change.what, change.before, change.after) == (rank, what, before, after)
    assert change.breaks == rank.startswith("breaks")


def test_rows_are_proven_complete() -> None:
    row = {"area": "a", "aspect": "b", "move": "new", "title": "t", "class": "benign", "why": "w", "do": "d"}
    with pytest.raises(TableError, match=r"change_classes.toml: a.b: no row for 'gone'"):
        change_classes.parse({"kind": [row]})
    with pytest.raises(TableError, match=r"change_classes.toml: kind\[1\]: unknown class or move"):
        change_classes.parse({"kind": [{**row, "class": "bad"}]})
    with pytest.raises(TableError, match=r"kind\[1\]: .*unexpected keyword argument 'typo'"):
        change_classes.parse({"kind": [{**row, "typo": 1}]})
    with pytest.raises(TableError, match=r"no row for x.y, changed: please report this"):
        change_classes.parse({"kind": [{**row, "move": "any"}]}).of("x", "y", "p", "q")


def test_a_file_that_is_gone_is_one_change() -> None:
    assert only(diff(BASE, now())).aspect == "listed"


def test_what_one_side_did_not_see_is_no_change() -> None:
    down = Gap("file", "", "", "the index is down", fault=True)
    assert diff(BASE, now(gaps=(down,))) == ()
    assert diff(now(gaps=(down,)), BASE) == ()
    other = Gap("file", "b.whl", "", "the index is down", fault=True)
    assert only(diff(BASE, now(gaps=(other,)))).where == "a.whl"


def test_exit_codes() -> None:
    fault = Gap("base", "", "", "the registry is down", fault=True)
    skip = Gap("cve", "", "", "no scan was given")
    same = compare("s", BASE, BASE)
    assert (same.exit_code(), same.exit_code(strict=True)) == (0, 0)
    assert compare("s", BASE, now()).exit_code() == 1
    assert compare("s", BASE, BASE | now(gaps=(fault,))).exit_code() == 3
    skipped = compare("s", BASE, BASE | now(gaps=(skip,)))
    assert (skipped.exit_code(), skipped.exit_code(strict=True)) == (0, 3)
    assert compare("s", Snapshot(), Snapshot()).exit_code() == 3
    broken = compare("s", BASE, now(gaps=(fault,)))
    assert broken.exit_code() == 1


def test_facts_of_a_file_are_checked() -> None:
    for rows in ({}, {"facts": [["a", "b"]], "gaps": []}, {"facts": [[1, "b", "c", "d", ""]], "gaps": []}):
        with pytest.raises(ValueError, match="these are not facts"):
            from_rows(rows)


def test_long_texts_are_cut() -> None:
    (key, seen), = now(("package", "p" * 5000, "version", "v" * 5000)).facts.items()  # fmt: skip
    assert len(key.subject) < 2100
    assert seen.value.endswith("... (5000 characters)")


# --- what probes saw -----------------------------------------------------------------------------------------


def probed(**facts: Any) -> Any:
    entries = {
        name: {"status": "ok", "grade": "static", "seconds": 0.1, "facts": each}
        for name, each in facts.items()
    }
    agent = {"python": "3.11.2", "executable": "/usr/bin/python3", "seconds": 1.0}
    return parse_observation(json.dumps({"schema_version": 1, "agent": agent, "probes": entries}).encode())


SITE = "/opt/venv/lib/python3.11/site-packages"
WHOLE = {
    "distributions": {"distributions": [{"name": "torch", "version": "2.5.0"}]},
    "libraries": {
        "roots": [SITE],
        "libraries": [
            {"path": f"{SITE}/spconv/core_cc.so", "groups": [{"codes": ["sm_80", "sm_90"], "fatbins": 1}]}
        ],
    },
    "loading": {
        "roots": [SITE],
        "missing": [
            {"library": f"{SITE}/ext.so", "needs": "libcudart.so.11.0", "other_versions": ["libcudart.so.12"]}
        ],
    },
    "environment": {"variables": {"LD_LIBRARY_PATH": "/x", "HOSTNAME": "5d1c"}},
    "interpreter": {"torches": [{"version": "2.5.0+cu124", "cuda": "12.4", "wins": True}, {"wins": False}]},
}
IMAGE = Report("s", (), subject=Subject("image", "docker", "s:1", "sha256:1", 1000))


def test_the_facts_of_an_image() -> None:
    found = image_facts(IMAGE, probed(**WHOLE))
    assert {key: seen.value for key, seen in found.facts.items() if key.aspect != "code"} == {
        ("package", "torch", "version"): "2.5.0",
        ("library", "spconv/core_cc.so", "architectures"): "sm_80 sm_90",
        ("missing", "ext.so needs libcudart.so.11.0", "library"): "missing",
        ("environment", "LD_LIBRARY_PATH", "value"): "/x",
        ("torch", "torch", "cuda"): "12.4",
        ("size", "image", "size"): "1000",
    }
    assert found.gaps == frozenset()
    missing = next(seen for key, seen in found.facts.items() if key.area == "missing")
    assert missing.note == "there is: libcudart.so.12"


def test_a_probe_that_gave_nothing_is_a_gap() -> None:
    seen = probed(**{name: WHOLE[name] for name in ("distributions", "libraries", "interpreter")})
    found = image_facts(replace(IMAGE, subject=Subject("venv", "venv", "v", "d")), seen)
    reasons = {gap.area: gap.reason for gap in found.gaps}
    assert reasons == {
        "missing": "the probe loading was not run",
        "environment": "the probe environment was not run",
        "size": "the size of what was probed is not known",
    }
    whole = image_facts(replace(IMAGE, subject=Subject("venv", "venv", "v", "d", 5)), probed(**WHOLE))
    assert {gap.reason for gap in whole.gaps} == {"outside an image the environment is the caller's own"}


def test_a_size_within_five_percent_has_not_moved() -> None:
    sizes = [now(("size", "image", "size", str(size))) for size in (1000, 1049, 1051)]
    assert diff(sizes[0], steady_size(sizes[0], sizes[1])) == ()
    assert only(diff(sizes[0], steady_size(sizes[0], sizes[2]))).after == "1051"


NVML = {
    "driver": "550.54.15",
    "cuda": "12.4",
    "devices": [{"index": 0, "name": "NVIDIA L4", "capability": "8.9"}],
}


def test_the_facts_of_a_host() -> None:
    found = host_facts({"nvml": NVML, "kernel_module": None}, {"gpus": [{"node": "1", "gfx": "gfx90a"}]})
    assert {key.subject: seen.value for key, seen in found.facts.items()} == {
        "NVIDIA driver": "550.54.15",
        "NVIDIA GPU 0": "NVIDIA L4 (8.9)",
        "AMD node 1": "gfx90a",
    }
    assert host_facts({}, {}).facts == {}
    module = host_facts({"nvml": None, "kernel_module": {"version": "535.1", "open": False}}, {})
    assert module.facts[Key("host", "NVIDIA driver", "driver")].value == "535.1"


def test_a_machine_without_a_gpu_may_be_another_machine() -> None:
    before = host_facts({"nvml": NVML}, {})
    here = same_machine(before, Snapshot(), proven=False)
    assert diff(before, here) == ()
    assert {gap.reason for gap in here.gaps} == {"not seen here, and the baseline may be of another machine"}
    assert {change.what for change in diff(before, same_machine(before, Snapshot(), proven=True))} == {
        "the driver of this machine is gone",
        "a GPU of this machine is gone",
    }


# --- scans ---------------------------------------------------------------------------------------------------

TRIVY = {
    "SchemaVersion": 2,
    "Results": [
        {"Vulnerabilities": [{"PkgName": "a", "InstalledVersion": "1", "VulnerabilityID": "CVE-1", "Severity": "HIGH",
                              "FixedVersion": "2"}]},
        {"Vulnerabilities": None},
    ],
}  # fmt: skip
GRYPE = {"matches": [{"vulnerability": {"id": "GHSA-1", "severity": "Medium", "fix": {"versions": ["2", "3"]}},
                      "artifact": {"name": "a", "version": "1"}}]}  # fmt: skip
AUDIT = {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]},
                          {"name": "b", "skip_reason": "x"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "subject", "severity", "note"),
    [
        (TRIVY, "a 1: CVE-1", "high", "fixed in 2"),
        (GRYPE, "a 1: GHSA-1", "medium", "fixed in 2, 3"),
        (AUDIT, "a 1: PYSEC-1", "unknown", "no fixed version is named"),
    ],
)
def test_each_scanner_is_read(document: Any, subject: str, severity: str, note: str) -> None:
    assert parse_scan(json.dumps(document).encode()).facts == {
        Key("cve", subject, "severity"): Seen(severity, note)
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "this is not JSON"),
        (b"[" * 100_000, "this is not JSON"),
        (b"[]", "this is the JSON of neither Trivy, Grype nor pip-audit"),
        (b'{"Results": 5}', "Results: a list is expected"),
        (b'{"matches": {"a": 1}}', "matches: a list is expected"),
    ],
)
def test_what_is_no_scan_is_said(content: bytes, words: str) -> None:
    with pytest.raises(NotAScanError, match=words):
        parse_scan(content)


def test_a_hostile_scan_is_bounded() -> None:
    row = {"PkgName": "x" * 10_000, "VulnerabilityID": None, "Severity": 7}
    (key, seen), = parse_scan(json.dumps({"Results": [{"Vulnerabilities": [row, 1, None]}]}).encode()).facts.items()  # fmt: skip
    assert key.subject == f"{'x' * 200} unknown: unknown"
    assert seen.value == "unknown"


# --- history -------------------------------------------------------------------------------------------------

KEY = ("file", "a.whl", "listed")
ROW = ("breaks-next-build", "gone", "listed", "not listed")


def run(day: int, *, there: bool, blind: tuple[tuple[str, str], ...] = ()) -> Run:
    return Run(f"2026-11-{day:02d}", 1 if there else 0, "", {KEY: ROW} if there else {}, frozenset(blind))


def test_a_change_is_there_since_its_last_stretch_began() -> None:
    found = only_course([run(1, there=True), run(2, there=False), run(3, there=True), run(4, there=True)])
    assert (found.since, found.last, found.seen, found.looked, found.now) == (
        "2026-11-03",
        "2026-11-04",
        3,
        4,
        True,
    )
    assert (found.flips, found.flapping) == (3, True)


def test_a_change_that_went_away_says_when_it_was_last_seen() -> None:
    found = only_course([run(1, there=False), run(2, there=True), run(3, there=False)])
    assert (found.now, found.last, found.flips, found.flapping) == (False, "2026-11-02", 2, False)


def test_a_night_without_sight_counts_for_nothing() -> None:
    blind = run(2, there=False, blind=(("file", ""),))
    found = only_course([run(1, there=True), blind, run(3, there=True)])
    assert (found.since, found.seen, found.looked, found.flips) == ("2026-11-01", 2, 2, 1)


def only_course(runs: list[Run]) -> Any:
    (found,) = courses(runs)
    return found


# --- renderings ----------------------------------------------------------------------------------------------


def test_the_json_fits_its_schema_whatever_stands_in_it() -> None:
    document = json.loads(render([hostile_drift()], "json"))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"drifts": [{}]}, schema())


def test_the_text_says_everything_in_order() -> None:
    gap = Gap("base", "python:3.11", "digest", "the registry was not reached")
    skip = Gap("cve", "", "", "no scan was given")
    report = replace(
        compare("tiny", BASE, now(gaps=(gap, skip)), since="the lock locks/pylock.tiny.toml"), seconds=0.5
    )
    assert render([report], "text") == (
        "FAIL  tiny: 1 change (1 breaks the next build) in 2 facts, 2 things not compared\n"
        "      do        run `stackcheck lock`; when the pin itself is gone, mirror the file from a built\n"
        "                image or pin another version\n"
        "      baseline: the lock locks/pylock.tiny.toml\n"
        "\n"
        "BREAKS-NEXT-BUILD  a locked file is gone from its index\n"
        "      where     a.whl\n"
        "      moved     listed: listed -> (none)\n"
        "      why       no index that is asked for it lists it any more\n"
        "      do        run `stackcheck lock`; when the pin itself is gone, mirror the file from a built\n"
        "                image or pin another version\n"
        "\n"
        "NOT COMPARED\n"
        "      no scan was given: cve\n"
        "      the registry was not reached: base python:3.11 (digest)\n"
        "\n"
        "compared: 2 file; 0.5 s\n"
    )


def test_faults_come_first_among_what_was_not_compared() -> None:
    gaps = [Gap("a", str(n), "", "not asked") for n in range(12)] + [Gap("b", "", "x", "down", fault=True)]
    assert grouped(gaps) == [
        ("down", ["b (x)"]),
        ("not asked", [*(f"a {n}" for n in range(8)), "and 4 more"]),
    ]


def test_nothing_moved_is_a_good_case_and_nothing_compared_an_error() -> None:
    good, blind = compare("s", BASE, BASE), compare("s", Snapshot(), Snapshot())
    suites = ET.fromstring(render([good, blind], "junit")).findall("testsuite")  # noqa: S314 - ours
    assert [(s.get("tests"), s.get("errors"), s.get("failures")) for s in suites] == [
        ("1", "1", "0"),
        ("1", "0", "0"),
    ], "the worst first"
    assert render([good], "text").splitlines()[0] == "PASS  s: nothing moved in 2 facts"
    assert render([blind], "text").splitlines()[0] == "NOTHING s: nothing could be compared"
