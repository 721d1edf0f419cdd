"""`stackcheck drift` and `history` as their users have them: exit codes, messages, the nightly files."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from stackcheck.drift.rendering import schema
from tests.integration.index.conftest import running
from tests.integration.index.server import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.index.server import IndexServer

NIGHTLY = Path(__file__).parents[2] / "docs" / "nightly"
DEFINITION = """\
[[stack]]
id = "night"
python = "3.11"
platform = "linux/amd64"
glibc = "2.36"
index = {{ url = "{url}" }}
packages = {{ alpha = ">=1" }}

[[stack]]
id = "day"
python = "3.11"
index = {{ url = "{url}" }}
packages = {{ alpha = ">=1" }}
"""


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with running() as index:
        index.add("main", make_wheel("alpha", "1.0"))
        yield index


@pytest.fixture
def project(tmp_path: Path, server: IndexServer) -> Path:
    (tmp_path / "matrices").mkdir()
    text = DEFINITION.format(url=server.simple("main"))
    (tmp_path / "matrices" / "night.toml").write_text(text)
    assert run(tmp_path, "lock", "night").returncode == 0
    return tmp_path


def run(folder: Path, *args: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    own = {"HOME": str(folder), "STACKCHECK_CACHE": f"{folder}/cache", "STACKCHECK_STATE": f"{folder}/state"}
    environ = {
        **os.environ,
        **own,
        "DOCKER_HOST": f"unix://{folder}/none.sock",
        "UV_CACHE_DIR": f"{folder}/uv",
    }
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", *args],
        cwd=folder,
        env=environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_quiet_night(project: Path) -> None:
    done = run(project, "drift", "night")
    assert done.returncode == 0
    assert done.stdout.startswith("PASS  night: nothing moved in ")
    assert "baseline: the lock locks/pylock.night.toml and no report\n" in done.stdout
    assert f"no container engine answers at unix://{project}/none.sock" in " ".join(done.stdout.split())
    assert "night: looking at indexes, base image and machine\n" in done.stderr
    assert run(project, "drift", "night", "--strict", "-q").returncode == 3


def test_a_night_in_which_a_file_vanishes_and_comes_back(project: Path, server: IndexServer) -> None:
    kept = server.indexes["main"][:]
    codes = []
    for gone in (True, False, True):
        server.indexes["main"] = [make_wheel("alpha", "0.9")] if gone else kept
        codes.append(run(project, "drift", "night", "-q").returncode)
    assert codes == [1, 0, 1]
    said = run(project, "history", "night").stdout
    assert said.startswith("night: 3 runs, ")
    assert (
        "BREAKS-NEXT-BUILD  a locked file is gone from its index\n"
        "      where     alpha-1.0-py3-none-any.whl\n" in said
    )
    assert "; in 2 of 3 runs, flapping (3 times)" in " ".join(said.split())
    rows = json.loads(run(project, "history", "night", "--format", "json").stdout)
    flapping = {row["where"]: row["flapping"] for row in rows["changes"]}
    assert flapping["alpha-1.0-py3-none-any.whl"] is True


def test_accepting_is_kept_in_the_history(project: Path, server: IndexServer) -> None:
    server.add("main", make_wheel("alpha", "1.1"))
    done = run(project, "drift", "night", "--accept", "1.1 was looked at")
    assert done.returncode == 0
    assert done.stdout.endswith("accepted as the new baseline: 1.1 was looked at\n")
    assert re.search(r"accepted 2\S+: 1.1 was looked at\n", run(project, "history", "night").stdout)
    assert run(project, "drift", "night", "-q").stdout.startswith("PASS  night: nothing moved")


def test_the_formats_of_the_command(project: Path) -> None:
    document = json.loads(run(project, "drift", "night", "--format", "json", "--no-history").stdout)
    jsonschema.validate(document, schema())
    assert run(project, "drift", "night", "--format", "md").stdout.startswith(
        "## PASS `night`: nothing moved"
    )
    junit = project / "drift.xml"
    assert run(project, "drift", "night", "--format", "junit", "-o", str(junit)).stdout == ""
    assert '<testsuites>\n  <testsuite id="0" package="stackcheck.drift" name="night"' in junit.read_text()


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("drift",), 2, "the following arguments are required: STACK"),
        (("drift", "day"), 2, "there is no lock locks/pylock.day.toml; run `stackcheck lock day` first."),
        (
            ("drift", "night", "--accept", "ok"),
            2,
            "--accept: say why in a few words, for those who read it later",
        ),
        (
            ("drift", "night", "--scan", "none.json"),
            2,
            "none.json: there is no such file.",
        ),
        (
            ("drift", "night", "--scan", "matrices/night.toml"),
            2,
            "--scan matrices/night.toml: this is not JSON",
        ),
        (("drift", "night", "--rebuild", "--probe", "x"), 2, "not allowed with argument"),
        (("drift", "night", "day", "--baseline", "x.json"), 2, "--baseline and --probe are for one stack"),
    ],
)
def test_wrong_calls_say_what_to_do(project: Path, args: tuple[str, ...], code: int, message: str) -> None:
    done = run(project, *args)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_history_that_is_none_is_said_and_costs_no_result(project: Path) -> None:
    assert run(project, "history", "night").stdout == (
        "night: no drift run is kept; `stackcheck drift night` makes one\n"
    )
    (project / "state").mkdir()
    (project / "state" / "history.sqlite3").write_bytes(b"x" * 5000)
    done = run(project, "drift", "night")
    assert done.returncode == 3
    assert done.stdout.startswith("PASS  night: nothing moved")
    assert "the history cannot be used: file is not a database" in done.stderr
    assert run(project, "history", "night").returncode == 3


AUDIT = """\
#!/bin/sh
echo "$@" > {folder}/asked
cat {folder}/answer
exit 1
"""


def test_pip_audit_is_asked_where_it_is_installed(project: Path) -> None:
    absent = run(project, "drift", "night", "--audit")
    assert "pip-audit is not installed (`pip install pip-audit`): cve" in absent.stdout
    tools = project / "tools"
    tools.mkdir()
    script = tools / "pip-audit"
    script.write_text(AUDIT.format(folder=project))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    path = f"{tools}:/usr/bin:/bin"
    answer = project / "answer"
    answer.write_text(json.dumps({"dependencies": [{"name": "alpha", "version": "1.0", "vulns": []}]}))
    run(project, "drift", "night", "--audit", "--accept", "the first scan", path=path)
    asked = (project / "asked").read_text()
    assert asked.startswith("--no-deps --disable-pip --progress-spinner off --format json --requirement ")
    row = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}
    answer.write_text(json.dumps({"dependencies": [{"name": "alpha", "version": "1.0", "vulns": [row]}]}))
    found = run(project, "drift", "night", "--audit", path=path)
    assert found.returncode == 0
    assert (
        "CHANGES-BEHAVIOUR  a new known vulnerability\n      where     alpha 1.0: PYSEC-2026-1\n"
        in found.stdout
    )
    assert "      seen      fixed in 1.1\n" in found.stdout
    assert "known vulnerabilities: 1 new, 0 fixed or withdrawn, 0 the same\n" in found.stdout
    answer.write_text("")
    silent = run(project, "drift", "night", "--audit", path=path)
    assert silent.returncode == 3
    assert "pip-audit did not answer: it said nothing: cve" in silent.stdout


# --- the files for every night ------------------------------------------------------------------------------


def options_of(command: str) -> set[str]:
    told = subprocess.run(
        [sys.executable, "-m", "stackcheck", command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", told))


def calls_in(text: str) -> list[tuple[str, list[str]]]:
    """Return every call of stackcheck in a text: command, and options."""
    found = re.findall(r"(?:^|[\s;])stackcheck ([a-z]+)((?: [^\s|;&]+)*)", text, re.MULTILINE)
    return [(command, re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) for command, rest in found]


def test_the_workflow_is_yaml_and_calls_what_exists() -> None:
    text = (NIGHTLY / "stackcheck-drift.yml").read_text()
    document = yaml.safe_load(text)
    assert document[True]["schedule"] == [{"cron": "17 3 * * *"}]  # YAML 1.1 reads `on` as true
    assert document["permissions"] == {"contents": "read", "issues": "write"}
    steps = document["jobs"]["drift"]["steps"]
    assert all(set(step) & {"uses", "run"} for step in steps)
    scripts = "\n".join(step["run"] for step in steps if "run" in step)
    calls = calls_in(scripts)
    assert [command for command, _ in calls] == ["drift", "drift", "drift", "history"]
    for command, options in calls:
        assert set(options) <= options_of(command), (command, options)
    for script in (step["run"] for step in steps if "run" in step):
        plain = re.sub(r"\$\{\{.*?\}\}", "0", script)
        subprocess.run(["bash", "-n"], input=plain, text=True, check=True)


def test_the_unit_calls_what_exists() -> None:
    text = (NIGHTLY / "stackcheck-drift@.service").read_text()
    ((command, options),) = calls_in(
        "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    )
    assert command == "drift"
    assert set(options) <= options_of(command)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze (package systemd)")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in ("service", "timer"):
        shutil.copy(NIGHTLY / f"stackcheck-drift@.{name}", tmp_path / f"stackcheck-drift@.{name}")
    units = [str(tmp_path / f"stackcheck-drift@night.{name}") for name in ("service", "timer")]
    for name, unit in zip(("service", "timer"), units, strict=True):
        shutil.copy(NIGHTLY / f"stackcheck-drift@.{name}", unit)
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "stackcheck-drift" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr
