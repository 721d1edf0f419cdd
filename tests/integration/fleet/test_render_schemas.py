"""What is rendered, against the schemas of several versions of Kubernetes, and as it is called.

The schemas are those of the package kubernetes-validate (Apache-2.0), made of the OpenAPI of each release,
and strict: a key that a version does not know is an error. Kueue's and KubeRay's objects have none there,
and are golden files only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml

from stackcheck import cli
from tests.unit.fleet.render_cases import DOCUMENTS, REF

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ("1.31", "1.33", "1.35", "1.37")
CUSTOM = ("kueue.x-k8s.io/", "ray.io/")
DEFINITION = """\
[[stack]]
id = "small"
accelerator = "cpu"
[stack.probes]
want = ["system"]
"""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_objects_of_the_core_api_fit_the_schemas_of_every_version(name: str, version: str) -> None:
    checked = [each for each in DOCUMENTS[name]() if not each["apiVersion"].startswith(CUSTOM)]
    for document in checked:
        assert kubernetes_validate.validate(document, version, strict=True) == version
    assert checked or name == "ray.yaml"


@pytest.mark.parametrize("version", VERSIONS)
def test_pods_inside_of_custom_resources_fit_as_pods(version: str) -> None:
    (job,) = DOCUMENTS["ray.yaml"]()
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "x"},
            "spec": group["template"]["spec"],
        }
        kubernetes_validate.validate(pod, version, strict=True)


def test_the_validator_finds_what_is_wrong() -> None:
    job = next(each for each in DOCUMENTS["jobs.yaml"]() if each["kind"] == "Job")
    job["spec"]["template"]["spec"]["containers"][0]["rezources"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="rezources"):
        kubernetes_validate.validate(job, VERSIONS[0], strict=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "small.toml").write_text(DEFINITION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> int:
    return cli.main(["-q", "fleet", *words])


def test_every_form_is_written_by_a_call(here: Path) -> None:
    calls: dict[str, list[str]] = {
        "jobs": [
            IMAGE,
            "--gpu",
            "H100,T4",
            *["--kueue", "team", "--kueue-quota", "2", "--claim", "c", "--claim-size", "1Gi"],
        ],
        "drift": ["--as", "drift", "--runner", REF, "--project", "project"],
        "ray": ["--as", "ray", "--runner", REF, "--ray-version", "2.49.0", "--gpu", "H100", "--claim", "c"],
    }
    kinds: dict[str, list[str]] = {}
    for name, words in calls.items():
        assert call("render", "k8s", "small", *words, "-o", f"{name}.yaml") == 0
        with (here / f"{name}.yaml").open() as file:
            found: list[dict[str, Any]] = list(yaml.safe_load_all(file))
        kinds[name] = sorted(each["kind"] for each in found)
        for each in found:
            if not each["apiVersion"].startswith(CUSTOM):
                kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
    assert kinds == {
        "jobs": [
            "ClusterQueue", *["ConfigMap"] * 3, *["Job"] * 2, "LocalQueue", "PersistentVolumeClaim",
            *["ResourceFlavor"] * 5,
        ],
        "drift": ["ConfigMap", "ConfigMap", "CronJob"],
        "ray": ["RayJob"],
    }  # fmt: skip


IMAGE = f"--image=small={REF}"
WRONG = {
    "k8s small": "no image is named for small: say --image small=REGISTRY/NAME@sha256:DIGEST, or image.ready "
    "in the definition.",
    "k8s small --as drift": "--as drift needs --runner, an image of stackcheck, and --project, a claim.",
    "k8s small --as ray": "--as ray needs --runner, an image of stackcheck and Ray, and --ray-version.",
    "k8s small --image hunter2": "--image hunter2: give NAME=VALUE.",
    f"k8s small {IMAGE} --claim-size 1Gi": "--claim-size is for a claim: name it with --claim.",
    f"k8s small {IMAGE} --kueue-quota 1": "--kueue-quota is for the queues of Kueue: name the LocalQueue "
    "with --kueue.",
    "k8s small --secret-env A=hunter2": "--secret-env A=...: say the Secret and its key, as NAME=SECRET/KEY.",
    f"k8s small {IMAGE} --retries -1": "--retries -1: give a whole number from 0 on.",
    f"slurm small {IMAGE} -o matrices/small.toml": "-o matrices/small.toml: this is a file; name a folder.",
}


@pytest.mark.parametrize(("words", "said"), WRONG.items())
@pytest.mark.usefixtures("here")
def test_a_wrong_call_is_one_sentence(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("render", *words.split()) == 2
    assert capsys.readouterr().err == f"stackcheck: error: {said}\n"


@pytest.mark.usefixtures("here")
def test_nothing_that_came_back_is_said_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("collect", "matrices") == 3
    assert capsys.readouterr().err == (
        "stackcheck: error: matrices: no report and no frame of a task stands in it; `kubectl logs "
        "--selector app.kubernetes.io/name=stackcheck --all-containers --prefix --tail=-1` shows them.\n"
    )


def test_the_json_of_a_collection_is_a_matrix_with_what_is_not_whole(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "log").write_text("stackcheck-frame 1 0123456789abcdef close 3 " + "0" * 64)
    assert call("collect", "log", "--format", "json") == 3
    document = json.loads(capsys.readouterr().out)
    why = "the line that opens its frame is missing or damaged"
    assert document["problems"] == [{"source": "log", "subject": "a task", "why": why, "counts": True}]
    assert document["matrix"] == []
