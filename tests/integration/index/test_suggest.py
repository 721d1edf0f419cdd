"""`stackcheck suggest` with a real resolver and a real index: what it refuses is repaired, or said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.index.server import IndexServer, make_sdist, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = """\
[[stack]]
id = "small"
python = "3.11"
platform = "linux/amd64"
glibc = "2.36"
index = {{ url = "{url}" }}

[stack.packages]
alpha = "1.0"
beta = "{beta}"      # what alpha needs
"""


def suggest(
    folder: Path, url: str, beta: str, *args: str, text: str = "", command: str = "suggest"
) -> subprocess.CompletedProcess[str]:
    (folder / "small.toml").write_text(text or DEFINITION.format(url=url, beta=beta), encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "STACKCHECK_CACHE": str(folder / "cache")}
    environ |= {"UV_CACHE_DIR": str(folder / "uv"), "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "2"}
    environ["HTTPS_PROXY"] = "http://127.0.0.1:9"  # no test asks an index beyond this machine
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", command, "small.toml", "-q", *args],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def serve(server: IndexServer, *betas: str) -> str:
    wheels = (make_wheel("beta", version) for version in betas)
    server.add("main", make_wheel("alpha", "1.0", "beta>=2,<3"), *wheels)
    return server.simple("main")


def test_pins_that_resolve_need_no_change(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "2.0"), "2.0")
    assert done.stdout == (
        "small: nothing to change: no rule fails (checked by the rules and by resolving it)\n"
    ), done.stderr
    assert done.returncode == 0


def test_pins_that_exclude_each_other_get_what_the_resolver_takes(
    server: IndexServer, tmp_path: Path
) -> None:
    done = suggest(tmp_path, serve(server, "1.0", "2.0", "2.1"), "1.0", "--format", "diff")
    assert done.stdout.splitlines()[-2:] == [
        '-beta = "1.0"      # what alpha needs',
        '+beta = "2.0"      # what alpha needs',
    ], done.stderr
    assert done.returncode == 0


def test_a_version_that_no_index_has_gets_one_that_is_there(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "2.0"), "2.7")
    assert done.stdout.splitlines()[0] == (
        "small: 1 change makes it good, the fewest of those known (proven by the rules and by resolving it)"
    )
    assert '    +beta = "2.0"      # what alpha needs' in done.stdout
    assert done.returncode == 0


def test_where_nothing_resolves_that_is_said(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "1.0"), "1.0")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("FAIL  small: no change was found that makes it good: ")
    assert lines[2] == "STILL FAILS"
    assert lines[3].startswith("      FAIL LOCK201: ")
    assert done.returncode == 1


def test_an_index_that_is_down_is_not_silence(tmp_path: Path) -> None:
    done = suggest(tmp_path, "http://127.0.0.1:9/simple", "2.0")
    assert done.stdout.splitlines()[0].startswith("small: nothing to change: no rule fails (checked by ")
    assert "whether the pins resolve could not be checked: " in done.stdout
    assert done.returncode == 3


def test_no_pre_release_is_suggested_and_no_source_where_builds_are_forbidden(
    server: IndexServer, tmp_path: Path
) -> None:
    server.add("main", make_sdist("beta", "2.0"))
    url = serve(server, "2.1.dev3")
    text = DEFINITION.format(url=url, beta="2.0").replace("glibc", 'source_builds = "forbid"\nglibc')
    done = suggest(tmp_path, url, "2.0", text=text)
    said = " ".join(done.stdout.split())
    assert "small: no change was found that makes it good: " in said, done.stderr
    assert "beta==2.0" in said or "beta 2.0" in said
    assert "the stack forbids source builds" in said
    assert "dev3 " not in said.partition("STILL FAILS")[0]
    assert done.returncode == 1


def test_what_pip_would_build_is_no_fail_and_is_said(server: IndexServer, tmp_path: Path) -> None:
    server.add("main", make_sdist("beta", "2.0"))
    done = suggest(tmp_path, serve(server, "0.1.dev1"), "2.0")
    said = " ".join(done.stdout.split())
    assert said.startswith(
        "small: nothing to change: no rule fails (checked by the rules and by resolving it)"
    )
    assert "WARN LOCK201: pip would build from source" in said
    assert 'from = "source"' in said
    assert done.returncode == 0


def test_a_smaller_step_of_two_packages_comes_before_a_major_step_down_of_one(
    server: IndexServer, tmp_path: Path
) -> None:
    """alpha 4.0 needs beta 2, which needs gamma 2; beta is pinned to 1, alpha 1.0 would take it."""
    server.add("main", make_wheel("alpha", "1.0", "beta<2"), make_wheel("alpha", "4.0", "beta==2.0"))
    server.add("main", make_wheel("beta", "1.0", "gamma==1.0"), make_wheel("beta", "2.0", "gamma==2.0"))
    server.add("main", make_wheel("gamma", "1.0"), make_wheel("gamma", "2.0"))
    url = server.simple("main")
    text = DEFINITION.format(url=url, beta="1.0").replace('alpha = "1.0"', 'alpha = "4.0"\ngamma = "1.0"')
    done = suggest(tmp_path, url, "1.0", "--format", "diff", text=text)
    added = [line for line in done.stdout.splitlines() if line.startswith("+") and "+++" not in line]
    assert added == ['+gamma = "2.0"', '+beta = "2.0"      # what alpha needs'], done.stderr


def test_a_file_that_check_fails_is_named_in_the_command(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "1.0", "2.0"), "1.0", command="check")
    assert "stackcheck suggest small.toml\n" in done.stdout


CASE = """\
[[stack]]
id = "case"
python = "{python}"
platform = "{platform}"
accelerator = "cuda"
glibc = "2.36"
index = {{ url = "{url}" }}
{more}

