"""Files that describe containers: compose, Kubernetes, dev containers, Cog, workflows; each container a stack."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackcheck.intake.project import Taken, take
from stackcheck.model.errors import UsageError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def taken(files: Mapping[str, str], *named: str, **given: Any) -> dict[str, Taken]:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return {each.stack.id: each for each in take([Path(name) for name in named or (".",)], given)}


def versions(each: Taken) -> dict[str, str]:
    return {name: package.version for name, package in each.stack.packages.items()}


def left(each: Taken) -> list[str]:
    return [f"{one.place}: {one.text}" for one in each.open]


pytestmark = pytest.mark.usefixtures("project")

DOCKERFILE = """FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS gpu
ARG TORCH=2.5.0
COPY requirements.txt .
RUN pip install torch==$TORCH -r requirements.txt
FROM debian
RUN pip install torch==1.0
"""
COMPOSE = """x-env: &env {TORCH_CUDA_ARCH_LIST: "8.0"}
services:
  db: {image: postgres:16}
  train:
    build:
      context: .
      dockerfile: docker/Dockerfile
      target: gpu
      args: {TORCH: 2.6.0}
    environment:
      <<: *env
    deploy: {resources: {reservations: {devices: [{driver: nvidia, capabilities: [gpu]}]}}}
  serve:
    image: vllm/vllm-openai:${TAG:-v0.6.0}
    gpus: all
"""


def test_a_service_is_the_dockerfile_as_it_is_built() -> None:
    files = {
        "docker-compose.yml": COMPOSE,
        "docker/Dockerfile": DOCKERFILE,
        "requirements.txt": "numpy==1.26.4\n",
    }
    found = taken(files)
    assert list(found) == ["app-train", "app-serve"]
    train, serve = found.values()
    assert versions(train) == {"torch": "2.6.0", "numpy": "1.26.4"}
    assert train.row["image"] == {
        "base": "nvidia/cuda:12.4.1-devel-ubuntu22.04", "target": "gpu", "context": "..", "dockerfile": "Dockerfile",
    }  # fmt: skip
    assert (train.stack.accelerator, train.stack.env) == ("cuda", {"TORCH_CUDA_ARCH_LIST": "8.0"})
    assert str(train.places["accelerator"]) == "docker-compose.yml:12"
    assert str(train.places["packages.torch"]) == "docker/Dockerfile:4"
    assert (serve.stack.image.ready, serve.stack.accelerator) == ("vllm/vllm-openai:v0.6.0", "cuda")
    assert left(serve) == [
        "docker-compose.yml:14: what the image vllm/vllm-openai:v0.6.0 holds was not looked at: its name does not say. "
        "`stackcheck inspect vllm/vllm-openai:v0.6.0` reads it where it is."
    ]


@pytest.mark.parametrize(
    ("asks", "accelerator"),
    [
        ("runtime: nvidia", "cuda"), ("gpus: all", "cuda"), ("devices: [/dev/kfd, /dev/dri]", "rocm"),
        ("deploy: {resources: {reservations: {devices: [{driver: amd, capabilities: [gpu]}]}}}", "rocm"),
        ("privileged: true", None),
    ],
)  # fmt: skip
def test_a_service_asks_for_gpus_in_many_ways(asks: str, accelerator: str | None) -> None:
    found = taken(
        {"compose.yaml": f"services:\n  a:\n    build: .\n    {asks}\n", "Dockerfile": "FROM debian\n"}
    )
    assert [each.stack.accelerator for each in found.values()] == [accelerator]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            "https://github.com/o/r.git",
            "compose.yaml:2: the context https://github.com/o/r.git of a is not a folder here",
        ),
        ("./gone", "compose.yaml:2: a: "),
        ("$DIR", "the context $DIR of a is not a folder here"),
    ],
)
def test_a_build_that_cannot_be_read_is_said(build: str, said: str) -> None:
    (each,) = taken({"compose.yaml": f"services: {{a: {{\n  build: '{build}', gpus: all}}}}\n"}).values()
    assert said in left(each)[0]


def test_services_of_one_image_are_one_stack() -> None:
    compose = "services:\n  api: {build: .}\n  worker: {build: .}\n"
    assert list(
        taken({"compose.yaml": compose, "Dockerfile": "FROM debian\nRUN pip install torch==2.5.0\n"})
    ) == ["app"]


MANIFEST = """apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB-SHARED}
      containers:
      - name: train
        image: pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime
        env: [{name: NCCL_DEBUG, value: INFO}, {name: SECRET, value: x}]
        resources:
          limits:
            nvidia.com/gpu: 1
      - {name: side, image: busybox}
