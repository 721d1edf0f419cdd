"""A rendered Job's own commands, run in containers as its pod states: user, rights, mounts, variables."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.fleet.collect import collect
from stackcheck.fleet.collected import Collected, matrix_of
from stackcheck.fleet.render import k8s
from stackcheck.fleet.render.arrays import Wish, arrays
from stackcheck.fleet.render.pods import PodOptions
from stackcheck.fleet.sources import Source, sources
from stackcheck.guard import baking
from stackcheck.intake.stack import Stack
from stackcheck.steps.options import Options
from stackcheck.steps.probing import packed_agent
from tests.docker import starting
from tests.docker.starting import Ended, Starter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

pytestmark = pytest.mark.docker

REF = f"registry.example/made@sha256:{'1' * 64}"
STACKS = tuple(
    Stack.model_validate(
        {"id": name, "accelerator": "cuda", "gpus": ["L4"], "cuda": "12.4", "packages": packages}
    )
    for name, packages in (("other", {"torch": "2.4.0"}), ("made", {"torch": "2.5.0"}))
)


@pytest.fixture(scope="module")
def image(client: docker.DockerClient, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a baked image with a torch for 8.6 and 9.0."""
    tag, folder = starting.fresh_tag(), tmp_path_factory.mktemp("image")
    files = starting.stack_files(starting.fake_nvml(folder))
    plain = starting.build(client, base, files, "CMD []\n", tag)
    yield baking.bake(plain, None, baking.Wish(), Options(locks=folder), lambda _line: None).name
    for name in list(starting.images_of(client, tag)):
        client.images.remove(name, force=True)


class Cluster:
    """Runs the containers of a Job's pod as kubelet would, as far as an engine can."""

    def __init__(self, starter: Starter, folder: Path, pod: PodOptions) -> None:
        wish = Wish(images=dict.fromkeys(("made", "other"), REF), labels={}, start_check=True)
        self.objects = list(k8s.objects(arrays(STACKS, wish), packed_agent(), pod, k8s.JobOptions()))
        self.starter, self.folder, self.results = starter, folder / "files", folder / "results"
        for made, mode in ((self.folder, 0o755), (self.results, 0o777)):
            made.mkdir()
            made.chmod(mode)  # umask
        for each in self.objects:
            for name, text in each.get("data", {}).items():
                self._put(name, text.encode())
            for name, text in each.get("binaryData", {}).items():
                self._put(name, base64.b64decode(text))

    def _put(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)
        (self.folder / name).chmod(0o444)

    def run(self, kind: str, index: int, gpu: str) -> Ended:
        """Run a container of the pod of one index on a node with a GPU."""
        (job,) = (each for each in self.objects if each["kind"] == "Job")
        spec = job["spec"]["template"]["spec"]
        (container,) = spec["initContainers" if kind == "check" else "containers"]
        held, user = container["securityContext"], spec["securityContext"]
        assert held["readOnlyRootFilesystem"]
        assert not held["allowPrivilegeEscalation"]
        given = {row["name"]: row.get("value", "node-7") for row in container["env"]}
        places = {"/stackcheck": (self.folder, "ro"), "/results": (self.results, "rw")}
        mounts = {row["mountPath"] for row in container["volumeMounts"]}
        first, *words = container["command"]
        return self.starter.run(
            *words,
            entrypoint=[first],
            gpus=gpu,
            environment={**given, "JOB_COMPLETION_INDEX": str(index)},
            user=f"{user['runAsUser']}:{user['runAsGroup']}",
            read_only=True,
            cap_drop=held["capabilities"]["drop"],
            security_opt=["no-new-privileges"],
            tmpfs={"/tmp": "rw,exec,nosuid,nodev,mode=1777"},
            volumes={
                str(path): {"bind": at, "mode": how} for at, (path, how) in places.items() if at in mounts
            },
        )


@pytest.fixture
def starter(client: docker.DockerClient, image: str) -> Iterator[Starter]:
    made = Starter(client, image)
    yield made
    made.remove()


def cells(made: Collected) -> dict[tuple[str, str], Any]:
    matrix = matrix_of(made)
    return {
        (row.stack, host.gpu): cell
        for row in matrix.rows
        for host, cell in zip(matrix.hosts, row.cells, strict=True)
    }


def test_the_tasks_of_a_job_answer_by_their_logs_and_make_one_matrix(
    starter: Starter, tmp_path: Path
) -> None:
    cluster = Cluster(starter, tmp_path, PodOptions())
    log = b""
    for index in (0, 1):
        for kind in ("check", "task"):
            done = cluster.run(kind, index, "NVIDIA L4:8.9")
            assert (done.code, done.changes) == (0, ["/stackcheck"]), done  # where that is mounted
            log += "".join(f"[pod/x-{index}/{kind}] {line}\n" for line in done.out.splitlines()).encode()
    files: dict[str, str] = {}
    made = collect([Source("kubectl.log", log)], {each.id: each for each in STACKS}, files.__setitem__)
    assert made.problems == []
    assert {(ran.stack, ran.gpu, ran.node) for ran in made.ran} == {
        ("made", "L4", "node-7"), ("other", "L4", "node-7"),
    }  # fmt: skip
    reports = {ran.stack: ran.report for ran in made.ran}
    assert reports["made"] is not None
    assert reports["other"] is not None
    assert reports["made"].subject.name == REF
    # torch 2.5.0 is installed: a failure of the definition that says 2.4.0, and not of the other.
    codes = {name: report.failed_codes for name, report in reports.items() if report}
    assert "DIST301" in codes["other"] - codes["made"]
    assert cells(made)["other", "L4"].state == "fails"
    assert sorted(files) == ["made--l4--node-7.json", "other--l4--node-7.json"]


def test_answers_of_a_claim_are_files_and_a_node_with_another_gpu_is_told(
    starter: Starter, tmp_path: Path
) -> None:
    cluster = Cluster(starter, tmp_path, PodOptions(claim="results"))
    refused = cluster.run("check", 1, "Tesla T4:7.5")
    assert (refused.code, refused.out.strip()) == (2, ""), refused
    assert cluster.run("task", 0, "NVIDIA H100 80GB HBM3:9.0").code == 0
    made = collect(
        sources(str(cluster.results)), {each.id: each for each in STACKS}, lambda _name, _text: None
    )
    (problem,) = made.problems
    assert problem.why == "L4 was asked for, and the node has NVIDIA H100; it counts for what it has"
    found = cells(made)
    assert found["made", "L4"].cause.startswith("the start check: ")
    assert "no code for it" in found["made", "L4"].cause
    assert found["other", "NVIDIA H100"].state == "fails"
