"""The entrypoint against a real NVIDIA driver and device: healthy, and refusing with code for another GPU.

Needs no torch: a package with real kernels of tests/data stands for the stack. With STACKCHECK_REPORTS=DIR
the two documents are kept there, with the driver and the device in them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import knowledge, rules
from stackcheck.guard import expectation, startarchive
from stackcheck.intake.stack import Stack
from stackcheck.probing import agent
from stackcheck.probing.observation import parse_observation, seen_facts
from stackcheck_probes.machine import nvml

if TYPE_CHECKING:
    from stackcheck_probes.facts.machine import Nvml

pytestmark = pytest.mark.gpu

PYTHON = sys.executable
DATA = Path(__file__).parents[1] / "data/gpucode"
HERE, OTHER = "rdc.so", "sm_120.cubin"  # sm_86 and sm_90; sm_120 alone


@pytest.fixture(scope="module")
def device() -> Nvml:
    facts = nvml.read()
    assert facts["error"] is None, f"--gpu was given, and NVML says: {facts['error']}"
    capability = str(facts["devices"][0]["capability"])
    if capability.partition(".")[0] not in {"8", "9"}:
        pytest.skip(f"the kernels of this test are for 8.6 and 9.0, this device is {capability}")
    return facts


def bake(folder: Path, kernels: str, gpu: str) -> list[str]:
    """Lay out an environment with one library of GPU code, bake it; return the entrypoint's command."""
    site = folder / "site-packages"
    (site / "torch/lib").mkdir(parents=True)
    (site / "torch/__init__.py").touch()
    (site / "torch/version.py").write_text("__version__ = '2.5.0+cu124'\ncuda = '12.4'\nhip = None\n")
    (site / "torch-2.5.0+cu124.dist-info").mkdir()
    (site / "torch-2.5.0+cu124.dist-info/METADATA").write_text("Name: torch\nVersion: 2.5.0+cu124\n")
    shutil.copyfile(DATA / kernels, site / "torch/lib/libtorch_cuda.so")
    (folder / "agent.pyz").write_bytes(agent.pack())
    sys_path = {"sys_path": [str(site)]}
    roots = {"roots": [str(site)]}
    params = {"interpreter": {**sys_path, "site_packages": [str(site)]}, "distributions": sys_path}
    params |= dict.fromkeys(("libraries", "loading", "stamps"), roots)
    request = {"probes": list(expectation.PROBES), "params": params}
    done = subprocess.run(
        [PYTHON, folder / "agent.pyz", json.dumps(request)], capture_output=True, check=True, timeout=120
    )
    rules.load_all()
    stack = Stack.model_validate(
        {"id": f"for-{gpu.lower().replace(' ', '-')}", "accelerator": "cuda", "gpus": [gpu]}
    )
    document = expectation.expectation(
        stack,
        knowledge.load(),
        {},
        seen_facts(parse_observation(done.stdout)),
        made="",
        image_env={"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")},
    )
    (folder / "expectation.json").write_bytes(expectation.render(document | {"headers": False}))
    (folder / "stackcheck.pyz").write_bytes(startarchive.pack())
    return [PYTHON, *startarchive.FLAGS, str(folder / "stackcheck.pyz"), "entrypoint"]


def start(entry: list[str], *words: str, **environ: str) -> tuple[int, str, dict[str, Any]]:
    """Run the entrypoint; return exit code, the command's output, and its document."""
    done = subprocess.run(
        [*entry, "--", *words],
        env={**os.environ, "STACKCHECK_FORMAT": "json", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, json.loads(done.stderr.splitlines()[0])


def keep(name: str, document: dict[str, Any], device: dict[str, Any]) -> None:
    """Keep a document beside what NVML said, where STACKCHECK_REPORTS names a folder; UUIDs stay here."""
    folder = os.environ.get("STACKCHECK_REPORTS")
    if folder:
        gpus = [
            {key: row.get(key) for key in ("index", "name", "capability", "mig")} for row in device["devices"]
        ]
        machine = {"driver": device["driver"], "cuda": device["cuda"], "gpus": gpus}
        text = json.dumps({"machine": machine, **document}, indent=2)
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, f"entrypoint-{name}.json").write_text(f"{text}\n")


def test_healthy_on_the_real_driver_and_device(device: dict[str, Any], tmp_path: Path) -> None:
    entry = bake(tmp_path, HERE, "H200")
    code, said, document = start(entry, "echo", "running")
    keep("healthy", document, device)
    failures = [each for each in document["causes"] if each["outcome"] in {"FAIL", "ERROR"}]
    assert failures == []
    assert (code, said, document["answer"]) == (0, "running\n", "healthy")
    assert "no-gpu" not in {each["kind"] for each in document["causes"]}


def test_an_expectation_for_another_gpu_is_refused(device: dict[str, Any], tmp_path: Path) -> None:
    entry = bake(tmp_path, OTHER, "RTX 5090")
    code, said, document = start(entry, "echo", "running")
    keep("other-gpu", document, device)
    assert (code, said, document["answer"]) == (1, "", "misconfigured")
    first = device["devices"][0]
    (cause,) = [each for each in document["causes"] if each["outcome"] == "FAIL"]
    assert cause["kind"] == "gpu-code"
    assert cause["message"].endswith(
        f"{first['name']} ({first['capability']}): torch/lib/libtorch_cuda.so has no code for it: "
        f"no image for {first['capability']}; it holds sm_120"
    )
    assert start(entry, "echo", "running", STACKCHECK_POLICY="warn")[:2] == (0, "running\n")


def test_a_device_that_does_not_exist_is_refused(device: dict[str, Any], tmp_path: Path) -> None:
    number = len(device["devices"])
    code, _, document = start(bake(tmp_path, HERE, "H200"), "true", CUDA_VISIBLE_DEVICES=str(number))
    assert code == 1
    assert document["causes"][0]["message"] == (
        f"CUDA_VISIBLE_DEVICES='{number}' hides every device: it names {number}, and there "
        f"{'is 1 device' if number == 1 else f'are {number} devices'}."
    )


@pytest.mark.parametrize("value", ["GPU-deadbeef", "0,0", "", "-1"])
@pytest.mark.usefixtures("device")
def test_a_value_that_hides_every_device_is_refused(tmp_path: Path, value: str) -> None:
    code, _, document = start(bake(tmp_path, HERE, "H200"), "true", CUDA_VISIBLE_DEVICES=value)
    assert (code, document["causes"][0]["kind"]) == (1, "devices")
    assert "hides every device" in document["causes"][0]["message"]


def test_a_value_that_stops_early_says_what_is_left(device: Nvml, tmp_path: Path) -> None:
    if len(device["devices"]) < 2:
        pytest.skip("this needs two GPUs")
    code, _, document = start(bake(tmp_path, HERE, "H200"), "true", CUDA_VISIBLE_DEVICES="0,99,1")
    assert code == 1
    assert f"leaves 1 of {len(device['devices'])} devices" in document["causes"][0]["message"]


def test_a_uuid_and_its_beginning_name_the_device(device: Nvml, tmp_path: Path) -> None:
    uuid = str(device["devices"][0]["uuid"])
    entry = bake(tmp_path, HERE, "H200")
    for value in (uuid, uuid[:12]):
        assert start(entry, "echo", "running", CUDA_VISIBLE_DEVICES=value)[:2] == (0, "running\n")
