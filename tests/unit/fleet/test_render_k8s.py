"""Manifests: golden, restricted, without secrets, and the same for every reader of YAML."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.fleet.render import k8s, queues, yamltext
from stackcheck.fleet.render.gpukinds import kind_of
from stackcheck.fleet.render.pods import PodOptions, toleration
from stackcheck.model.errors import UsageError
from stackcheck_probes.arraytask import SCHEMA_VERSION
from tests.unit.fleet.render_cases import (
    AGENT,
    DATA,
    DOCUMENTS,
    FULL,
    GOLDEN,
    JOB,
    OTHER,
    POD,
    REF,
    TWO,
    jobs,
    made,
    stack,
)
from tests.unit.report.report_cases import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_rendered_is_the_golden_file(name: str) -> None:
    written = (DATA / name).read_text(encoding="utf-8")
    assert GOLDEN[name]() == written, "if it is meant: python -m tests.unit.fleet.render_cases"


def pods_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "containers" in value:
            yield value
        for each in value.values():
            yield from pods_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from pods_in(each)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_pod_keeps_to_the_restricted_standard(name: str) -> None:
    pods = list(pods_in(DOCUMENTS[name]()))
    assert pods
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        kinds = {key for volume in pod["volumes"] for key in volume} - {"name"}
        assert kinds <= {"projected", "emptyDir", "persistentVolumeClaim"}
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            held = container["securityContext"]
            assert held["allowPrivilegeEscalation"] is False
            assert held["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]["limits"]) >= {"cpu", "memory", "ephemeral-storage"}
            assert "@sha256:" in container["image"]


def test_the_stacks_of_one_image_are_one_job_whose_index_says_which() -> None:
    found = [each for each in jobs() if each["kind"] == "Job"]
    assert [job["spec"]["completions"] for job in found] == [2, 2, 1, 1]
    tasks = json.loads(next(each for each in jobs() if "data" in each)["data"]["tasks.json"])
    assert (tasks["schema_version"], tasks["gpu"]) == (SCHEMA_VERSION, "H100")
    assert [task["stack"] for task in tasks["tasks"]] == ["one", "three"]
    assert "torch_build" in tasks["tasks"][0]["request"]["probes"]


def test_another_word_for_the_run_gives_other_objects_and_the_same_word_the_same() -> None:
    names = [made(stack(), run=word)[0].name for word in ("", "", "2026-11-30")]
    assert names[0] == names[1] != names[2]
    assert all(len(name) <= 52 for name in names), "a Job's name and its index make a host name of 63"


def test_a_secret_is_named_and_its_value_is_nowhere() -> None:
    (job,) = (each for each in k8s.objects(made(stack()), AGENT, FULL, JOB) if each["kind"] == "Job")
    env = job["spec"]["template"]["spec"]["containers"][0]["env"]
    secret = {"secretKeyRef": {"name": "index-login", "key": "password"}}
    assert env[-1] == {"name": "UV_INDEX_TEAM_PASSWORD", "valueFrom": secret}


def test_what_holds_a_credential_is_not_put_into_a_config_map() -> None:
    smoke = [{"name": "ask", "command": ["curl", "https://me:hunter2@e.org/"], "level": "run"}]
    found = made(stack(smoke=smoke))
    with pytest.raises(UsageError) as caught:
        list(k8s.objects(found, AGENT, POD, JOB))
    assert "hunter2" not in str(caught.value)
    assert str(caught.value) == (
        "the tasks for H100 hold a credential (of a URL, an option or a header), and whoever may read what is "
        "rendered could read it: take it from the environment (k8s: --secret-env)."
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1e3", '"1e3"'), ("0x1F", '"0x1F"'), ("yes", '"yes"'), ("on", '"on"'), ("1_000", '"1_000"'),
        ("2026-11-30", '"2026-11-30"'), ("~", '"~"'), ("null", '"null"'), ("12:30:00", '"12:30:00"'),
        ("=", '"="'), ("plain-word", "plain-word"), ("", '""'), ("a: b", '"a: b"'), ("# no", '"# no"'),
    ],
)  # fmt: skip
def test_a_text_that_a_reader_could_take_for_something_else_is_quoted(text: str, read: str) -> None:
    assert yamltext.dump([{"key": text}]) == f"---\nkey: {read}\n"


@given(st.text())
def test_every_text_comes_back_from_yaml_as_it_was(text: str) -> None:
    whole = text.encode("utf-8", "replace").decode("utf-8")  # YAML has no lone surrogates
    for each in (whole, f"{whole}\n" * 30):
        assert yaml.safe_load(yamltext.dump([{"key": each}])) == {"key": each}
        assert yamltext.dump([{"key": each}]).isascii()


def test_hostile_text_of_a_definition_stays_a_text() -> None:
    found = made(stack(image={"python": f"/opt/{HOSTILE}\nkind: Pod\n---\n"}))
    (job,) = (each for each in k8s.objects(found, AGENT, POD, JOB) if each["kind"] == "Job")
    assert list(yaml.safe_load_all(yamltext.dump([job]))) == [json.loads(json.dumps(job))]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (
            {"images": {"one": "app:latest"}},
            "--image one='app:latest': a tag may mean another image tomorrow",
        ),
        ({"images": {"one": "-x; rm"}}, "--image one='-x; rm': this is not a reference to an image"),
        ({"images": {}}, "no image is named for one: say --image one=REGISTRY/NAME@sha256:DIGEST"),
        ({"images": {"one": REF, "x": REF}}, "--image x=...: this stack is not among those"),
        ({"gpus": ["H1OO"]}, "--gpu H1OO: no GPU named 'H1OO' is known"),
        ({"gpus": ["RTX 4090"]}, "--gpu RTX 4090: how nodes that have it are labelled is not known."),
        ({"labels": {"H100": ["a b"]}}, "--label H100='a b': this is not a label value, such as NVIDIA-L4."),
        ({"gpus": []}, "one: it states no GPU; say --gpu H100,L4, or --gpu cpu."),
        ({"run": "a b"}, "--run 'a b': this is not a label value"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_what_to_do(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(stack(), **wish)
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("namespace", "A_B"), ("claim", "a b"), ("memory", "lots"), ("cpu", "1;2"), ("pull_secrets", ("a\nb",)),
        ("secrets", {"1X": ("a", "b")}), ("secrets", {"X": ("a b", "b")}), ("secrets", {"X": ("a", "b c")}),
    ],
)  # fmt: skip
def test_a_name_that_kubernetes_would_refuse_is_refused_here(field: str, value: Any) -> None:
    with pytest.raises(UsageError, match="this is not a"):
        PodOptions(**{field: value})


def test_tolerations_as_kubectl_writes_taints() -> None:
    assert toleration("team") == {"key": "team", "operator": "Exists"}
    assert toleration("team=vision") == {"key": "team", "operator": "Equal", "value": "vision"}
    with pytest.raises(UsageError, match=r"the effect is one of NoSchedule, PreferNoSchedule, NoExecute\."):
        toleration("team:Never")


def test_a_product_is_found_by_its_labels_and_a_capability_by_its_numbers() -> None:
    assert kind_of("T4", {}).labels == (("nvidia.com/gpu.product", ("Tesla-T4",)),)
    assert kind_of("RTX 4090", {"RTX 4090": ["NVIDIA-GeForce-RTX-4090"]}).labels[0][1] == (
        "NVIDIA-GeForce-RTX-4090",
    )
    assert kind_of("MI300X", {}).resource == "amd.com/gpu"
    assert dict(kind_of("9.0", {}).labels) == {
        "nvidia.com/gpu.compute.major": ("9",),
        "nvidia.com/gpu.compute.minor": ("0",),
    }


def test_the_cpu_asks_for_no_gpu() -> None:
    (_, _, job) = k8s.objects(made(stack(), gpus=["cpu"]), AGENT, POD, JOB)
    pod = job["spec"]["template"]["spec"]
    assert "affinity" not in pod
    assert set(pod["containers"][0]["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}


def test_a_quantity_is_multiplied_in_its_own_unit() -> None:
    assert [queues.times(text, 3) for text in ("4", "500m", "16Gi", "1.5Gi")] == [
        "12",
        "1500m",
        "48Gi",
        "4.5Gi",
    ]


def test_an_agent_that_no_config_map_holds_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"the agent takes 2,097,152 bytes, more than a ConfigMap has room for\."
    ):
        list(
            k8s.objects(
                made(*TWO, images=dict.fromkeys(("one", "two", "three"), OTHER)), bytes(2 << 20), POD, JOB
            )
        )


def test_the_commands_that_are_rendered_are_ones_that_stackcheck_takes() -> None:
    from stackcheck import cli  # noqa: PLC0415 - of another room

    tasks = json.loads(
        next(each for each in DOCUMENTS["drift.yaml"]() if "data" in each)["data"]["tasks.json"]
    )
    (job,) = DOCUMENTS["ray.yaml"]()
    calls = [*(task["command"] for task in tasks["tasks"]), shlex.split(job["spec"]["entrypoint"])]
    for program, *words in calls:
        assert program == "stackcheck"
        parser, commands = cli.make_parser([words[0]])
        cli.configure(words[0], commands[words[0]])
        parser.read(words)
