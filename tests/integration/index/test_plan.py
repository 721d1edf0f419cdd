"""`stackcheck plan` and `upgrade` with a real resolver and a local index in the place of PyPI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.index.server import IndexServer, make_sdist, make_wheel, status

if TYPE_CHECKING:
    from pathlib import Path

LINUX = "manylinux_2_28_x86_64"


def run(folder: Path, url: str, *args: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "STACKCHECK_CACHE": str(folder / "cache")}
    environ |= {"UV_CACHE_DIR": str(folder / "uv"), "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "2"}
    environ |= {"UV_DEFAULT_INDEX": url, "HTTPS_PROXY": "http://127.0.0.1:9"}  # nothing beyond this machine
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", *args, "-q"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def pypi(server: IndexServer) -> str:
    for version in ("2.7.1", "2.8.0"):
        server.add(
            "main", *(make_wheel("torch", version, tag=f"{p}-{p}-{LINUX}") for p in ("cp312", "cp313"))
        )
    server.add(
        "main",
        make_wheel("torchvision", "0.23.0", "torch==2.8.0", tag=f"cp312-cp312-{LINUX}"),
        make_wheel("torchvision", "0.22.1", "torch==2.7.1", tag=f"cp312-cp312-{LINUX}"),
        make_wheel("alpha", "1.0", "torch>=2.7"),
        make_wheel("alpha", "2.0", "torch>=2.9"),
        make_wheel("only312", "1.0", tag=f"cp312-cp312-{LINUX}"),
        make_sdist("only312", "1.0"),
        make_sdist("kernels", "3.1"),
    )
    return server.simple("main")


def data(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_package_is_pinned_with_the_file_that_serves_it(pypi: str, tmp_path: Path) -> None:
    done = run(tmp_path, pypi, "plan", "torch==2.8", "python==3.12", "--with", "alpha,torchvision")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == (
        "plan: torch 2.8.0, Python 3.12, linux/amd64 (proven by the rules and by resolving it)"
    )
    assert 'alpha = "1.0"  # alpha-1.0-py3-none-any.whl; taken by the resolver' in done.stdout
    made = data(run(tmp_path, pypi, "plan", "torch==2.8", "python==3.12", "alpha", "--format", "json"))
    assert (made["found"], made["proven"], made["left_out"]) == (True, True, [])
    assert [(each["name"], each["version"], each["file"]) for each in made["packages"]] == [
        ("torch", "2.8.0", f"torch-2.8.0-cp312-cp312-{LINUX}.whl"),
        ("alpha", "1.0", "alpha-1.0-py3-none-any.whl"),
    ]
    assert {each["from"].rstrip("/") for each in made["packages"]} == {pypi.rstrip("/")}


def test_another_python_comes_before_a_source_build(pypi: str, tmp_path: Path) -> None:
    made = data(run(tmp_path, pypi, "plan", "torch==2.8", "only312", "--format", "json"))
    assert (made["proven"], made["python"]) == (True, "3.12")
    assert [each["path"] for each in made["changes"]] == [["python"]]
    (reason,) = made["changes"][0]["needed_for"]
    assert "only312 1.0 would be built from source: it has wheels, and none for Python 3.13." in reason


def test_what_has_no_wheel_is_built_from_source_and_that_is_said(pypi: str, tmp_path: Path) -> None:
    done = run(tmp_path, pypi, "plan", "torch==2.8", "kernels", "--gpu", "L4", "--format", "json")
    made = data(done)
    assert made["proven"]
    assert made["gave_way"] == ["kernels 3.1 is built from source: it has no wheel that fits."]
    assert [each["file"] for each in made["packages"] if each["built"]] == ["kernels-3.1.tar.gz"]
    assert done.returncode == 0


def test_with_no_build_what_has_no_wheel_fits_nowhere(pypi: str, tmp_path: Path) -> None:
    done = run(tmp_path, pypi, "plan", "torch==2.8", "kernels", "python==3.12", "--no-build")
    assert done.returncode == 1
    assert "kernels" in done.stdout.splitlines()[0]
    assert "nothing was found that fits" in done.stdout.splitlines()[0]


def test_wishes_that_exclude_each_other_write_no_file(pypi: str, tmp_path: Path) -> None:
    target = tmp_path / "plan.toml"
    done = run(tmp_path, pypi, "plan", "torch==2.8", "--python", "3.14", "-o", str(target))
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "FAIL  plan: nothing was found that fits: python==3.14 and torch==2.8 exclude each other"
    )
    assert "Without python==3.14, by the rules\n      python: 3.14 -> 3.13" in done.stdout
    assert not target.exists()


def test_a_package_that_no_index_has_cannot_be_had(pypi: str, tmp_path: Path) -> None:
    done = run(tmp_path, pypi, "plan", "torch==2.8", "python==3.12", "nowhere")
    assert done.stdout.splitlines()[0] == "FAIL  plan: nothing was found that fits: nowhere cannot be had"
    assert done.returncode == 1


def test_an_index_that_does_not_answer_proves_nothing(server: IndexServer, pypi: str, tmp_path: Path) -> None:
    server.faults = {"/main/simple/alpha/": status(503)}
    done = run(tmp_path, pypi, "plan", "torch==2.8", "python==3.12", "alpha", "--format", "json")
    made = data(done)
    assert done.returncode == 3
    assert made["proven"] is False


def test_the_definition_and_the_requirements_stand(pypi: str, tmp_path: Path) -> None:
    words = ("plan", "torch==2.8", "python==3.12", "alpha", "-o")
    assert run(tmp_path, pypi, *words, "made.toml").returncode == 0
    checked = run(tmp_path, pypi, "check", "made.toml")
    assert checked.stdout.startswith("PASS  made:")
    assert run(tmp_path, pypi, *words, "requirements.txt").returncode == 0
    lines = (tmp_path / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [each for each in lines if not each.startswith("#")] == ["torch==2.8.0", "alpha==1.0"]


def test_an_upgrade_is_a_diff_of_the_file_and_is_written(pypi: str, tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("# ours\ntorch==2.7.1\ntorchvision==0.22.1  # with it\nalpha==1.0\n", encoding="utf-8")
    words = ("upgrade", "requirements.txt", "--to", "torch==2.8", "--python", "3.12")
    done = run(tmp_path, pypi, *words, "--format", "diff")
    assert done.returncode == 0, done.stderr
    assert [each for each in done.stdout.splitlines() if each[0] in "+-"] == [
        "--- a/requirements.txt",
        "+++ b/requirements.txt",
        "-torch==2.7.1",
        "-torchvision==0.22.1  # with it",
        "+torch==2.8.0",
        "+torchvision==0.23.0  # with it",
    ]
    assert run(tmp_path, pypi, *words, "--write").returncode == 0
    assert file.read_text(encoding="utf-8").splitlines()[1:3] == [
        "torch==2.8.0",
        "torchvision==0.23.0  # with it",
    ]
    again = run(tmp_path, pypi, *words)
    assert "nothing to change" in again.stdout


def test_an_upgrade_that_nothing_serves_says_what_is_in_the_way(pypi: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.7.1\nalpha==2.0\n", encoding="utf-8")
    done = run(
        tmp_path, pypi, "upgrade", "requirements.txt", "--to", "torch==2.8,alpha==2.0", "--python", "3.12"
    )
    assert done.returncode == 1
    assert "alpha==2.0" in done.stdout


def test_with_bytes_the_files_of_the_wheels_are_judged(pypi: str, tmp_path: Path) -> None:
    done = run(tmp_path, pypi, "plan", "python==3.12", "alpha", "torch==2.8", "--bytes", "--format", "json")
    made = data(done)
    assert made["proven"], done.stdout
    assert {each["level"] for each in made["packages"]} == {"bytes"}


def test_a_file_that_is_there_is_not_replaced_without_force(pypi: str, tmp_path: Path) -> None:
    target = tmp_path / "made.toml"
    target.write_text("# mine\n", encoding="utf-8")
    words = ("plan", "torch==2.8", "python==3.12", "-o", "made.toml")
    done = run(tmp_path, pypi, *words)
    assert (done.returncode, target.read_text(encoding="utf-8")) == (2, "# mine\n")
    assert "made.toml is there already: name another file, or add --force." in done.stderr
    assert run(tmp_path, pypi, *words, "--force").returncode == 0
    assert 'id = "made"' in target.read_text(encoding="utf-8")


def test_when_the_time_is_over_nothing_is_said_to_fit_or_not_to(pypi: str, tmp_path: Path) -> None:
    done = run(tmp_path, pypi, "plan", "torch==2.8", "alpha", "--timeout", "0")
    assert done.returncode == 3
    assert "nothing fits" not in done.stdout
