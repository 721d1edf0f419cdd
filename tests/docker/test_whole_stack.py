"""The main job on the real thing: cuda124-torch25-py311 locked, built and probed, then broken in every way.

The image is 6 GB and comes from the real package index. Each broken image is the good one with one change.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck import pipeline, targets
from stackcheck.intake import catalog
from stackcheck.model.verdict import Outcome
from stackcheck.steps.resolution import locked, resolved
from stackcheck.targets import BuildOptions
from stackcheck.wheels import exports
from stackcheck.wheels.fits import judge, wheel_subject
from stackcheck.wheels.read import read_wheel
from tools import real_loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import docker

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.model.verdict import Verdict

pytestmark = [pytest.mark.docker, pytest.mark.online, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
BASE = os.environ.get("STACKCHECK_TEST_BASE", "stackcheck-test-base:bookworm")
CA = os.environ.get("SSL_CERT_FILE", "")
SITE = "/opt/venv/lib/python3.11/site-packages"
GPU_CODES = {
    "DRIVER301",
    "SMOKE401",
    "SPCONV401",
    "SPCONV402",
    "TORCH401",
    "TORCH402",
    "TORCH403",
    "TORCH404",
    "TORCH405",
    "TORCH406",
    "VISION401",
}
"""What a machine without a GPU cannot check."""


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest.fixture(scope="module")
def stack() -> Stack:
    (found,) = catalog.find(["cuda124-torch25-py311"], [ROOT / "matrices"])
    return found


@pytest.fixture(scope="module")
def options(base: str, tmp_path_factory: pytest.TempPathFactory) -> pipeline.Options:
    ca_file = Path(CA) if CA else None
    build = BuildOptions(base=base, ca_file=ca_file, cache=tmp_path_factory.mktemp("cache"))
    return pipeline.Options(engine="docker", build=build, locks=ROOT / "locks")


@pytest.fixture(scope="module")
def whole(stack: Stack, options: pipeline.Options, client: docker.DockerClient) -> Iterator[Report]:
    """Return the report of the whole job; remove the image unless it was there before."""
    before = {image.id for image in client.images.list()}
    report = pipeline.verify(stack, options, tell)
    yield report
    if report.subject.digest and report.subject.digest not in before:
        client.images.remove(report.subject.digest, force=True)


def with_outcome(report: Report, outcome: Outcome) -> list[Verdict]:
    return [verdict for verdict in report.counted if verdict.outcome is outcome]


def test_the_good_stack_passes_and_says_what_needs_a_gpu(whole: Report) -> None:
    assert [
        v.message for o in (Outcome.FAIL, Outcome.ERROR, Outcome.WARN) for v in with_outcome(whole, o)
    ] == []
    skipped = {v.code: v.message for v in whole.verdicts if v.outcome is Outcome.SKIP}
    assert skipped.keys() == GPU_CODES
    assert all("GPU" in message or "driver" in message for message in skipped.values())
    assert whole.exit_code() == 0
    passed = {v.code for v in with_outcome(whole, Outcome.PASS)}
    assert {
        "BUILD301",
        "PROBE302",
        "LOAD303",
        "TORCH301",
        "VISION301",
        "AUDIO301",
        "PYG301",
        "SPCONV305",
    } <= passed


def test_an_unchanged_stack_builds_nothing(whole: Report, stack: Stack, options: pipeline.Options) -> None:
    engine = targets.choose("docker", tell, cache=options.build.cache)
    try:
        resolution = locked(stack, resolved(stack, options, tell), options, tell)["resolution"]
        target = engine.prepare(stack, resolution, options.build, tell)
    finally:
        engine.close()
    assert (target.id, target.built) == (whole.subject.digest, False)


def test_no_certificate_of_the_build_stays_in_the_image(whole: Report, client: docker.DockerClient) -> None:
    """The CA bundle is mounted for the build steps only: the image's own bundle is that of its base."""
    look = ["sha256sum", "/etc/ssl/certs/ca-certificates.crt"]
    sums = [
        client.containers.run(image, look, remove=True, network_disabled=True)
        for image in (whole.subject.digest, BASE)
    ]
    assert sums[0] == sums[1]
    history = client.images.get(whole.subject.digest).history()
    assert "BEGIN CERTIFICATE" not in " ".join(str(layer.get("CreatedBy", "")) for layer in history)


