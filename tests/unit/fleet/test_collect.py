"""What came back becomes reports and a matrix; what is damaged, partial or missing is named, never dropped."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.drift.rendering import document
from stackcheck.fleet.collect import collect
from stackcheck.fleet.collected import Collected, matrix_of
from stackcheck.fleet.render import k8s, yamltext
from stackcheck.fleet.sources import Source, sources
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import UsageError
from stackcheck.model.lock import fingerprint
from stackcheck.model.verdict import Level, Outcome
from stackcheck.report.jsonfile import from_json, to_json
from stackcheck.rules.questions import SERVES_GPUS
from stackcheck_probes import frames
from tests.unit.fleet.render_cases import AGENT, JOB, POD, REF, TWO
from tests.unit.fleet.render_cases import made as made_arrays
from tests.unit.report.report_cases import hostile_drift, report, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.model.report import Report

FILES: dict[str, str] = {}
"""What was written last."""
STARTED = "2026-11-30T10:00:00+00:00"
STACK = Stack.model_validate({"id": "one", "accelerator": "cpu"})
NOT_FOUND = "there is no definition of this stack here, so what was seen is not judged"


def framed(answer: dict[str, Any], **header: Any) -> str:
    """Return the log of a task."""
    told = {
        "run": "r1", "gpu": "H100", "stack": "one", "image": "i", "definition": "", "node": "n1",
        "started": STARTED, "index": 0, "of": 1, **header,
    }  # fmt: skip
    name = f"{abs(hash(json.dumps([told, answer], sort_keys=True))):016x}"
    return "\n".join([frames.opening(name, told), *frames.rest(name, told, answer), ""])


def wrote(*reports: Report) -> dict[str, Any]:
    return {"kind": "output", "status": 0, "text": to_json(reports), "stderr": "", "seconds": 1.0}


def seen_on(gpu: str, *verdicts: Any, **fields: Any) -> Report:
    """Return a report whose probes saw a GPU."""
    nvml = {"driver": "580.1", "devices": [{"name": gpu}]}
    observation = {"probes": {"nvidia_driver": {"facts": {"nvml": nvml}}}}
    return replace(report(*verdicts), stack="one", started=STARTED, observation=observation, **fields)


SERVED = replace(verdict(Outcome.PASS, "ARCH101", level=Level.GPU), question=SERVES_GPUS)
GOOD, BAD = (
    seen_on("NVIDIA H100 80GB HBM3", SERVED),
    seen_on("NVIDIA L4", verdict(Outcome.FAIL, level=Level.RUN)),
)


def taken(*logs: str | bytes, stacks: tuple[Stack, ...] = (STACK,)) -> Collected:
    found = (
        Source(f"log-{number}", each.encode() if isinstance(each, str) else each)
        for number, each in enumerate(logs)
    )
    FILES.clear()
    return collect(found, {stack.id: stack for stack in stacks}, FILES.__setitem__)


def told(made: Collected) -> list[str]:
    return [str(problem) for problem in made.problems]


def cells(made: Collected) -> dict[str, str]:
    matrix = matrix_of(made)
    return {
        f"{row.stack} on {host.gpu}": cell.state
        for row in matrix.rows
        for host, cell in zip(matrix.hosts, row.cells, strict=True)
    }


def test_reports_of_commands_and_of_files_are_one_matrix_and_one_folder() -> None:
    made = taken(framed(wrote(GOOD)), to_json([BAD]))
    assert told(made) == []
    assert cells(made) == {"one on NVIDIA H100": "works", "one on NVIDIA L4": "fails"}
    files = dict(FILES)
    assert sorted(files) == ["one--nvidia-h100.json", "one--nvidia-l4.json"]
    assert from_json(files["one--nvidia-h100.json"]) == (GOOD,)


def test_what_was_judged_where_no_gpu_is_has_a_column_of_its_own() -> None:
    alone = replace(report(verdict(Outcome.PASS)), stack="one", started=STARTED, observation=None)
    assert cells(taken(to_json([alone]))) == {"one on no GPU": "cpu"}  # its definition says so
    assert cells(taken(to_json([alone]), stacks=())) == {"one on no GPU": "unknown"}
    broken = replace(alone, verdicts=(verdict(Outcome.FAIL),))
    assert cells(taken(to_json([broken]), stacks=())) == {"one on no GPU": "fails"}
    assert cells(taken(to_json([alone, GOOD]))) == {"one on NVIDIA H100": "works"}


def test_what_probes_saw_is_judged_by_the_definition_that_is_here() -> None:
    seen = {
        "schema_version": 1,
        "agent": {"python": "3.11.2", "executable": "/p", "seconds": 1.0},
        "probes": {},
    }
    made = taken(framed({"kind": "observation", "document": seen, "seconds": 2.5}, gpu="cpu"))
    (ran,) = made.ran
    assert ran.report is not None
    assert (ran.gpu, ran.report.started, ran.report.seconds) == ("CPU", STARTED, 2.5)
    errors = [each for each in ran.report.verdicts if each.outcome is Outcome.ERROR]
    assert errors, "not one probe that was asked for has answered"
    assert cells(made) == {"one on CPU": "unknown"}
    assert [*FILES] == ["one--cpu--n1.json"]


def test_an_observation_of_another_stack_or_of_an_older_definition_is_told() -> None:
    seen = {
        "schema_version": 1,
        "agent": {"python": "3.11.2", "executable": "/p", "seconds": 1.0},
        "probes": {},
    }
    answer = {"kind": "observation", "document": seen}
    made = taken(framed(answer, stack="other"))
    assert told(made) == [f"log-0: other on H100 (node n1): {NOT_FOUND}: name its folder with --matrices."]
    assert cells(made) == {"other on H100": "unknown"}
    assert told(taken(framed(answer, definition=fingerprint(STACK)))) == []
    assert told(taken(framed(answer, definition="0" * 64))) == [
        "log-0: one on H100 (node n1): its definition has changed since this was rendered; it is judged by today's."
    ]


def test_a_damaged_and_a_partial_answer_are_unknown_cells_and_named() -> None:
    whole = framed(wrote(GOOD))
    begun = whole.partition("\n")[0]
    made = taken(begun, whole.replace(" 1/1 ", " 1/1 AAAA", 1))
    assert cells(made) == {"one on H100": "unknown"}
    assert told(made) == [
        "log-0: one on H100 (node n1): it began and did not end: its frame is not closed.",
        "log-1: one on H100 (node n1): its frame is damaged: lines of it were changed.",
    ]


def test_a_task_that_ended_without_an_answer_says_why() -> None:
    made = taken(framed({"kind": "error", "message": "it was stopped by a signal: a deadline"}))
    why = "it ended without an answer: it was stopped by a signal: a deadline."
    assert told(made) == [f"log-0: one on H100 (node n1): {why}"]
    assert matrix_of(made).rows[0].cells[0].cause == why


def test_tasks_that_said_nothing_are_missing_by_their_number() -> None:
    made = taken(framed(wrote(GOOD), index=1, of=4), framed(wrote(GOOD), index=2, of=4))
    assert told(made) == ["run r1: on H100: 2 of its 4 tasks said nothing: 0, 3."]


def test_what_was_rendered_and_never_answered_is_named_by_its_stack() -> None:
    found = made_arrays(*TWO, images=dict.fromkeys(("one", "two", "three"), REF), gpus=["H100", "T4"])
    manifest = yamltext.dump(k8s.objects(found, AGENT, POD, JOB))
    answered = found[0]
    made = taken(manifest, framed(wrote(GOOD), run=answered.run, of=2))
    assert told(made) == [
        f"run {answered.run}: on H100: 1 of its 2 tasks said nothing: three.",
        f"run {found[1].run}: on T4: 2 of its 2 tasks said nothing: one, three.",
        f"run {found[2].run}: on H100: 1 of its 1 tasks said nothing: two.",
        f"run {found[3].run}: on T4: 1 of its 1 tasks said nothing: two.",
    ]
    states = cells(made)
    assert states.pop("one on H100") == "works"
    assert set(states.values()) == {"unknown"}
    assert len(states) == 5
    tasks = found[0].document(found[0].tasks)
    assert told(taken(tasks)) == [f"run {answered.run}: on H100: 2 of its 2 tasks said nothing: one, three."]


def test_a_report_of_a_gpu_beside_a_kind_that_nobody_knows_is_no_crash() -> None:
    made = taken(framed({"kind": "error", "message": "x"}, gpu="H1OO"), to_json([GOOD]))
    assert cells(made) == {"one on H1OO": "unknown", "one on NVIDIA H100": "works"}


def test_a_try_that_was_lost_and_made_good_elsewhere_is_a_problem_of_that_node_alone() -> None:
    check = {"answer": "misconfigured", "causes": [{"message": "no device node"}]}
    lost = framed({"kind": "error", "message": "lost"}, node="n1")
    refused = framed({"kind": "output", "status": 1, "text": json.dumps(check)}, node="n2")
    made = taken(lost, refused)
    assert len(made.problems) == 1
    cell = matrix_of(made).rows[0].cells[0]
    assert (cell.state, cell.level) == ("fails", "run")
    assert cell.cause == "on node n2: the start check: no device node."


def test_a_try_that_another_one_made_good_is_told_and_leaves_nothing_unchecked() -> None:
    begun = framed(wrote(GOOD), node="n1").partition("\n")[0]
    made = taken(begun, framed(wrote(GOOD), node="n2"))
    why = "it began and did not end: its frame is not closed; another try has answered."
    assert told(made) == [f"log-0: one on H100 (node n1): {why}"]
    assert not any(problem.counts for problem in made.problems)
    assert cells(made) == {"one on H100": "works"}
    assert [problem.counts for problem in taken(begun).problems] == [True]


def test_a_task_that_said_nothing_behind_a_check_that_let_it_through_is_missing() -> None:
    healthy = {"kind": "output", "status": 0, "text": json.dumps({"answer": "healthy", "causes": []})}
    assert told(taken(framed(healthy, gate="yes"))) == ["run r1: on H100: 1 of its 1 tasks said nothing: 0."]
    refused = {"kind": "output", "status": 1, "text": json.dumps({"answer": "no", "causes": []})}
    assert told(taken(framed(refused, gate="yes"))) == []


def test_a_healthy_start_check_says_nothing_of_the_stack() -> None:
    text = json.dumps({"answer": "healthy", "causes": []})
    made = taken(framed({"kind": "output", "status": 0, "text": text}, gate="yes"), framed(wrote(GOOD)))
    assert (made.ran, told(made)) == ([], [])


def test_drift_is_kept_beside_the_reports() -> None:
    data = document([hostile_drift()]).data
    assert data is not None
    made = taken(framed({"kind": "output", "status": 1, "text": json.dumps(data()), "stderr": ""}))
    assert told(made) == []
    (name,) = FILES
    assert name.startswith("drift/")
    assert "/" not in name.removeprefix("drift/")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            {"kind": "output", "status": 0, "text": "{}"},
            "what its command wrote is neither a report nor drift.",
        ),
        ({"kind": "output", "status": 2, "text": "no"}, "1: this is not JSON: Expecting value (column 1)."),
        ({"kind": "x\x1b[31m"}, "its answer is of a kind that is not known (x)."),
        ({"kind": "observation", "document": []}, "its definition"),
    ],
)
def test_an_answer_of_nonsense_is_named(answer: dict[str, Any], why: str) -> None:
    made = taken(framed(answer, definition="x"))
    assert why in told(made)[0]
    assert cells(made) == {"one on H100": "unknown"}


def test_files_that_are_not_ours_are_left_alone_and_broken_reports_are_named() -> None:
    made = taken("#!/bin/bash\n", "{}", '{"reports": 1}', '{"reports')
    assert made.left_alone == 2
    assert len(made.problems) == 2
    assert not made.is_empty
    assert taken("nothing").is_empty


def archive(**members: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return made.getvalue()


def test_a_folder_with_logs_archives_and_half_written_files_is_read_to_the_last_one(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.log").write_text(framed(wrote(GOOD)))
    (tmp_path / "b.tgz").write_bytes(archive(inner=to_json([BAD]).encode()))
    (tmp_path / "c.tgz").write_bytes(archive(inner=b"x" * 100_000)[:60])
    (tmp_path / "d.frame.part").write_text(framed(wrote(GOOD), index=0).partition("\n")[0])
    (tmp_path / "f.log.gz").write_bytes(gzip.compress(framed(wrote(replace(GOOD, stack="rotated"))).encode()))
    (tmp_path / "g.log.gz").write_bytes(gzip.compress(random.Random(1).randbytes(9000))[:4000])  # noqa: S311
    (tmp_path / "h.tar").write_bytes(gzip.decompress(archive(inner=b"x" * 9000))[:3000])
    (tmp_path / "e").symlink_to("/etc/passwd")
    made = collect(sources(str(tmp_path)), {}, FILES.__setitem__)
    states = cells(made)
    assert {name: state for name, state in states.items() if state != "unknown"} == {
        "one on H100": "works", "one on NVIDIA L4": "fails", "rotated on H100": "works",
    }  # fmt: skip
    said = "\n".join(told(made))
    assert f"{tmp_path}/b.tgz:link: it is not a file." in said
    assert f"{tmp_path}/c.tgz: it is damaged (" in said
    assert f"{tmp_path}/g.log.gz: it is damaged (" in said
    assert f"{tmp_path}/h.tar: it is damaged (" in said
    assert f"{tmp_path}/d.frame.part: one on H100 (node n1): it began and did not end" in said
    assert f"{tmp_path}/e: it is a link, and links are not followed." in said


def test_what_was_collected_before_is_not_collected_again(tmp_path: Path) -> None:
    for folder in ("logs", "fleet-reports"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.json").write_text(to_json([GOOD]))
    found = [each.name for each in sources(str(tmp_path), tmp_path / "fleet-reports")]
    assert found == [str(tmp_path / "logs" / "a.json")]


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder or file"):
        list(sources(str(tmp_path / "x")))


def test_a_stack_of_any_name_makes_a_file_in_the_folder() -> None:
    taken(
        framed(wrote(replace(GOOD, stack="../../etc/passwd"))),
        framed(wrote(replace(GOOD, stack="")), index=0, node="n2"),
    )
    names = [*FILES]
    assert len(names) == 2
    assert all("/" not in name and not name.startswith(".") for name in names)
