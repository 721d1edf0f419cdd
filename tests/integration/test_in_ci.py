"""Where people work: the steps of the GitHub Action, the GitLab job and the pre-commit hook, run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SPEC, GITLAB = yaml.safe_load_all((ROOT / "templates" / "stackcheck.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
SHOWN = re.compile(r"\$\{\{ ([a-z.-]+) \}\}")

DOCKERFILE = "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
GOOD = "torch==2.5.0\ntorchvision==0.20.0\n"
BAD = "torch==2.5.0\ntorchvision==0.19.0\n"


PINNING = """
requirements.txt a/requirements-gpu.txt requirements/gpu.txt constraints.txt uv.lock pyproject.toml setup.cfg
pylock.toml pylock.gpu.toml poetry.lock Pipfile Pipfile.lock environment.yml environment.gpu.yaml pixi.toml
Dockerfile gpu.Dockerfile Dockerfile.gpu docker/Containerfile compose.yaml docker-compose.gpu.yml cog.yaml
.devcontainer/devcontainer.json stackcheck.toml matrices/a.toml
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "requirements.txt").write_text(GOOD)
    return folder


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    """Return the runner's folder, with this very stackcheck where the first step installs it."""
    bins = tmp_path / "temp" / "stackcheck" / "bin"
    bins.mkdir(parents=True)
    (bins / "stackcheck").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m stackcheck "$@"\n')
    (bins / "stackcheck").chmod(0o755)
    return tmp_path / "temp"


