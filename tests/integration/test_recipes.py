"""`stackcheck recipes` as its users have it, and the real Nix parser over what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcheck.report import FORMATS

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "tests" / "data" / "recipes" / "published"
FAMILY = "pytorch-python313-*"


def run(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", "recipes", *args],
        cwd=cwd,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `recipes render` writes."""
    folder = tmp_path_factory.mktemp("recipes") / "pkgs"
    done = run("render", "-o", str(folder))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"wrote 44 recipes to {folder}\n"
    return folder


def test_what_was_rendered_passes_the_check(rendered: Path) -> None:
    assert len(list(rendered.glob("pytorch-python313-cuda13_0-*.nix"))) == 40
    assert len(list(rendered.glob("pytorch-python313-cpu-*.nix"))) == 4
    done = run("check", str(rendered), "matrices/pytorch-variants.toml")
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert said.startswith(f"WARN {rendered}: 8 warnings, up to stated (definition and tables)")
    assert "44 recipes for 44 variants: 44 right" in done.stdout


def test_rendering_again_changes_nothing(rendered: Path) -> None:
    before = {path.name: path.read_bytes() for path in rendered.iterdir()}
    assert run("render", FAMILY, "-o", str(rendered), "--quiet").stderr == ""
    assert {path.name: path.read_bytes() for path in rendered.iterdir()} == before


def test_a_strict_check_minds_the_variants_that_serve_no_machine(rendered: Path) -> None:
    assert run("check", str(rendered), FAMILY, "--strict").returncode == 3


def test_the_published_folder_fails() -> None:
    done = run("check", str(PUBLISHED), "--format", "json")
    (report,) = json.loads(done.stdout)["reports"]
    assert done.returncode == 1
    assert report["summary"] == (
        "6 recipes for 44 variants: 1 right, 2 to write again, 3 to delete or rename, 41 missing"
    )
    codes = sorted({verdict["code"] for verdict in report["verdicts"] if verdict["outcome"] == "FAIL"})
    assert codes == [f"RECIPE{number}" for number in (101, 102, 103, 104, 105, 106, 110, 111, 112)]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_reports_the_folder(form: str) -> None:
    done = run("check", str(PUBLISHED), "--format", form)
    assert (done.returncode, done.stderr) == (1, "")
    assert "RECIPE104" in done.stdout


