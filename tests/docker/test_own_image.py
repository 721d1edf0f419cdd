"""The image recipe of stackcheck itself: built, and run as any user over a folder that is read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BASE = os.environ.get("STACKCHECK_TEST_BASE", "python:3.12-slim")
CA = os.environ.get("SSL_CERT_FILE", "")
NAME, TRUSTING = "stackcheck-test-own", "stackcheck-test-own-base"

pytestmark = [pytest.mark.docker, pytest.mark.online]


def docker(*words: str | Path, **how: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, **how)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the recipe; behind a proxy of one's own on a base that trusts it."""
    folder, base = tmp_path_factory.mktemp("context"), BASE
    made: list[str] = []
    if CA:
        (folder / "base").mkdir()
        shutil.copy(CA, folder / "base" / "ca.pem")
        trusting = f"FROM {BASE}\nCOPY ca.pem /ca.pem\nENV PIP_CERT=/ca.pem SSL_CERT_FILE=/ca.pem\n"
        (folder / "base" / "Dockerfile").write_text(trusting)
        assert docker("build", "-q", "-t", TRUSTING, folder / "base").returncode == 0
        base, made = TRUSTING, [TRUSTING]
    for name in ("LICENSE", "README.md", "pyproject.toml", "matrices", "probes", "stackcheck", "container"):
        source, place = ROOT / name, folder / "tree" / name
        place.parent.mkdir(exist_ok=True)
        shutil.copytree(
            source, place, ignore=shutil.ignore_patterns("__pycache__")
        ) if source.is_dir() else shutil.copy(source, place)
    recipe = (
        "--network",
        "host",
        "--build-arg",
        f"BASE={base}",
        "-f",
        folder / "tree" / "container" / "Dockerfile",
    )
    made += [f"{NAME}-build"]
    docker(
        "build", "-q", "--target", "build", "-t", made[-1], *recipe, folder / "tree"
    )  # named, to be removed
    built = docker("build", "-q", "-t", NAME, *recipe, folder / "tree")
    try:
        assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
        yield NAME
    finally:
        for each in (NAME, *made):
            docker("rmi", "-f", each)


def test_it_judges_a_read_only_folder_as_nobody(image: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    )
    (tmp_path / "requirements.txt").write_text("torch==2.2.2\nnumpy==2.1.0\n")
    tmp_path.chmod(0o755)
    mount = ("--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "-v", f"{tmp_path}:/work:ro")
    done = docker("run", *mount, image, "check", ".", "--offline")
    assert (done.returncode, "FAIL  NUMPY101" in done.stdout) == (1, True), done.stdout + done.stderr
    assert "requirements.txt:2" in done.stdout
    user = docker("run", "--rm", "--entrypoint", "id", image, "-u").stdout.strip()
    assert user == "65534"
    assert docker("run", "--rm", image, "--version").stdout.startswith("stackcheck ")
