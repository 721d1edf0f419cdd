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
from typing import TYPE_CHECKING, Any

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


def run(
    folder: Path, *args: str, path: str = "/usr/bin:/bin", state: str = "state"
) -> subprocess.CompletedProcess[str]:
    own = {
        "HOME": str(folder),
        "STACKCHECK_CACHE": f"{folder}/cache",
        "STACKCHECK_STATE": f"{folder}/{state}",
    }
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
    assert "; in 2 of 3 runs, flapping (it came or went 3 times)" in " ".join(said.split())
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
    assert [command for command, _ in calls] == ["drift", "history"]
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


GH = """\
#!{python}
\"\"\"GitHub's command line, as far as the workflow uses it: it keeps issues in a file.\"\"\"
import json, pathlib, sys
folder = pathlib.Path({folder!r})
kept = folder / "issues.json"
issues = json.loads(kept.read_text()) if kept.exists() else []
words = sys.argv[1:]
value = lambda name: words[words.index(name) + 1]
if words[:2] == ["issue", "list"]:
    assert value("--jq") == ".[0].number // empty"
    title = value("--search").split('"')[1]
    found = [i for i in issues if i["open"] and title in i["title"]]
    print(found[0]["number"] if found else "", end="")
elif words[:2] == ["issue", "create"]:
    body = pathlib.Path(value("--body-file")).read_text()
    issues.append(dict(number=len(issues) + 1, open=True, title=value("--title"), body=body))
elif words[:2] == ["issue", "edit"]:
    issues[int(words[2]) - 1]["body"] = pathlib.Path(value("--body-file")).read_text()
elif words[:2] == ["issue", "close"]:
    issues[int(words[2]) - 1]["open"] = False
else:
    sys.exit(f"unknown call: {{words}}")
kept.write_text(json.dumps(issues))
"""