def caches(folder: Path) -> dict[str, str]:
    """Return where caches are that nobody has filled: what this machine has asked before is no answer."""
    return {"STACKCHECK_CACHE": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv")}


class Runner:
    """Runs the steps of the action: bash with the files and variables of a GitHub runner."""

    def __init__(self, project: Path, temp: Path, **inputs: str) -> None:
        self.project = project
        stated = {name: row["default"] for name, row in ACTION["inputs"].items()} | inputs
        self.values = {f"inputs.{name}": text for name, text in stated.items()}
        self.summary, self.output = temp / "summary.md", temp / "output"
        for file in (self.summary, self.output):
            file.touch()
        self.environ = {
            **os.environ,
            "RUNNER_TEMP": str(temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            **caches(temp),
        }

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        (found,) = [each for each in ACTION["runs"]["steps"] if each["name"] == name]
        given = {
            key: SHOWN.sub(lambda match: self.values.get(match[1], ""), text)
            for key, text in found["env"].items()
        }
        done = bash(found["run"], self.project, {**self.environ, **given})
        for line in self.output.read_text().splitlines():
            key, _, value = line.partition("=")
            self.values[f"steps.check.outputs.{key}"] = value
        return done


def bash(script: str, folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub's runner does; `-e` and `pipefail` are also GitLab's."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300
    )


def commands(log: str) -> list[str]:
    """Return the lines that the runner takes for commands: none between a stop and its token."""
    told, token = [], ""
    for line in log.splitlines():
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::") or "##[" in line:
            told.append(line)
    return told


def test_no_step_has_an_input_in_its_script_and_every_input_is_used() -> None:
    steps = ACTION["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []
    assert all(step["shell"] == "bash" for step in steps if "run" in step)
    used = json.dumps(steps)
    assert [name for name in ACTION["inputs"] if f"inputs.{name}" not in used] == []
    assert "$[[" not in json.dumps([GITLAB["stackcheck"]["script"], GITLAB["stackcheck"]["before_script"]])
    assert [n for n in SPEC["spec"]["inputs"] if f"inputs.{n} " not in json.dumps(GITLAB)] == []


def test_the_action_is_green_for_a_good_project(project: Path, temp: Path) -> None:
    runner = Runner(project, temp, gpus="L4", driver=">=550", options="--offline\n")
    done = runner.step("Check")
    assert done.returncode == 0, done.stderr
    assert runner.values["steps.check.outputs.exit-code"] == "0"
    assert [line for line in commands(done.stdout) if line.startswith("::error")] == []
    assert "\nPASS  mine: up to " in done.stdout
    assert runner.summary.read_text().startswith("## PASS `mine`")
    assert json.loads(Path(runner.values["steps.check.outputs.report"]).read_text())["schema_version"] == 2
    assert runner.step("Verdict").returncode == 0


def test_the_action_is_red_for_a_bad_project_and_points_at_the_line(project: Path, temp: Path) -> None:
    (project / "requirements.txt").write_text(BAD)
    runner = Runner(project, temp, options="--offline")
    done = runner.step("Check")
    assert done.returncode == 0, done.stderr
    errors = [line for line in commands(done.stdout) if line.startswith("::error")]
    assert [line.partition(" title=")[0].partition(",title=")[0] for line in errors] == [
        "::error file=requirements.txt,line=2"
    ]
    assert "TORCH101" in runner.summary.read_text()
    log = json.loads(Path(runner.values["steps.check.outputs.sarif"]).read_text())
    (error,) = [each for each in log["runs"][0]["results"] if each["level"] == "error"]
    place = error["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("requirements.txt", 2)
    assert runner.step("Verdict").returncode == 1


def test_a_wrong_call_says_that_nothing_was_judged(project: Path, temp: Path) -> None:
    runner = Runner(project, temp, options="--ofline")
    done = runner.step("Check")
    assert commands(done.stdout) == ["::error title=stackcheck::Nothing was judged: the log says why."]
    assert "did you mean '--offline'?" in done.stderr
    assert runner.step("Verdict").returncode == 2


@pytest.mark.parametrize(
    "name",
    [
        "$(touch pwned).txt",
        "`touch pwned`.txt",
        '"; touch pwned; ".txt',
        "-o pwned.txt",
        "::error::pwned.txt",
        "a\\nb ##[error]pwned.txt",
        "$GITHUB_OUTPUT.txt",
        "requirements *?.txt",
    ],
)
def test_a_hostile_name_stays_a_name(project: Path, temp: Path, name: str) -> None:
    (project / name).write_text(BAD) if "/" not in name else None
    for inputs in (
        {"paths": name},
        {"paths": ".", "gpus": name},
        {"paths": ".", "options": f"--matrices={name}"},
    ):
        runner = Runner(project, temp, **inputs)
        runner.values["inputs.options"] += "\n--offline"
        done = runner.step("Check")
        assert done.returncode == 0, done.stderr
        assert not list(temp.parent.rglob("pwned"))
        assert not (project / "pwned.txt").exists()
        assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in commands(done.stdout))
        assert runner.values["steps.check.outputs.exit-code"] in {"0", "1", "2"}
        runner.output.write_text("")


def gitlab(project: Path, temp: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the GitLab job, the way to stackcheck replaced."""
    stated = {name: row.get("default", "") for name, row in SPEC["spec"]["inputs"].items()} | inputs
    job = GITLAB["stackcheck"]
    given = {
        key: re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: stated[match[1]], text)
        for key, text in job["variables"].items()
    }
    given |= caches(temp)
    script = "\n".join(job["script"]).replace("/tmp/stackcheck", str(temp / "stackcheck"))
    shell = shutil.which("dash") or "sh"
    return subprocess.run(
        [shell, "-ec", script], cwd=project, env={**os.environ, **given}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


def test_the_gitlab_job_reports_and_fails_as_the_check_does(project: Path, temp: Path) -> None:
    options = "--offline"
    good = gitlab(project, temp, options=options, gpus="L4", driver=">=550")
    assert (good.returncode, "PASS  mine" in good.stdout) == (0, True), good.stderr
    (project / "requirements.txt").write_text(BAD)
    bad = gitlab(project, temp, options=options)
    assert (bad.returncode, "FAIL  TORCH101" in bad.stdout) == (1, True)
    assert 'failures="1"' in (project / "stackcheck.xml").read_text()
    assert (project / "stackcheck.html").read_text().startswith("<!doctype html>")
    hostile = gitlab(project, temp, options=options, paths='$(touch pwned)\n"; touch pwned; "\nEND')
    assert hostile.returncode == 2
    assert not (project / "pwned").exists()


def test_the_hook_runs_as_pre_commit_runs_it(project: Path, temp: Path) -> None:
    command = [*shlex.split(HOOK["entry"]), *HOOK["args"]]
    command[0] = str(temp / "stackcheck" / "bin" / command[0])
    environ = {**os.environ, **caches(temp)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=project, env=environ, capture_output=True, text=True, check=False, timeout=120
        )

    assert run().returncode == 0
    (project / "requirements.txt").write_text(BAD)
    assert run().returncode == 1
    assert run().stderr == ""


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *((name, True) for name in PINNING.split()),
        *((name, False) for name in ("README.md", "app.py", "src/docker.py", "notes.txt", "a/matrices.toml")),
    ],
)  # fmt: skip
def test_the_hook_runs_for_the_files_that_pin_a_stack(name: str, taken: bool) -> None:
    assert bool(re.search(HOOK["files"], name)) is taken


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the wheel of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([uv(), "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, timeout=300)
    (built,) = folder.glob("*.whl")
    yield built
    shutil.rmtree(folder)


def uv() -> str:
    from uv import find_uv_bin  # noqa: PLC0415 - only where one is built

    return find_uv_bin()


@pytest.mark.online
def test_the_action_installs_a_wheel_and_the_gitlab_job_too(
    project: Path, tmp_path: Path, wheel: Path
) -> None:
    temp = tmp_path / "fresh"
    temp.mkdir()
    runner = Runner(project, temp, package=str(wheel), options="--offline", python=sys.executable)
    assert runner.step("Install stackcheck").returncode == 0
    assert "\nPASS  mine: up to " in runner.step("Check").stdout
    assert runner.step("Verdict").returncode == 0
    shutil.rmtree(temp / "stackcheck")
    before = "\n".join(GITLAB["stackcheck"]["before_script"]).replace(
        "/tmp/stackcheck", str(temp / "stackcheck")
    )
    before = before.replace("python3 -m venv", f"{shlex.quote(sys.executable)} -m venv")
    done = bash(before, project, {**os.environ, "STACKCHECK_PACKAGE": str(wheel)})
    assert done.returncode == 0, done.stderr
    assert gitlab(project, temp, options="--offline").returncode == 0


@pytest.mark.online
@pytest.mark.slow
def test_pre_commit_takes_the_hook_from_a_clone(project: Path, tmp_path: Path) -> None:
    """The real pre-commit, from the index, with a repository made of this tree."""
    clone, env = tmp_path / "clone", tmp_path / "env"
    venv.create(env, with_pip=False)
    subprocess.run(
        [uv(), "pip", "install", "--quiet", "-p", env / "bin" / "python", "pre-commit"],
        check=True,
        timeout=300,
    )
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name.startswith(("stackcheck/", "probes/", "matrices/")) or (name and "/" not in name):
            place = clone / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place)
    rev = committed(clone)
    config: Any = {"repos": [{"repo": str(clone), "rev": rev, "hooks": [{"id": "stackcheck"}]}]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    committed(project)
    environ = {
        **os.environ,
        "PRE_COMMIT_HOME": str(tmp_path / "home"),
        "STACKCHECK_CACHE": str(tmp_path / "c"),
    }

    def hook() -> subprocess.CompletedProcess[str]:
        command = [str(env / "bin" / "pre-commit"), "run", "--all-files", "--color", "never"]
        return subprocess.run(
            command, cwd=project, env=environ, capture_output=True, text=True, check=False, timeout=600
        )

    good = hook()
    assert (good.returncode, "Passed" in good.stdout) == (0, True), good.stdout + good.stderr
    (project / "requirements.txt").write_text(BAD)
    committed(project)
    bad = hook()
    assert (bad.returncode, "TORCH101" in bad.stdout) == (1, True), bad.stdout


def committed(folder: Path) -> str:
    """Make a commit of all that is in a folder; return its hash."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    return head.stdout.strip()