"""


def test_a_container_that_asks_for_a_gpu_states_image_variables_and_gpus() -> None:
    (each,) = taken({"k8s/train.yaml": MANIFEST}).values()
    assert (each.stack.image.ready, each.stack.accelerator) == (
        "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime",
        "cuda",
    )
    assert ([gpu.name for gpu in each.stack.gpus], each.stack.env) == (
        ["NVIDIA-A100-SXM4-80GB"],
        {"NCCL_DEBUG": "INFO"},
    )
    assert (str(each.places["accelerator"]), str(each.places["image.ready"])) == (
        "k8s/train.yaml:13",
        "k8s/train.yaml:9",
    )
    assert each.open == ()


def test_a_manifest_beside_a_dockerfile_says_where_its_image_runs() -> None:
    files = {"Dockerfile": "FROM python:3.11\nRUN pip install torch==2.5.0\n", "run.yaml": MANIFEST}
    (each,) = taken(files, "Dockerfile", "run.yaml").values()
    assert (versions(each), each.stack.image.ready, len(each.stack.gpus)) == ({"torch": "2.5.0"}, None, 1)


def test_affinity_names_gpus_and_an_unknown_one_is_said() -> None:
    terms = "{key: nvidia.com/gpu.product, operator: In, values: [NVIDIA-L4, Frobnicator-9]}"
    affinity = "nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: ["
    pod = f"kind: Pod\napiVersion: v1\nspec:\n  affinity: {{{affinity}{terms}]}}]}}}}}}\n  containers:\n"
    pod += "  - {name: a, image: 'x:$TAG', resources: {requests: {amd.com/gpu: 2}}}\n"
    (each,) = taken({"pod.yaml": pod}, "pod.yaml").values()
    assert ([gpu.name for gpu in each.stack.gpus], each.stack.accelerator) == (["NVIDIA-L4"], "rocm")
    assert [text.partition(": ")[2] for text in left(each)] == [
        "the image x:$TAG holds a variable that is not known here.",
        "'Frobnicator-9' is not a GPU that is known, so it was not taken.",
    ]


def test_a_broken_manifest_of_a_folder_stops_no_other_file() -> None:
    found = taken({"k8s/chart.yaml": "a: {{ .Values.x }}\n  b: [\n", "requirements.txt": "torch==2.5.0\n"})
    assert versions(found["app"]) == {"torch": "2.5.0"}
    assert left(found["app"])[0].startswith("k8s/chart.yaml: k8s/chart.yaml:2: this is not YAML")


DEVCONTAINER = """{ // made by hand
  "build": {"dockerfile": "../Dockerfile", "context": "..", "args": {"V": "2.5.0"},},
  "hostRequirements": {"gpu": true},
  "containerEnv": {"NCCL_DEBUG": "INFO", "URL": "http://x"},
  "postCreateCommand": "pip install -r requirements.txt"
}"""


def test_a_dev_container_builds_its_dockerfile_and_installs_more() -> None:
    files = {
        ".devcontainer/devcontainer.json": DEVCONTAINER,
        "Dockerfile": "FROM python:3.11\nARG V\nRUN pip install torch==$V\n",
        "requirements.txt": "numpy==1.26.4\n",
    }
    (each,) = taken(files).values()
    assert versions(each) == {"torch": "2.5.0", "numpy": "1.26.4"}
    assert (each.stack.accelerator, each.stack.env) == ("cuda", {"NCCL_DEBUG": "INFO"})
    assert str(each.places["accelerator"]) == ".devcontainer/devcontainer.json:3"


def test_a_dev_container_without_gpu_or_torch_is_a_place_to_write_code_in() -> None:
    files = {".devcontainer/devcontainer.json": '{"image": "debian"}', "requirements.txt": "torch==2.5.0\n"}
    assert {name: versions(each) for name, each in taken(files).items()} == {"app": {"torch": "2.5.0"}}


COG = """build:
  gpu: true
  cuda: "11.8"
  python_version: 3.10
  python_packages:
    - torch==2.0.1
    - xformers==0.0.20
  run:
    - pip install flash-attn==2.3.0 --no-build-isolation
    - command: apt-get install -y git
predict: x.py
"""


def test_cog_takes_torch_from_the_index_of_its_cuda() -> None:
    (each,) = taken({"cog.yaml": COG}).values()
    assert versions(each) == {"torch": "2.0.1", "xformers": "0.0.20", "flash-attn": "2.3.0"}
    assert each.row["packages"]["torch"]["index"] == "https://download.pytorch.org/whl/cu118"
    assert (each.stack.python, each.stack.toolkit, each.stack.accelerator) == ("3.10", "11.8", "cuda")
    assert (str(each.places["packages.xformers"]), str(each.places["packages.flash-attn"])) == (
        "cog.yaml:7",
        "cog.yaml:9",
    )


WORKFLOW = """jobs:
  t:
    runs-on: ${{ matrix.os }}
    strategy:
      matrix:
        os: [ubuntu-latest, windows-latest]
        python: ["3.10", "3.11"]
        torch: [2.5.0, 2.6.0]
        exclude: [{python: "3.10", torch: 2.6.0}]
        include: [{torch: 2.6.0, vision: 0.21.0}, {torch: 2.5.0, vision: 0.20.0}]
    steps:
      - uses: actions/setup-python@v5
        with: {python-version: "${{ matrix.python }}"}
      - run: |
          pip install torch==${{ matrix.torch }} torchvision==${{ matrix.vision }}
      - if: matrix.torch == '2.6.0'
        run: pip install numpy==2.1.0