[stack.packages]
{packages}
"""
COMPANIONS = {"2.2.0": "0.17.0", "2.2.2": "0.17.2", "2.3.0": "0.18.0", "2.4.0": "0.19.0"}
COMPANIONS |= {"2.5.0": "0.20.0", "2.9.1": "0.24.1"}


def suggested(
    folder: Path,
    url: str,
    packages: dict[str, str],
    *,
    python: str = "3.10",
    platform: str = "linux/amd64",
    more: str = "",
) -> dict[str, Any]:
    """Return what is suggested for a stack of these pins, as the command's JSON says it."""
    rows = "\n".join(f'{name} = "{version}"' for name, version in packages.items())
    text = CASE.format(python=python, platform=platform, url=url, more=more, packages=rows)
    done = suggest(folder, url, "", "--format", "json", text=text)
    assert done.stdout, done.stderr
    (found,) = json.loads(done.stdout)
    return {**found, "code": done.returncode}


def changes(found: dict[str, Any]) -> dict[str, str]:
    return {each["path"][-1]: each["after"] for each in found["changes"]}


def serve_torch(server: IndexServer, *versions: str) -> str:
    """Serve torch with the torchvision and torchaudio of each release."""
    for version in versions:
        same = f"torch=={version}"
        server.add("main", make_wheel("torch", version), make_wheel("torchaudio", version, same))
        server.add("main", make_wheel("torchvision", COMPANIONS[version], same))
    return server.simple("main")


def test_d5_a_package_with_no_wheel_since_long_is_never_stepped_down(
    server: IndexServer, tmp_path: Path
) -> None:
    url = serve_torch(server, "2.9.1")
    server.add("main", make_wheel("deepspeed", "0.3.1.dev3"), make_wheel("deepspeed", "0.3.1"))
    server.add("main", make_sdist("deepspeed", "0.18.2"), make_sdist("deepspeed", "0.18.1"))
    found = suggested(tmp_path, url, {"torch": "2.9.1", "deepspeed": "0.18.2"}, python="3.12")
    assert (found["found"], found["changes"], found["code"]) == (True, [], 0)


def test_d6_the_nearest_version_that_fits_and_not_the_newest(server: IndexServer, tmp_path: Path) -> None:
    url = serve_torch(server, "2.2.0", "2.2.2", "2.4.0")
    for version, needs in (("0.3.2", "torch==2.2.2"), ("0.4.0", "torch>=2.2"), ("0.5.0", "torch>=2.4")):
        server.add("main", make_wheel("dictlike", version, needs))
    server.add("main", make_wheel("dictlike", "0.6.0rc1", "torch>=2.2"), make_wheel("dictlike", "0.14.3"))
    packages = {"torch": "2.2.0", "torchvision": "0.17.0", "dictlike": "0.5.0"}
    found = suggested(tmp_path, url, packages)
    assert (found["resolved"], changes(found)) == (True, {"dictlike": "0.4.0"})


def test_d14_a_proven_conflict_stays_while_another_index_is_down(server: IndexServer, tmp_path: Path) -> None:
    """The way out is an index out of reach: torchaudio has to be 2.8.0 there too, and nothing is proven."""
    url = serve_torch(server, "2.9.1")
    server.add("main", make_wheel("pyannote-audio", "4.0.2", "torchaudio==2.8.0"))
    packages = {"torch": "2.9.1", "torchaudio": "2.9.1", "pyannote-audio": "4.0.2"}
    more = 'gpus = ["GB10"]'
    found = suggested(tmp_path, url, packages, python="3.12", platform="linux/arm64", more=more)
    assert (found["resolved"], found["code"]) == (False, 3)
    assert "download.pytorch.org" in found["gap"]
    assert set(changes(found)) == {"torch", "torchaudio"}
    assert 'version = "2.8.0+cu' in changes(found)["torchaudio"]
    reasons = [each for change in found["changes"] for each in change["needed_for"]]
    assert any(each.startswith("LOCK201: pyannote-audio==4.0.2 needs torchaudio==2.8.0") for each in reasons)


def test_d22_torch_and_its_companion_move_to_what_is_required(server: IndexServer, tmp_path: Path) -> None:
    url = serve_torch(server, "2.2.0", "2.3.0", "2.4.0", "2.5.0")
    server.add("main", make_wheel("vllm", "0.6.3", "torch==2.4.0"), make_wheel("vllm", "0.2.5"))
    found = suggested(tmp_path, url, {"torch": "2.2.0", "torchvision": "0.17.0", "vllm": "0.6.3"})
    assert (found["resolved"], changes(found)) == (True, {"torch": "2.4.0", "torchvision": "0.19.0"})


@pytest.mark.parametrize("offline", [(), ("--offline",)], ids=["online", "offline"])
def test_d1_a_break_that_only_an_assumption_softens_is_said(
    server: IndexServer, tmp_path: Path, offline: tuple[str, ...]
) -> None:
    """What an unknown index has is not known, so this is a warning; silence would read as a good stack."""
    url = serve_torch(server, "2.9.1")
    packages = 'torch = "2.9.1"\ntorchaudio = "2.9.1"'
    more = 'gpus = ["GTX 1080 Ti"]'
    text = CASE.format(python="3.12", platform="linux/amd64", url=url, more=more, packages=packages)
    done = suggest(tmp_path, url, "", *offline, text=text)
    said = " ".join(done.stdout.split())
    assert "TO BE KNOWN WARN ARCH101: torch 2.9.1+cu128 (linux/amd64) has" in said, done.stderr
    assert "Nothing of that runs on GTX 1080 Ti (6.1)." in said
    assert done.returncode == 0
