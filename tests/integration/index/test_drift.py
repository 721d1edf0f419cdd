"""Drift against a real index: incidents of the last years replayed, each with its quiet twin."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from stackcheck import pipeline
from stackcheck.drift.rendering import render, schema
from stackcheck.drift.run import DriftOptions, drift
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import ReportError, UsageError
from stackcheck.model.report import Report
from stackcheck.report.jsonfile import to_json
from stackcheck.resolve.lockfile import read_lock
from stackcheck.resolve.locking import Locked, lock_stack
from stackcheck.storage.stack_files import lock_path
from stackcheck.targets import BuildOptions
from tests.integration.index.server import FAULTS, IndexServer, Upload, make_wheel, page, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackcheck.drift import Change
    from stackcheck.drift.report import DriftReport
    from stackcheck.resolve.resolver import Options

CUDNN = "nvidia_cudnn_cu12-9.1.0.70-py3-none-manylinux2014_x86_64.whl"
LINUX = "py3-none-manylinux2014_x86_64"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "matrices").mkdir()
    return tmp_path


@pytest.fixture
def stack_of(server: IndexServer, project: Path) -> Callable[..., Stack]:
    def make(packages: dict[str, Any], **fields: Any) -> Stack:
        base = {"id": "tiny", "python": "3.11", "platform": "linux/amd64", "glibc": "2.36"}
        index = fields.pop("index", {"url": server.simple("main")})
        row = {**base, "packages": packages, "index": index, **fields}
        return Stack.model_validate({**row, "file": str(project / "matrices" / "tiny.toml")})

    return make


@pytest.fixture
def lock(options: Options) -> Callable[[Stack], Stack]:
    def write(stack: Stack) -> Stack:
        assert isinstance(lock_stack(stack, options), Locked)
        return stack

    return write


@pytest.fixture
def look(options: Options, tmp_path: Path) -> Callable[..., DriftReport]:
    """Return a function that looks for drift with nothing of this machine's settings."""

    def run(stack: Stack, *, offline: bool = False, **fields: Any) -> DriftReport:
        environ = {**options.environ, "DOCKER_HOST": f"unix://{tmp_path}/no-engine.sock"}
        build = BuildOptions(cache=options.cache_folder, environ=environ)
        how = DriftOptions(run=pipeline.Options(offline=offline, build=build), **fields)
        return drift(stack, how, lambda _line: None)

    return run


def with_metadata(upload: Upload, text: str) -> Upload:
    return replace(upload, metadata=text.encode())


def one(report: DriftReport) -> Change:
    assert len(report.changes) == 1, report.changes
    return report.changes[0]


def by_area(report: DriftReport) -> dict[str, Change]:
    assert len({change.area for change in report.changes}) == len(report.changes), report.changes
    return {change.area: change for change in report.changes}


def torch_index(server: IndexServer) -> None:
    """Put torch 2.5.0+cu124 and cuDNN on one index, as the cu124 index had them."""
    server.add(
        "cu124",
        make_wheel("torch", "2.5.0+cu124", "nvidia-cudnn-cu12==9.1.0.70", tag=LINUX),
        make_wheel("nvidia-cudnn-cu12", "9.1.0.70", tag=LINUX),
        make_wheel("nvidia-cudnn-cu12", "9.3.0.75", tag=LINUX),
    )


TORCH = {"torch": "2.5.0+cu124"}


def test_nothing_moved(server: IndexServer, stack_of: Any, lock: Any, look: Any) -> None:
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    report = look(stack)
    assert report.changes == ()
    assert report.compared["file"] == 4
    assert report.compared["resolution"] == 1
    assert report.faults == ()
    assert report.exit_code() == 0
    assert report.exit_code(strict=True) == 3
    before = len(server.requests)
    assert look(stack).changes == ()
    fetched = [p for p, h in server.requests[before:] if "/files/" in p and h["User-Agent"] == "stackcheck"]
    assert fetched == []
    pages = [headers for path, headers in server.requests[before:] if path.endswith("torch/")]
    assert any("If-None-Match" in headers for headers in pages)