"""


def test_each_combination_of_a_matrix_on_linux_is_a_stack() -> None:
    found = taken({".github/workflows/test.yml": WORKFLOW})
    assert {(each.stack.python, *versions(each).items()) for each in found.values()} == {
        ("3.10", ("torch", "2.5.0"), ("torchvision", "0.20.0")),
        ("3.11", ("torch", "2.5.0"), ("torchvision", "0.20.0")),
        ("3.11", ("torch", "2.6.0"), ("torchvision", "0.21.0"), ("numpy", "2.1.0")),
    }


def test_workflows_are_left_alone_where_the_project_states_torch() -> None:
    files = {".github/workflows/test.yml": WORKFLOW, "requirements.txt": "torch==2.5.0\n"}
    assert list(taken(files)) == ["app"]


def test_a_large_matrix_is_cut_and_that_is_said() -> None:
    axis = "[" + ",".join(map(str, range(500))) + "]"
    steps = "    steps:\n      - run: pip install torch==2.5.0 x==${{ matrix.c }}\n"
    text = f"jobs:\n  t:\n    strategy: {{matrix: {{a: {axis}, b: {axis}, c: {axis}}}}}\n{steps}"
    found = taken({".github/workflows/test.yml": text})
    assert len(found) == 64
    assert all("has more than 64 combinations" in " ".join(left(each)) for each in found.values())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("compose.yaml", "a: 1\n", "compose.yaml: this is not a compose file: it has no services"),
        ("compose.yaml", "services: [", "compose.yaml:2: this is not YAML"),
        (
            "compose.yaml",
            "services: {a: {image: redis}}",
            "nothing in this compose file installs torch or asks for a GPU",
        ),
        ("cog.yaml", "[]", "cog.yaml: this is not a cog.yaml: it has no build"),
        ("devcontainer.json", "[" * 100_000, "devcontainer.json:1: it is nested deeper than 100 levels"),
        ("devcontainer.json", "[]", "devcontainer.json: this is not a devcontainer.json: it holds no object"),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\n", "nothing in this Kubernetes manifest installs torch"),
        ("workflow.yml", "jobs:\n", "workflow.yml: this is not a workflow: it has no jobs"),
    ],
)
def test_a_named_file_that_says_nothing_is_one_sentence(name: str, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        taken({name: text}, name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services: {a: 1, b: {build: {context: [1], args: [1, {a: b}], target: {}}, environment: 7, deploy: [], gpus: {}}}"),
        ("k8s/a.yaml", "kind: Pod\nspec: {nodeSelector: [], affinity: {nodeAffinity: 3}, containers: [1, {resources: {limits: {nvidia.com/gpu: {}}}, env: {a: b}, image: []}]}"),
        ("cog.yaml", "build: {gpu: [], cuda: {}, python_packages: {a: b}, run: [1, [], {command: []}], python_requirements: []}"),
        (".github/workflows/a.yml", "jobs: {a: 1, b: {steps: [1, {run: [], with: 3}], strategy: {matrix: {a: [[1], {b: c}], include: 3, exclude: [1]}}, env: []}}"),
        (".devcontainer/devcontainer.json", '{"build": [], "image": 3, "runArgs": {}, "postCreateCommand": [1], "containerEnv": [], "dockerComposeFile": [3]}'),
    ],
)  # fmt: skip
def test_values_of_other_kinds_are_no_traceback(name: str, text: str) -> None:
    taken({name: text, "requirements.txt": "torch==2.5.0\n"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services: {a: {gpus: all, image: '" + "${a-" * 100_000 + "'}}"),
        ("devcontainer.json", "{}" + "/*" * 200_000),
        ("workflow.yml", "jobs: {a: {steps: [{run: '" + "install torch ${{ " * 50_000 + "'}]}}"),
        ("Dockerfile", "FROM debian\nRUN pip install '" + "$" * 300_000),
        ("Dockerfile", "FROM debian\nRUN " + "${a-" * 100_000),
        ("requirements.txt", "torch" + " " * 300_000 + "$\n"),
    ],
)
def test_what_is_made_to_be_slow_is_not(name: str, text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(UsageError):
        taken({name: text}, name)
    assert time.process_time() - start < 5


def test_what_a_pod_installs_when_it_starts_is_in_its_stack() -> None:
    text = (
        "kind: Job\nspec:\n  containers:\n    - name: train\n"
        "      image: pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime\n"
        "      command: [bash, -c]\n"
        "      args: ['pip install flash-attn==2.7.4.post1 && python train.py --install no']\n"
        "      resources: {limits: {nvidia.com/gpu: 1}}\n"
    )
    (each,) = taken({"k8s/train.yaml": text}).values()
    assert versions(each) == {"flash-attn": "2.7.4.post1"}
    assert str(each.places["packages.flash-attn"]) == "k8s/train.yaml:6"