def test_every_library_loads_or_is_refused_as_predicted(whole: Report, client: docker.DockerClient) -> None:
    """The real loader, library by library, in the image itself."""
    script = "/look/tests/integration/compare_loader.py"
    mounts = {str(ROOT / name): {"bind": f"/look/{name}", "mode": "ro"} for name in ("tests", "probes")}
    said = client.containers.run(
        whole.subject.digest, ["python", "-B", script], remove=True, network_disabled=True, volumes=mounts
    )
    found = json.loads(said)
    assert (found["counts"]["false alarm"], found["counts"]["missed"]) == (0, 0)
    assert found["counts"]["loads as predicted"] > 80
    assert "torch/lib/libcaffe2_nvrtc.so: libcuda.so.1" in found["rows"]["refused as predicted"][0]


@pytest.fixture
def broken(
    whole: Report, stack: Stack, options: pipeline.Options, client: docker.DockerClient
) -> Iterator[Callable[..., Report]]:
    """Return a function that changes the good image by Dockerfile lines and probes the result."""
    made: list[str] = []

    def probe(*lines: str, files: Sequence[Path] = ()) -> Report:
        context = io.BytesIO()
        dockerfile = "\n".join([f"FROM {whole.subject.digest}", *lines]).encode()
        with tarfile.open(fileobj=context, mode="w") as archive:
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(dockerfile)
            archive.addfile(entry, io.BytesIO(dockerfile))
            for file in files:
                archive.add(file, file.name)
        context.seek(0)
        image, _ = client.images.build(fileobj=context, custom_context=True, rm=True, network_mode="none")
        made.append(str(image.id))
        changed = stack.model_copy(update={"image": stack.image.model_copy(update={"ready": image.id})})
        engine = targets.choose("docker", tell, cache=options.build.cache)
        try:
            return pipeline.probe(changed, engine, options, tell)
        finally:
            engine.close()

    yield probe
    for image_id in made:
        client.images.remove(image_id, force=True)


def fetched(folder: Path, *requirements: str) -> list[Path]:
    """Download wheels for the image's Python, without what they need."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"]
    for tag in (
        "manylinux_2_28_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux1_x86_64",
    ):
        command += ["--platform", tag]
    subprocess.run([*command, "--dest", str(folder), *requirements], check=True)
    return sorted(folder.glob("*.whl"))


def installed(wheels: Sequence[Path]) -> list[str]:
    names = " ".join(f"/tmp/wheels/{wheel.name}" for wheel in wheels)
    return [
        "COPY *.whl /tmp/wheels/",
        f"RUN /opt/venv/bin/python -m pip install --quiet --no-deps --no-index {names} && rm -r /tmp/wheels",
    ]


def failures(report: Report) -> dict[str, str]:
    return {verdict.code: verdict.message for verdict in with_outcome(report, Outcome.FAIL)}


LOAD = """
import ctypes, sys, torch
for path in sys.argv[1:]:
    try:
        ctypes.CDLL(path)
        print("loaded")
    except OSError as error:
        print(str(error).rpartition("undefined symbol: ")[2])