def test_one_recipe_goes_to_stdout() -> None:
    done = run("render", "pytorch-python313-cpu-avx2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "# torch 2.10.0 without a GPU, on CPUs with avx2: pytorch-python313-cpu-avx2\n"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("check", "nowhere"), "nowhere: there is no such file."),
        (
            ("check", "docs", "cpu-torch213"),
            "none of these stacks states a recipe; name a family with a [stack.recipe] table.",
        ),
    ],
)
def test_a_wrong_call_says_what_to_do(args: tuple[str, ...], message: str) -> None:
    done = run(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"stackcheck: error: {message}\n"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("render", "pytorch-python313-cpu-avx2", "-o", str(tmp_path / "file"))
    assert done.returncode == 3
    assert done.stderr == f"stackcheck: error: -o {tmp_path}/file: this cannot be written: File exists.\n"


def nix(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run nix-instantiate without a store: it works for any user, and builds nothing."""
    environ = {"NIX_REMOTE": "dummy://", "PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        ["nix-instantiate", *args], text=True, capture_output=True, check=False, timeout=60, env=environ
    )


def parse(path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return nix("--parse", str(path), home=home)


@pytest.mark.nix
def test_nix_parses_every_recipe_that_is_rendered(rendered: Path, tmp_path: Path) -> None:
    for path in sorted(rendered.iterdir()):
        done = parse(path, tmp_path)
        assert done.returncode == 0, f"{path.name}: {done.stderr}"
        assert "fetchTarball" in done.stdout


@pytest.mark.nix
def test_nix_parses_the_published_folder_too(tmp_path: Path) -> None:
    assert [path.name for path in sorted(PUBLISHED.iterdir()) if parse(path, tmp_path).returncode] == []


@pytest.mark.nix
@pytest.mark.parametrize(
    "text",
    [
        '{ a = "x ${b.c "y"} z"; b = \'\'\n ${"d"} \'\'${no} \'\'\'\n\'\'; }',
        "{ a = 1; /* b = */ c = f'' 2; } # }",
        '{ a = [ 1 "2" (x: x) ]; }}',
        '{ a = "x; }',
        "{ a = ''x'''; }",
        "{ a = [ 1; }",
        "{ a = 1; /* }",
    ],
)  # fmt: skip
def test_nix_and_stackcheck_agree_on_what_is_closed(text: str, tmp_path: Path) -> None:
    from stackcheck.variants.nixtext import read_nix  # noqa: PLC0415 - what is compared

    path = tmp_path / "x.nix"
    path.write_text("let f'' = x: x; b.c = x: x; in\n" + text)
    try:
        read_nix(path.read_text())
        read = True
    except ValueError:
        read = False
    assert read == (parse(path, tmp_path).returncode == 0)


@pytest.mark.nix
def test_a_rendered_recipe_evaluates_over_a_stand_in_for_nixpkgs(rendered: Path, tmp_path: Path) -> None:
    """Nix applies the overlays and overrides of the recipe to twenty lines that behave as nixpkgs does."""
    stand_in = tmp_path / "nixpkgs" / "default.nix"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    text = (rendered / "pytorch-python313-cuda13_0-sm90-avx512.nix").read_text()
    start, end = (
        text.index("(builtins.fetchTarball"),
        text.index("})", text.index("(builtins.fetchTarball")) + 2,
    )
    recipe = tmp_path / "recipe.nix"
    recipe.write_text(text[:start] + str(stand_in.parent) + text[end:])
    shown = 'removeAttrs (import %s { system = "x86_64-linux"; }) [ "override" "overrideAttrs" ]'
    done = nix("--eval", "--strict", "--json", "-E", shown % recipe, home=tmp_path)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["pname"], seen["version"]) == ("pytorch210-python313-cuda13_0-sm90-avx512", "2.10.0")
    assert (seen["cudaSupport"], seen["gpuTargets"], seen["cuda"]) == (True, ["9.0"], "13")
    assert seen["meta"]["platforms"] == ["x86_64-linux"]
    assert seen["src"]["rev"] == "v2.10.0"
    assert "export PYTORCH_BUILD_VERSION=2.10.0\n" in seen["preConfigure"]
    assert '-mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma $CFLAGS"' in seen["preConfigure"]
    assert "/cccl/include/$part" in seen["preConfigure"]
    assert """echo 'include("${CMAKE_ROOT}/Modules/FindCUDAToolkit.cmake")' >""" in seen["postPatch"]


STAND_IN = """
{ system, config ? { }, overlays ? [ ] }:
let
  fix = f: let x = f x; in x;
  overridable = make: arguments: make arguments // {
    override = more: overridable make (arguments // more);
    overrideAttrs = f: overridable (given: let before = make given; in before // f before) arguments;
  };
  base = self: {
    inherit system config;
    lib.concatStringsSep = builtins.concatStringsSep;
    cudaPackages = { major = "12"; cuda_cccl = "/cccl"; };
    cudaPackages_13 = { major = "13"; cuda_cccl = "/cccl"; };
    fetchpatch = x: x;
    fetchFromGitHub = x: x;
    magma = overridable (_: { patches = [ ]; }) { };
    python3Packages = scope self (final: prev: { });
  };
  torch = self: { cudaSupport ? false, gpuTargets ? [ ] }: {
    inherit cudaSupport gpuTargets;
    cuda = self.cudaPackages.major;
    pname = "torch"; version = "2.9.1"; meta = { };
  };
  scope = self: overrides:
    let plain = { torch = overridable (torch self) { }; };
    in fix (final: plain // overrides final plain) // { override = more: scope self more.overrides; };
  stack = before: overlay: self: let prev = before self; in prev // overlay self prev;
  all = builtins.foldl' stack base overlays;
in fix all
"""