class Nights:
    """The workflow of every night as GitHub runs it: its steps as shell, its expressions filled in."""

    def __init__(self, project: Path) -> None:
        self.project, self.tools, self.saved = project, project / "tools", project / "saved-state"
        self.tools.mkdir()
        for name, text in (
            ("gh", GH.format(python=sys.executable, folder=str(project))),
            ("stackcheck", f'#!/bin/sh\nexec {sys.executable} -m stackcheck "$@"\n'),
        ):
            (self.tools / name).write_text(text)
            (self.tools / name).chmod(0o755)
        job = yaml.safe_load((NIGHTLY / "stackcheck-drift.yml").read_text())["jobs"]["drift"]
        self.steps = job["steps"]

    def run(self) -> int:
        """Run one night in a new checkout: only what the cache action saved of the last one is there."""
        state = self.project / ".stackcheck-state"
        shutil.rmtree(state, ignore_errors=True)
        if self.saved.exists():
            shutil.copytree(self.saved, state)
        for name in ("drift.md", "drift.json", "drift.xml", "history.txt"):
            (self.project / name).unlink(missing_ok=True)
        code, failed = "", 0
        for step in self.steps:
            if failed and step.get("if") != "always()":
                continue
            if str(step.get("uses", "")).startswith("actions/cache/save@"):
                shutil.rmtree(self.saved, ignore_errors=True)
                shutil.copytree(state, self.saved)
            if "run" not in step or "pip install" in step["run"]:
                continue
            done = self._shell(step, code)
            failed = failed or done.returncode
            code = re.findall(r"code=(\d+)", (self.project / "outputs").read_text())[-1]
        return failed

    def _shell(self, step: dict[str, Any], code: str) -> subprocess.CompletedProcess[str]:
        stated = {
            name: value.replace("${{ steps.drift.outputs.code }}", code)
            for name, value in step.get("env", {}).items()
        }
        assert "${{" not in step["run"], "an expression in a script would be read by the shell"
        folder = self.project
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],
            cwd=folder,
            env={
                **os.environ,
                "HOME": str(folder),
                "PATH": f"{self.tools}:/usr/bin:/bin",
                "STACK": "night",
                "STACKCHECK_CACHE": f"{folder}/cache",
                "STACKCHECK_STATE": f"{folder}/.stackcheck-state",
                "UV_CACHE_DIR": f"{folder}/uv",
                "UV_HTTP_RETRIES": "0",
                "DOCKER_HOST": f"unix://{folder}/none.sock",
                "GITHUB_OUTPUT": f"{folder}/outputs",
                "GITHUB_STEP_SUMMARY": f"{folder}/summary.md",
                **stated,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def issues(self) -> list[dict[str, Any]]:
        kept = self.project / "issues.json"
        return json.loads(kept.read_text()) if kept.exists() else []


def down(handler: Any) -> None:
    """Answer as an index does that is out of order."""
    handler.send_response(503)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_the_nights_of_a_week(project: Path, server: IndexServer) -> None:
    nights, kept = Nights(project), server.indexes["main"][:]
    assert nights.run() == 0
    assert nights.issues == []
    server.indexes["main"] = [make_wheel("alpha", "0.9")]
    assert nights.run() == 1
    assert [issue["open"] for issue in nights.issues] == [True]
    assert "a locked file is gone from its index" in nights.issues[0]["body"]
    server.indexes["main"] = kept
    server.faults["/main/simple/alpha/"] = down
    for _ in range(3):
        assert nights.run() == 3
        assert [issue["open"] for issue in nights.issues] == [True]
        assert "503" in nights.issues[0]["body"]
    server.faults.clear()
    assert nights.run() == 0
    assert [issue["open"] for issue in nights.issues] == [False]
    history = run(project, "history", "night", "--format", "json", state=".stackcheck-state")
    assert json.loads(history.stdout)["runs"] == 6
    assert json.loads((project / "drift.json").read_text())["drifts"][0]["exit_code"] == 0
    assert "<testsuites>" in (project / "drift.xml").read_text()


def test_the_unit_runs_where_the_home_folder_cannot_be_written(project: Path, tmp_path: Path) -> None:
    """The unit's own command line, with what systemd puts in for %C, %S and %i."""
    text = (NIGHTLY / "stackcheck-drift@.service").read_text()
    home, places = (
        tmp_path / "home",
        {"%C": f"{project}/var-cache", "%S": f"{project}/var-lib", "%i": "night"},
    )
    for name in ("var-cache", "var-lib"):
        (project / name / "stackcheck").mkdir(parents=True)
    home.mkdir(mode=0o555)
    tools = project / "bin"
    tools.mkdir()
    (tools / "stackcheck").write_text(f'#!/bin/sh\nexec {sys.executable} -m stackcheck "$@"\n')
    (tools / "stackcheck").chmod(0o755)
    for mark, value in places.items():
        text = text.replace(mark, value)
    text = text.replace("/srv/stackcheck/.venv/bin", str(tools))
    (stated,) = re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    environ = dict(pair.split("=", 1) for pair in stated.split())
    inside = (
        ["unshare", "--mount", "sh", "-c", f'mount --bind -o ro {home} {home} && exec "$@"', "sh"]
        if os.geteuid() == 0
        else []
    )
    done = subprocess.run(
        [*inside, *command.split()],
        cwd=project,
        env={
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "DOCKER_HOST": f"unix://{project}/none.sock",
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount failed" in done.stderr or "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a folder read-only")
    assert done.returncode == 0, done.stderr
    assert (project / "var-lib/stackcheck/night.md").read_text().startswith("## PASS `night`")
    assert json.loads((project / "var-lib/stackcheck/night.json").read_text())["drifts"]
    assert list(home.iterdir()) == []


def test_a_journal_holds_what_breaks_when_the_result_goes_to_a_file(
    project: Path, server: IndexServer
) -> None:
    server.indexes["main"] = [make_wheel("alpha", "0.9")]
    done = run(project, "drift", "night", "-o", str(project / "x.txt"), "-q")
    said = done.stderr.splitlines()
    assert (
        "night: breaks-next-build: a locked file is gone from its index: alpha-1.0-py3-none-any.whl" in said
    )


def test_a_drift_document_is_rendered_again(project: Path, server: IndexServer) -> None:
    server.indexes["main"] = [make_wheel("alpha", "0.9")]
    first = run(project, "drift", "night", "--format", "json", "-o", "d.json", "--also", "md=d.md")
    again = run(project, "report", "d.json", "--format", "md")
    assert (first.returncode, again.returncode) == (1, 1)
    assert again.stdout == (project / "d.md").read_text()
    (project / "d.json").write_text('{"schema_version": 1, "drifts": [{"stack": 3}]}')
    broken = run(project, "report", "d.json")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "d.json: $.drifts[0]" in broken.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x.md", "--also x.md: say format and file, such as --also prom=result.txt"),
        ("mdd=x", "--also mdd=x: the formats are "),
        ("md=no/x.md", "--also md=no/x.md: there is no folder no; make it first"),
    ],
)
def test_another_copy_has_a_format_and_a_place(project: Path, value: str, message: str) -> None:
    done = run(project, "drift", "night", "--also", value)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_history_of_a_name_that_nobody_knows_is_an_error_of_the_call(project: Path) -> None:
    done = run(project, "history", "nihgt")
    assert done.returncode == 2
    assert "nihgt" in done.stderr


def test_many_stacks_are_one_night(project: Path, server: IndexServer) -> None:
    """A stack without a lock does not take the others along, and what breaks leads, with its first night."""
    text = (project / "matrices" / "night.toml").read_text()
    more = text.partition('[[stack]]\nid = "day"')[0].replace('"night"', '"dusk"')
    (project / "matrices" / "dusk.toml").write_text(more)
    assert run(project, "lock", "dusk").returncode == 0
    kept = server.indexes["main"][:]
    server.indexes["main"] = [make_wheel("alpha", "0.9")]
    assert run(project, "drift", "night", "-q").returncode == 1
    server.indexes["main"] = kept
    asked = (
        "drift",
        "*",
        "-q",
        "-o",
        "night.txt",
        "--also",
        "prom=drift.prom",
        "--also",
        "jsonl=drift.jsonl",
    )
    quiet = run(project, *asked)
    assert quiet.returncode == 3
    assert (
        "day: could not be looked at: baseline: matrices/night.toml::day: there is no lock " in quiet.stderr
    )
    assert quiet.stderr.endswith("3 stacks: 1 could not be compared, 2 are fine\n")
    server.indexes["main"] = [make_wheel("alpha", "0.9")]
    done = run(project, *asked)
    assert done.returncode == 1
    broken = [line for line in done.stderr.splitlines() if ": breaks-next-build: " in line]
    assert {line.partition(":")[0] for line in broken} == {"night", "dusk"}
    first = (project / "night.txt").read_text().splitlines()[0]
    assert first == "FAIL  3 stacks: 2 break, 1 could not be compared"
    prom = (project / "drift.prom").read_text()
    assert 'stackcheck_drift_exit_code{stack="dusk"} 1\n' in prom
    assert 'stackcheck_drift_broken_since_timestamp_seconds{stack="night"} ' in prom
    rows = [json.loads(line) for line in (project / "drift.jsonl").read_text().splitlines()]
    assert {row["stack"] for row in rows if row["kind"] == "drift"} == {"day", "night", "dusk"}
    past = run(project, "history")
    assert past.stdout.startswith("FAIL  2 stacks: 2 break\n")
    some = json.loads(run(project, "history", "n*", "d*", "--format", "json").stdout)["histories"]
    assert [(each["stack"], each["runs"]) for each in some] == [("night", 3), ("dusk", 2), ("day", 0)]
