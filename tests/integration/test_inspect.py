"""`stackcheck inspect` as its users have it: real processes, exit codes, and what a wrong call is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.probes.test_hidden import library, spread

if TYPE_CHECKING:
    from subprocess import CompletedProcess

FATBINS = Path(__file__).parents[1] / "data" / "gpucode"
LIBRARY = str(FATBINS / "uneven.so")
"""sm_80 in two fatbins, sm_90a and compute_90 in one of them."""
STACK = '[[stack]]\nid = "good"\npython = "3.11"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(folder: Path, *args: str) -> CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", "inspect", *args],
        cwd=folder,
        env={**os.environ, "STACKCHECK_CACHE": str(folder / "cache"), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def document(folder: Path, *args: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(run(folder, *args, "--format", "json").stdout)
    return made


def test_a_library(folder: Path) -> None:
    done = run(folder, LIBRARY, "--gpu", "T4,H100")
    assert done.returncode == 1
    head, _, t4, h100, _, header, _, row, *rest = done.stdout.splitlines()
    assert head == f"FAIL  file {LIBRARY}: 1 library with GPU code; 0 other binaries"
    assert t4 == "T4 (7.5): NOT served: uneven.so."
    assert h100 == "H100 (9.0): served."
    assert header.split() == ["package", "libraries", "T4", "H100"]
    assert row.split() == ["uneven.so", "1", "no", "native*"]
    assert any(line.startswith("code ") for line in rest)
    assert run(folder, LIBRARY, "--gpu", "T4", "--gpu", "H100").stdout == done.stdout
    assert run(folder, LIBRARY).returncode == 0
    assert run(folder, LIBRARY, "--format", "md").stdout.count("\n| ") >= 2


def test_the_json_document(folder: Path) -> None:
    made = document(folder, LIBRARY, "--gpu", "A100,MI300X", "--sha256")
    assert made["schema_version"] == 2
    assert [(row["name"], row["target"], row["answer"]) for row in made["gpus"]] == [
        ("A100", "8.0", "served"),
        ("MI300X", "gfx942", "not served"),
    ]
    (library,) = made["libraries"]
    assert library["serves"]["A100"]["how"] == "native"
    assert (library["package"], library["version"], library["counts"]) == ("uneven.so", "", True)
    assert {row["code"] for row in library["targets"]} == {"sm_80", "sm_90a", "compute_90"}
    assert sum(row["unused_bytes"] for row in made["sizes"] if row["code"] != "sm_80") > 0
    assert library["sha256"] == made["target"]["sha256"]
    assert len(library["sha256"]) == 64


def test_a_gpu_of_another_maker_is_not_served(folder: Path) -> None:
    """`--gpu MI300X` ended with 0 on every target of CUDA code, and with --strict as well."""
    done = run(folder, LIBRARY, "--gpu", "MI300X")
    assert done.returncode == 1
    assert "\nMI300X (gfx942): served by nothing; the target has CUDA code only.\n" in done.stdout


def test_what_counts_for_the_exit_code(folder: Path) -> None:
    with zipfile.ZipFile(folder / "two-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(LIBRARY, "two/a.so")
        wheel.write(FATBINS / "sm_120.cubin", "two/k.so")
        wheel.writestr("two-1.0.dist-info/METADATA", "Name: two\nVersion: 1.0\n")
    name = "two-1.0-py3-none-any.whl"
    assert run(folder, name, "--gpu", "A100").returncode == 1
    ignored = run(folder, name, "--gpu", "A100", "--ignore", "*k.so", "--at-least", "native")
    assert ignored.returncode == 0
    assert "\nLeft out of the answer: two (k.so) (--ignore *k.so).\n" in ignored.stdout
    assert run(folder, name, "--gpu", "A10", "--ignore", "*k.so").returncode == 0
    weak = run(folder, name, "--gpu", "A10", "--ignore", "*k.so", "--at-least", "native")
    assert weak.returncode == 1
    assert "\nA10 (8.6): served, but less than native: two (a.so).\n" in weak.stdout
    assert run(folder, name, "--gpu", "A100", "--package", "two").returncode == 1
    assert document(folder, name, "--gpu", "A100")["libraries"][0]["version"] == "1.0"


def test_two_targets_are_compared(folder: Path) -> None:
    (folder / "old.cubin").write_bytes((FATBINS / "sm_86.cubin").read_bytes())
    (folder / "new.cubin").write_bytes((FATBINS / "sm_120.cubin").read_bytes())
    done = run(folder, "new.cubin", "--diff", "old.cubin", "--gpu", "RTX 5090")
    assert done.returncode == 0
    assert "\nCompared with file old.cubin: 0 lost, 1 changed, 0 gained, 0 same\n" in done.stdout
    assert "\nRTX 5090: not served before, served now; gained: new.cubin.\n" in done.stdout
    made = document(folder, "old.cubin", "--diff", "new.cubin", "--gpu", "RTX 5090")["diff"]
    assert made["against"] == {"kind": "file", "name": "new.cubin"}
    assert made["gpus"] == [{"name": "RTX 5090", "before": "served", "after": "not served"}]
    (folder / "empty").mkdir()
    assert run(folder, "new.cubin", "--diff", "empty").returncode == 3


def test_code_that_no_section_lists_is_not_told_until_it_is_looked_for(folder: Path) -> None:
    fatbin = (FATBINS / "compress-none.fatbin").read_bytes()
    (folder / "libnew.so.1").write_bytes(library(spread(fatbin, 300_000, 50_000)))
    said = run(folder, "libnew.so.1", "--gpu", "H100")
    assert said.returncode == 3
    assert "\nH100 (9.0): not told: libnew.so.1.\n" in said.stdout
    assert (
        "\n      libnew.so.1: hidden code: fatbins in .data that no section lists; use --deep.\n"
        in said.stdout
    )
    deep = run(folder, "libnew.so.1", "--gpu", "H100", "--deep")
    assert (deep.returncode, "\nH100 (9.0): served.\n" in deep.stdout) == (0, True)


def test_code_beside_what_is_listed_has_a_mark(folder: Path) -> None:
    """cuBLASLt keeps code in a section of its own."""
    content = Path(LIBRARY).read_bytes()
    (folder / "libnew.so").write_bytes(content.replace(b".note.gnu.build-id\0", b".cask_resource\0ild\0"))
    said = run(folder, "libnew.so", "--gpu", "H100").stdout
    assert " native*?\n" in said
    deep = run(folder, "libnew.so", "--gpu", "H100", "--deep").stdout
    assert (" native*\n" in deep, "?" in deep) == (True, False)


def test_code_that_is_not_linked_serves_nothing(folder: Path) -> None:
    done = run(folder, str(FATBINS / "lto.o"), "--gpu", "L4")
    assert done.returncode == 1
    assert "\nL4 (8.9): served by nothing; the code in it still has to be linked.\n" in done.stdout


def test_an_environment_says_whether_its_libraries_load(folder: Path) -> None:
    extension = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_socket.*.so")).read_bytes()
    site = folder / "site"
    (site / "torchvision").mkdir(parents=True)
    (site / "torchvision-0.20.0.dist-info").mkdir()
    (site / "torchvision-0.20.0.dist-info" / "INSTALLER").write_text("uv")
    (site / "torchvision-0.20.0.dist-info" / "RECORD").write_text("torchvision/_C.so,,\n")
    (site / "torchvision" / "_C.so").write_bytes(extension)
    good = run(folder, "site", "--details")
    assert good.returncode == 0
    assert "\nLoading: nothing stands against it.\n" in good.stdout
    assert "\n      all 1 libraries find what they need.\n" in good.stdout
    (site / "torchvision" / "_C.so").write_bytes(extension.replace(b"libc.so.6\0", b"libq.so.7\0"))
    bad = run(folder, "site")
    assert bad.returncode == 1
    assert "\nLoading: FAIL for torchvision 0.20.0.\n" in bad.stdout
    assert "\nFAIL  LOAD301  Every library finds the libraries that it needs\n" in bad.stdout
    assert "      torchvision/_C.so cannot be loaded: libq.so.7 is not there.\n" in bad.stdout
    made = document(folder, "site")
    assert [row["code"] for row in made["loading"] if row["outcome"] == "FAIL"] == ["LOAD301"]


def test_nothing_to_inspect_is_exit_code_3_and_progress_can_be_silenced(folder: Path) -> None:
    (folder / "empty").mkdir()
    done = run(folder, "empty")
    assert done.returncode == 3
    assert done.stdout == "NOTHING folder empty: nothing could be inspected, there is no binary in it\n"
    assert done.stderr == "reading empty\n"
    assert run(folder, "empty", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name one target: a path, NAME:TAG of an image, or --image IMAGE."),
        (
            ["no.so"],
            "no.so: there is no such file or folder (an image is named with its tag, or by --image).",
        ),
        (
            [".", "--gpu", "L5000"],
            (
                "--gpu: no GPU named 'L5000' is known; near names: NVIDIA T500, NVIDIA T1000, "
                "NVIDIA RTX A5000; a compute capability such as '8.9' works too."
            ),
        ),
        ([".", "--driver-cuda", "12"], "--driver-cuda: '12' is not a CUDA version such as 12.4."),
        ([".", "--stack", "good"], "--stack good states no GPUs; name them with --gpu."),
        (
            [".", "--at-least", "native"],
            "--at-least, --package and --ignore are about GPUs that count: name them with --gpu.",
        ),
        (
            [LIBRARY, "--gpu", "L4", "--package", "flash-attn"],
            "--package flash-attn: no library with GPU code belongs to it; such have: uneven.so.",
        ),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_says_what_to_do(folder: Path, args: list[str], message: str) -> None:
    (folder / "matrices").mkdir()
    (folder / "matrices" / "demo.toml").write_text(STACK, encoding="utf-8")
    done = run(folder, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"stackcheck: error: {message}"