"""


def test_extensions_of_another_torch_fail_with_the_symbol_that_the_loader_names(
    broken: Callable[..., Report], client: docker.DockerClient, tmp_path: Path
) -> None:
    pins = ("torchvision==0.21.0", "torchaudio==2.6.0", "xformers==0.0.29.post3")
    wheels = fetched(tmp_path, *pins)
    report = broken(*installed(wheels), files=wheels)
    found = failures(report)
    assert "nms" in found["VISION301"]
    assert {"DIST301", "AUDIO301"} <= found.keys()
    predicted = {
        verdict.message.split()[0]: verdict.evidence[0].what
        for verdict in with_outcome(report, Outcome.FAIL)
        if verdict.code == "LOAD303"
    }
    checked = [
        "torchvision/_C.so",
        "torchvision/image.so",
        "torchaudio/lib/libtorchaudio.so",
        "xformers/_C.so",
    ]
    paths = [f"{SITE}/{name}" for name in checked]
    said = client.containers.run(
        report.subject.digest, ["python", "-c", LOAD, *paths], remove=True, network_disabled=True
    )
    assert [predicted.get(name) for name in checked] == said.decode().splitlines()


SAMPLE = {
    "torchvision": ("0.20.0", "0.21.0"),
    "torchaudio": ("2.5.0", "2.6.0"),
    "torchrl": ("0.6.0", "0.7.0"),
}
"""Of each package a release that this torch can load, and one that it cannot: 30 MB of wheels together."""


def test_fits_predicts_what_the_loader_says_beside_this_torch(
    whole: Report, client: docker.DockerClient, tmp_path: Path
) -> None:
    """A sample of `reports/fits/real-loads.md`, which `tools/real_loads.py` makes of ten torches."""
    tables, torch = exports.read(), whole.resolution["torch"].partition("+")[0]
    (build,) = (each for each in tables.builds if (each.torch, each.platform) == (torch, "linux/amd64"))
    pins = [f"{name}=={version}" for name, versions in SAMPLE.items() for version in versions]
    found = []
    for pin in pins:
        (wheel,) = fetched(tmp_path / pin, pin)
        with wheel.open("rb") as file:
            facts = read_wheel(file)
        judged = judge(wheel_subject(facts), tables)
        fit = next(each for each in judged.fits if each.build.bit == build.bit)
        candidate = real_loads.Candidate(facts.name, facts.version, "", facts, judged, fit)
        folder = tmp_path / pin / "unpacked"
        shutil.unpack_archive(wheel, folder, "zip")
        command = ["python", "-c", real_loads.LOAD, json.dumps(real_loads.rows_of(candidate, Path("/wheel")))]
        mounts = {str(folder): {"bind": "/wheel", "mode": "ro"}}
        said = client.containers.run(
            whole.subject.digest, command, remove=True, network_disabled=True, volumes=mounts
        )
        words = {path.removeprefix("/wheel/"): words for path, words in json.loads(said).items()}
        found.append(real_loads.compared(candidate, build, words, tables))
    assert [row for row in found if not row["agree"] or not row["libraries"]] == []
    predicted = {f"{row['package']}=={row['version']}": row["predicted"] for row in found}
    assert predicted == dict(zip(pins, ["yes", "no"] * len(SAMPLE), strict=True))


def test_two_torches_on_the_path(broken: Callable[..., Report]) -> None:
    report = broken(
        "RUN mkdir -p /pytorch/torch && touch /pytorch/torch/__init__.py",
        "RUN echo \"__version__ = '2.4.0a0'\" > /pytorch/torch/version.py",
        "ENV PYTHONPATH=/pytorch",
    )
    assert "/pytorch" in failures(report)["PYTHON304"]


def test_removed_cumm_headers(broken: Callable[..., Report]) -> None:
    found = failures(broken(f"RUN rm -r {SITE}/cumm/include"))
    assert "cumm/include is gone" in found["CUMM301"]


def test_a_cpu_torch_where_cuda_was_asked(broken: Callable[..., Report]) -> None:
    """A CPU build says so in torch/version.py, which is where `torch.version.cuda` comes from."""
    report = broken(
        f"RUN sed -i \"s/^cuda: .*/cuda = None/; s/^cuda = '12.4'/cuda = None/\" {SITE}/torch/version.py"
    )
    assert "CUDA 12.4" in failures(report)["TORCH302"]


def test_a_package_over_the_files_of_another(broken: Callable[..., Report], tmp_path: Path) -> None:
    wheels = fetched(tmp_path, "spconv-cu121==2.3.8")
    found = failures(broken(*installed(wheels), files=wheels))
    assert "spconv" in " ".join(found.values())
    assert {"DIST305", "SPCONV302"} & found.keys()


def test_a_probe_that_segfaults_costs_itself_only(broken: Callable[..., Report]) -> None:
    report = broken(f"RUN echo 'import ctypes; ctypes.string_at(0)' > {SITE}/torchaudio/__init__.py")
    errors = with_outcome(report, Outcome.ERROR)
    assert [v.code for v in errors] == ["PROBE301"]
    assert "torchaudio_ops" in errors[0].message
    assert "SIGSEGV" in errors[0].message
    assert {"TORCH306", "VISION301", "SPCONV305"} <= {v.code for v in with_outcome(report, Outcome.PASS)}
    assert report.exit_code() == 3