def test_the_cu124_index_drops_cudnn(server: IndexServer, stack_of: Any, lock: Any, look: Any) -> None:
    """August 2026: nvidia-cudnn-cu12 9.1.0.70 left the cu124 index, and torch 2.4 to 2.6 with it."""
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    server.indexes["cu124"] = [u for u in server.indexes["cu124"] if u.filename != CUDNN]
    report = look(stack)
    found = by_area(report)
    assert set(found) == {"file", "resolution"}
    gone = found["file"]
    assert (gone.where, gone.before, gone.after) == (CUDNN, "listed", "not listed")
    assert gone.what == "a locked file is gone from its index"
    assert gone.rank == "breaks-next-build"
    assert gone.note == f"{server.simple('cu124')}nvidia-cudnn-cu12/ lists 9.3.0.75"
    assert "mirror the file" in gone.do
    assert found["resolution"].after == "no"
    assert "nvidia-cudnn-cu12==9.1.0.70" in found["resolution"].note
    assert found["resolution"].what == "the stack no longer resolves"
    assert report.exit_code() == 1


def test_a_file_that_is_unlisted_and_still_served_is_told_apart(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    uploads = server.indexes["cu124"]
    server.indexes["cu124"] = [replace(u, listed=u.filename != CUDNN) for u in uploads]
    found = by_area(look(stack))["file"]
    assert (found.after, found.rank) == ("not listed, still served", "breaks-next-build")
    assert found.do.startswith("save the file now")


def test_a_page_that_is_gone_is_told_from_an_index_that_is_down(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    server.indexes["cu124"] = [u for u in server.indexes["cu124"] if u.project == "torch"]
    found = by_area(look(stack))["file"]
    assert (found.after, found.what) == ("page gone", "the page of a locked file is gone")
    server.indexes.clear()
    down = look(stack)
    assert down.changes == ()
    assert down.exit_code() == 3
    assert {gap.reason for gap in down.faults if gap.area == "file"} == {
        f"{server.simple('cu124')}{name}/: HTTP status 404, and neither does its index answer"
        for name in ("torch", "nvidia-cudnn-cu12")
    }


@pytest.mark.parametrize("fault", ["401", "500", "cut", "garbage", "slow"])
def test_an_index_that_does_not_answer_is_never_no_drift(
    server: IndexServer, stack_of: Any, lock: Any, look: Any, fault: str
) -> None:
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    server.faults["/cu124/simple/nvidia"] = FAULTS[fault]
    report = look(stack)
    assert report.changes == ()
    assert report.exit_code() == 3
    assert CUDNN in {gap.subject for gap in report.faults}


def test_a_file_whose_content_changed_in_place(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    server.add("main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "1.0"))
    stack = lock(stack_of({"alpha": "1.0"}))
    old = server.indexes["main"][0]
    new = make_wheel("alpha", "1.0", "beta", "gamma>=2", salt="rebuilt")
    server.indexes["main"][0] = new
    server.add("main", make_wheel("gamma", "2.0"))
    report = look(stack)
    found = by_area(report)
    change = found["file"]
    assert (change.aspect, change.before, change.after) == ("sha256", old.sha256, new.sha256)
    assert change.what == "a locked file has other content under the same name"
    assert change.rank == "breaks-next-build"
    assert change.note == "now requires beta, gamma>=2; the lock drew in beta"
    assert (found["drawn-in"].where, found["drawn-in"].before, found["drawn-in"].after) == (
        "gamma", None, "2.0",
    )  # fmt: skip
    assert report.exit_code() == 1
    ours = [h for path, h in server.requests if "/files/" in path and h["User-Agent"] == "stackcheck"]
    assert ours
    assert all("Range" in headers for headers in ours)


def test_a_yanked_file_changes_behaviour(server: IndexServer, stack_of: Any, lock: Any, look: Any) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    stack = lock(stack_of({"alpha": "1.0"}))
    server.json_pages = False
    server.indexes["main"][0] = replace(server.indexes["main"][0], yanked=True)
    report = look(stack)
    change = one(report)
    assert (change.aspect, change.before, change.after) == ("yanked", None, "gone bad")
    assert (change.rank, change.what) == ("changes-behaviour", "a locked file was yanked")
    assert (report.exit_code(), report.exit_code(strict=True)) == (0, 3)


def test_metadata_that_changes_beside_its_wheel(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    head = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"
    server.add("main", with_metadata(make_wheel("alpha", "1.0"), head), make_wheel("beta", "1.0"))
    stack = lock(stack_of({"alpha": "1.0"}))
    look(stack, accept="the first baseline")
    assert look(stack).changes == ()
    server.indexes["main"][0] = with_metadata(
        make_wheel("alpha", "1.0"), f"{head}Requires-Dist: beta<2\nRequires-Dist: docs; extra == 'doc'\n"
    )
    change = by_area(look(stack))["file"]
    assert (change.aspect, change.rank) == ("metadata", "changes-behaviour")
    assert change.note == "now requires beta<2"


def test_a_release_that_the_definition_would_now_take(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    server.add(
        "main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "1.0"), make_wheel("pin", "1.0")
    )
    stack = lock(stack_of({"alpha": ">=1,<2", "pin": "1.0"}))
    server.add("main", make_wheel("alpha", "2.0"), make_wheel("pin", "1.1"))
    assert look(stack).changes == ()
    server.add("main", make_wheel("alpha", "1.5", "beta"), make_wheel("beta", "1.1"))
    found = by_area(look(stack))
    taken, drawn = found["stated"], found["drawn-in"]
    assert (taken.where, taken.before, taken.after, taken.rank) == (
        "alpha",
        "1.0",
        "1.5",
        "changes-behaviour",
    )
    assert (drawn.where, drawn.after, drawn.rank) == ("beta", "1.1", "benign")


def test_torchaudio_is_missing_from_the_next_index(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    """A new CUDA index came out with torch and torchvision, and without torchaudio."""
    names = ("torch", "torchvision", "torchaudio")
    server.add("cu124", *(make_wheel(name, "2.6.0+cu124", tag=LINUX) for name in names))
    server.add("cu126", *(make_wheel(name, "2.6.0+cu126", tag=LINUX) for name in names))
    stack = lock(stack_of(dict.fromkeys(names, "2.6.0+cu124"), index={"url": server.simple("cu124")}))
    assert look(stack, siblings=(server.simple("cu126"),)).changes == ()
    server.indexes["cu126"].pop()
    report = look(stack, siblings=(server.simple("cu126"),))
    change = one(report)
    assert change.where == f"torchaudio on {server.simple('cu126')}"
    assert change.after == "torchaudio 2.6.0 for this Python and platform"
    assert change.what == "an index lacks what its sibling lists"
    assert change.note == f"{server.simple('cu124')} has it; this index lists none"
    assert change.rank == "changes-behaviour"
    assert look(stack).changes == ()


def test_two_indexes_of_the_stack_begin_to_differ(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.add("mirror", make_wheel("alpha", "1.0"))
    index = {"url": server.simple("main"), "extra": [server.simple("mirror")]}
    stack = lock(stack_of({"alpha": "1.0"}, index=index))
    assert "sibling" in {gap.area for gap in look(stack).unchecked}
    look(stack, accept="the first baseline")
    assert look(stack).changes == ()
    (package,) = read_lock(lock_path(stack)).packages
    other = next(name for name in ("main", "mirror") if name not in package.index)
    server.indexes[other] = [make_wheel("alpha", "1.0", salt="other")]
    change = one(look(stack))
    assert (change.area, change.aspect, change.before) == ("sibling", "sha256", None)
    assert change.where == f"{package.filename} on {server.simple(other)}"
    assert change.what == "two indexes have other content under one name"
    assert change.rank == "changes-behaviour"


def test_accepting_moves_the_baseline_and_a_new_lock_ends_what_was_accepted(
    server: IndexServer, stack_of: Any, lock: Any, look: Any, project: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    stack = lock(stack_of({"alpha": ">=1"}))
    server.indexes["main"][0] = replace(server.indexes["main"][0], yanked=True, requires_python=">=3.8")
    server.add("main", make_wheel("alpha", "1.1"))
    assert {change.area for change in look(stack).changes} == {"file", "stated"}
    taken = look(stack, accept="1.1 was looked at, the lock stays")
    assert taken.accepted == "1.1 was looked at, the lock stays"
    kept = json.loads((project / "reports" / "tiny.drift.json").read_text())
    assert (kept["reason"], kept["stack"]) == ("1.1 was looked at, the lock stays", "tiny")
    quiet = look(stack)
    assert quiet.changes == ()
    assert quiet.since.endswith(": 1.1 was looked at, the lock stays")
    server.add("main", make_wheel("alpha", "1.2"))
    assert one(look(stack)).after == "1.2"
    lock(stack)
    assert look(stack).changes == ()


def test_what_was_not_looked_at_today_stays_as_it_was_accepted(
    server: IndexServer, stack_of: Any, lock: Any, look: Any, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    stack = lock(stack_of({"alpha": "1.0"}))
    scan = tmp_path / "trivy.json"
    row = {"PkgName": "alpha", "InstalledVersion": "1.0", "VulnerabilityID": "CVE-2026-1", "Severity": "HIGH"}
    scan.write_text(json.dumps({"SchemaVersion": 2, "Results": [{"Vulnerabilities": [row]}]}))
    look(stack, scans=(scan,), accept="the first baseline")
    look(stack, accept="accepted again, without a scan")
    same = look(stack, scans=(scan,))
    assert (same.changes, same.cve_same) == ((), 1)
    scan.write_text(json.dumps({"SchemaVersion": 2, "Results": [{"Vulnerabilities": None}]}))
    gone = look(stack, scans=(scan,))
    assert one(gone).what == "a known vulnerability is fixed or withdrawn"
    assert "known vulnerabilities: 0 new, 1 fixed or withdrawn, 0 the same" in render([gone], "text")


def test_a_changed_definition_is_said(server: IndexServer, stack_of: Any, lock: Any, look: Any) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("beta", "1.0"))
    lock(stack_of({"alpha": "1.0"}))
    found = by_area(look(stack_of({"alpha": "1.0", "beta": "1.0"})))
    assert found["definition"].what == "the lock was made from another definition"
    assert found["stated"].where == "beta"


def test_offline_compares_nothing_of_the_index(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    stack = lock(stack_of({"alpha": "1.0"}))
    report = look(stack, offline=True)
    assert report.changes == ()
    assert report.compared.keys() == {"definition"}
    assert report.exit_code() == 0
    assert report.exit_code(strict=True) == 3


def test_what_is_missing_or_damaged_is_said(
    server: IndexServer, stack_of: Any, lock: Any, look: Any, project: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    stack = stack_of({"alpha": "1.0"})
    with pytest.raises(UsageError, match=r"there is no lock .*pylock.tiny.toml; run `stackcheck lock tiny`"):
        look(stack)
    lock(stack)
    with pytest.raises(UsageError, match=r"--baseline .*none.json: there is no such file"):
        look(stack, report=project / "none.json")
    (project / "reports").mkdir()
    accepted = project / "reports" / "tiny.drift.json"
    report = project / "reports" / "tiny.json"
    report.write_text(to_json([Report("other", ())]))
    with pytest.raises(UsageError, match=r"tiny.json: this report is about other, not about tiny"):
        look(stack)
    report.write_text("{}")
    with pytest.raises(ReportError, match=r"tiny.json: schema_version is null"):
        look(stack)
    report.write_text(to_json([Report("tiny", (), command="check")]))
    reasons = {gap.area: gap.reason for gap in look(stack).unchecked}
    assert reasons["package"] == (
        f"the baseline report {report} is of `stackcheck check`: nothing was probed"
    )
    accepted.write_text('{"schema_version": 1, "stack": "other"}')
    with pytest.raises(ReportError, match=r"not an accepted baseline \(it is not about tiny\); remove it"):
        look(stack)
    accepted.write_text('{"schema_version": 1')
    with pytest.raises(ReportError, match=r"tiny.drift.json:1: this is not JSON: .* Remove it, and accept"):
        look(stack)


def test_every_format_holds_the_changes_and_the_json_fits_its_schema(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    server.indexes["cu124"].pop(1)
    report = look(stack)
    for form in ("text", "md", "junit"):
        assert "a locked file is gone from its index" in render([report], form)
    document = json.loads(render([report], "json"))
    jsonschema.validate(document, schema())
    assert document["drifts"][0]["exit_code"] == 1


def without_root(server: IndexServer, index: str) -> None:
    """Answer 404 for the page above the projects, as buckets and many proxies do, and serve all others."""

    def fault(handler: Any) -> None:
        if handler.path == f"/{index}/simple/":
            status(404)(handler)
        else:
            handler._serve(handler.path.strip("/").split("/"))

    server.faults[f"/{index}/simple/"] = fault


def test_an_index_without_a_page_of_its_own_lives_as_its_other_pages_do(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    """Buckets and proxies have no root page: another page that was read in this run proves that it lives."""
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    server.indexes["cu124"] = [u for u in server.indexes["cu124"] if u.project != "nvidia-cudnn-cu12"]
    without_root(server, "cu124")
    report = look(stack)
    gone = next(change for change in report.changes if change.area == "file")
    assert (gone.where, gone.after) == (CUDNN, "page gone")
    assert report.exit_code() == 1


def test_a_page_without_a_link_is_no_page_of_an_index(
    server: IndexServer, stack_of: Any, lock: Any, look: Any
) -> None:
    """A login page that is answered with 200 and HTML says nothing about a file."""
    torch_index(server)
    stack = lock(stack_of(TORCH, index={"url": server.simple("cu124")}))
    server.faults["/cu124/simple/torch/"] = page(b"<html><body><h1>Please log in</h1></body></html>")
    report = look(stack)
    assert not [change for change in report.changes if change.area == "file"]
    assert "no link but other text" in " ".join(gap.reason for gap in report.faults)
    assert report.exit_code() == 3
