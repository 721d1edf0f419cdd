"""The command line as its users have it: real processes, exit codes, and every message."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from stackcheck import __version__
from stackcheck.cli import COMMANDS
from stackcheck.model.report import Report
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.report.jsonfile import from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

DEFINITIONS = """\
[[stack]]
id = "good"
summary = "one pinned pure-Python package"
python = "3.11"

[[stack]]
id = "bad"
accelerator = "cuda"
cuda = "12.4"
expect = "fail"
expect_codes = ["SPCONV101"]
packages = { torch = "2.5.0", "spconv-cu124" = "2.3.8", "cumm-cu124" = "0.8.2" }

[[stack]]
id = "family"
summary = "two of them"
[stack.axes]
python = ["3.11", "3.12"]
"""

FAILED = Report("bad", (Verdict("AB101", "t", Outcome.FAIL, "broken"),))
PASSED = Report("good", (Verdict("AB101", "t", Outcome.PASS, "well"),))
WARNED = Report("warned", (Verdict("AB101", "t", Outcome.WARN, "hm"), *PASSED.verdicts))
ERRED = Report("erred", (Verdict("AB101", "t", Outcome.ERROR, "crash"), *PASSED.verdicts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with stack definitions."""
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "demo.toml").write_text(DEFINITIONS, encoding="utf-8")
    return tmp_path


def run(folder: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", *args],
        cwd=folder,
        env={**_environ(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _environ(folder: Path) -> dict[str, str]:
    """Return an environment without a terminal (a worker of xdist has COLUMNS) and with empty caches."""
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return inherited | {"STACKCHECK_CACHE": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv")}


def saved(folder: Path, *reports: Report) -> str:
    (folder / "r.json").write_text(to_json(reports), encoding="utf-8")
    return "r.json"


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the error without its prefix; there is never a traceback."""
    assert "Traceback" not in done.stderr
    return done.stderr.partition("error: ")[2].rstrip("\n")


def test_version(folder: Path) -> None:
    done = run(folder, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"stackcheck {__version__}\n", "")


def test_help_names_every_command(folder: Path) -> None:
    done = run(folder, "--help")
    assert done.returncode == 0
    for name in (
        "list",
        "check",
        "lock",
        "build",
        "verify",
        "probe",
        "drift",
        "history",
        "explain",
        "report",
        "schema",
        "tables",
    ):
        assert f"\n    {name} " in done.stdout
        assert run(folder, name, "--help").stdout.startswith(f"usage: stackcheck {name} ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["chekc"], "'chekc' is not a command; did you mean 'check'?"),
        (["dance"], f"'dance' is not a command; commands: {', '.join(COMMANDS)}."),
        (["check"], "the following arguments are required: STACK.\nSee `stackcheck help check`."),
        (["check", "god"], "no stack is named 'god'; did you mean 'good'?; `stackcheck list` shows all."),
        (
            ["check", "matricse"],
            "no stack is named 'matricse'; did you mean 'matrices'?; `stackcheck list` shows all.",
        ),
        (["check", "no.toml"], "no.toml: there is no such file or folder of stack definitions."),
        (["list", "--matrices", "no"], "no: there is no such file or folder of stack definitions."),
        (["list", "-o", "matrices"], "-o matrices: this is a folder; name a file in it."),
        (["list", "-o", "no/x.txt"], "-o no/x.txt: there is no folder no; make it first."),
        (
            ["report", "no.json"],
            "no.json: there is no such file.",
        ),
        (
            ["report", "matrices/demo.toml"],
            "matrices/demo.toml:1: this is not JSON: Expecting value (column 3).",
        ),
        (
            ["explain", "TORCH1011"],
            "no rule has the code 'TORCH1011'; did you mean 'TORCH101'?; `stackcheck explain` lists all.",
        ),
        (["tables", "gpu"], "nothing is known of 'gpu'; did you mean 'gpus'?"),
        (["verify", "good", "--ca", "no.pem"], "no.pem: there is no such file."),
        (["verify", "good", "--secret", "netrc"], "--secret: give NAME=VALUE, not 'netrc'."),
        (["verify", "good", "--secret", "a=no"], "no: there is no such file."),
        (
            ["probe", "--here", "--stack", "family"],
            "--stack family names 2 stacks, choose one: family-py311, family-py312.",
        ),
        (["probe", "--venv", "no"], "no is not a virtual environment: there is no no/bin/python."),
        (
            ["probe"],
            "one of the arguments --image --venv --here is required.\nSee `stackcheck help probe`.",
        ),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_says_what_to_do(folder: Path, args: list[str], message: str) -> None:
    done = run(folder, *args)
    assert (done.returncode, error_of(done), done.stdout) == (2, message, "")


def test_a_wrong_format_names_the_right_ones(folder: Path) -> None:
    done = run(folder, "check", "good", "--format", "yaml")
    assert done.returncode == 2
    assert "argument --format: invalid choice: 'yaml' (choose from " in error_of(done)


def test_all_faults_of_a_definition_at_once(folder: Path) -> None:
    text = '[[stack]]\nid = "a"\npyhton = "3.11"\ncuda = 12.4\n'
    (folder / "matrices" / "demo.toml").write_text(text, encoding="utf-8")
    done = run(folder, "check", "a")
    assert done.returncode == 2
    head, *faults = error_of(done).splitlines()
    assert head == "2 faults in the stack definitions:"
    assert any("unknown key; did you mean 'python'?" in fault for fault in faults)
    assert all("matrices/demo.toml: stack[1] (a)." in fault for fault in faults)


def test_list(folder: Path) -> None:
    done = run(folder, "list")
    assert done.returncode == 0
    header, _rule, *rows = [line.split()[0] for line in done.stdout.splitlines()]
    assert [header, *rows] == [
        "stack", "good", "bad", "family-py311", "family-py312",
    ]  # fmt: skip
    listed = json.loads(run(folder, "list", "family", "--format", "json").stdout)
    assert [row["id"] for row in listed] == ["family-py311", "family-py312"]
    assert listed[0] == {
        "id": "family-py311",
        "family": "family",
        "file": "matrices/demo.toml",
        "summary": "two of them",
        "axes": {"python": "3.11"},
        "expect": "pass",
    }
    assert run(folder, "list", "g*", "--format", "md").stdout.startswith("| stack | python |")


def test_a_stack_that_fails_exactly_as_expected_is_exit_0(folder: Path) -> None:
    done = run(folder, "check", "bad", "--offline")
    assert done.returncode == 0
    assert done.stdout.startswith("FAIL  bad: ")
    assert "\nFAIL  (expected) SPCONV101  " in done.stdout
    assert done.stderr == "bad: resolving\n"
    accepted = run(folder, "check", "bad", "--offline", "--accept-expected", "--quiet")
    assert "expected to fail, and failed exactly as expected: SPCONV101" in accepted.stdout
    assert (accepted.returncode, accepted.stderr) == (0, "")


def test_check_takes_a_file_and_writes_a_file(folder: Path) -> None:
    (folder / "out.json").write_text("old", encoding="utf-8")
    (folder / "out.json").chmod(0o640)
    args = ["matrices/demo.toml", "--offline", "--format", "json", "-o", "out.json"]
    done = run(folder, "check", *args)
    # `bad` fails exactly as expected, and of `good` nothing was checked.
    assert (done.returncode, done.stdout) == (3, "")
    reports = from_json((folder / "out.json").read_text(encoding="utf-8"))
    assert [report.stack for report in reports] == ["good", "bad", "family-py311", "family-py312"]
    assert (folder / "out.json").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("reports", "args", "code"),
    [
        ([PASSED], [], 0),
        ([WARNED], [], 0),
        ([WARNED], ["--strict"], 3),
        ([PASSED], ["--require", "stated"], 0),
        ([PASSED], ["--require", "run"], 3),
        ([ERRED], [], 3),
        ([PASSED, ERRED, FAILED], [], 1),
        ([], [], 3),
    ],
)
def test_report_exits_as_the_run_did(folder: Path, reports: list[Report], args: list[str], code: int) -> None:
    assert run(folder, "report", saved(folder, *reports), *args).returncode == code


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "FAIL  bad: 1 of 1 checks failed, checked up to stated\n"),
        ("md", "## FAIL `bad`: 1 of 1 checks failed, checked up to stated\n"),
        ("json", '{\n  "schema_version": 2,\n'),
        ("junit", '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'),
        ("html", "<!doctype html>\n"),
        ("github", "::error title=FAIL AB101 bad::broken\n"),
        ("sarif", '{\n  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",\n'),
    ],
)
def test_report_renders_every_format(folder: Path, form: str, start: str) -> None:
    done = run(folder, "report", saved(folder, FAILED), "--format", form)
    assert done.returncode == 1
    assert done.stdout.startswith(start)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff{", "r.json:1: byte 0 (0xff) is not UTF-8; save the file as UTF-8.\n"),
        ("fifo", "r.json: this is a pipe, not a file that can be read.\n"),
    ],
)
def test_what_cannot_be_a_report_is_a_wrong_call(folder: Path, content: bytes | str, message: str) -> None:
    if content == "fifo":
        os.mkfifo(folder / "r.json")
    elif isinstance(content, bytes):
        (folder / "r.json").write_bytes(content)
    done = run(folder, "report", "r.json")
    assert (done.returncode, done.stderr) == (2, f"stackcheck: error: {message}")


def test_a_report_behind_a_byte_order_mark_is_read_and_a_closed_stdin_is_said(folder: Path) -> None:
    (folder / "r.json").write_text(to_json([PASSED]), encoding="utf-8-sig")
    assert run(folder, "report", "r.json").returncode == 0
    command = f"{sys.executable} -m stackcheck report - <&-"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, shell=True)  # noqa: S602 - only a shell closes stdin
    assert (done.returncode, done.stderr) == (
        2, "stackcheck: error: -: stdin is closed; pipe a report into it, or name a file.\n",
    )  # fmt: skip


def test_report_joins_files_and_reads_stdin(folder: Path) -> None:
    first = saved(folder, PASSED)
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", "report", first, "-"],
        cwd=folder, input=to_json([FAILED]), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL  2 stacks: 1 failed, 1 passed\n\nresult  stack ")


def test_explain(folder: Path) -> None:
    every = run(folder, "explain")
    assert every.returncode == 0
    assert "  SPCONV101  " in every.stdout
    one = run(folder, "explain", "spconv101")
    assert one.stdout.startswith("SPCONV101: ")
    assert "\n    Source: " in one.stdout
    rows = json.loads(run(folder, "explain", "SPCONV", "--format", "json").stdout)
    assert {row["family"] for row in rows} == {"SPCONV"}


def test_schema(folder: Path) -> None:
    assert json.loads(run(folder, "schema").stdout)["title"] == "stackcheck stack definitions"
    assert json.loads(run(folder, "schema", "report").stdout)["title"] == "stackcheck report"
    assert json.loads(run(folder, "schema", "drift").stdout)["title"] == "stackcheck drift"


def test_tables(folder: Path) -> None:
    listed = run(folder, "tables")
    assert listed.returncode == 0
    assert any(line.startswith("gpus ") for line in listed.stdout.splitlines())
    assert "name = NVIDIA L4, capability = 8.9" in run(folder, "tables", "gpus").stdout
    assert json.loads(run(folder, "tables", "gpus", "--format", "json").stdout)[0]["name"] == "gpus"


def test_lock_that_cannot_be_made_offline_says_why(folder: Path) -> None:
    done = run(folder, "lock", "bad", "--offline", "--quiet")
    assert done.returncode == 3
    assert done.stdout.startswith("ERROR bad: no lock: ")
    row = json.loads(run(folder, "lock", "bad", "--offline", "--quiet", "--format", "json").stdout)[0]
    assert row["stack"] == "bad"
    assert row["lock"] is None
    assert row["kind"]


def test_probe_here_without_a_stack(folder: Path) -> None:
    done = run(folder, "probe", "--here", "--format", "json")
    report = from_json(done.stdout)[0]
    assert (report.stack, report.command, report.subject.kind) == ("", "probe", "here")
    assert report.name == sys.executable
    assert report.observation is not None
    assert not report.failed_codes


def test_a_fault_of_stackcheck_is_one_line_and_exit_code_3(folder: Path) -> None:
    code = (
        "import sys\n"
        "from stackcheck import cli\n"
        "from stackcheck.intake import catalog\n"
        "def load(places):\n"
        "    raise RuntimeError('a \\x1b[31mfault')\n"
        "catalog.load = load\n"
        "sys.exit(cli.main())\n"
    )
    (folder / "broken.py").write_text(code, encoding="utf-8")

    def run_broken(*args: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "broken.py", *args]
        return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)

    done = run_broken("list")
    assert (done.returncode, done.stdout) == (3, "")
    assert error_of(done) == (
        "RuntimeError: a fault\n"
        "this is a fault of stackcheck: run it again with --debug, and report the traceback"
    )
    shown = run_broken("list", "--debug")
    assert shown.returncode == 3
    assert "Traceback (most recent call last):" in shown.stderr


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    name = saved(folder, *[PASSED] * 3000)
    with subprocess.Popen(
        [sys.executable, "-m", "stackcheck", "report", name],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_a_full_disk_behind_stdout_is_said(folder: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "stackcheck", "list"],
            cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "stackcheck: error: stdout cannot be written: No space left on device.\n"


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, b"stackcheck: error: interrupted.\n"), (signal.SIGTERM, 143, b"")],
)
def test_signals(folder: Path, number: signal.Signals, code: int, said: bytes) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "stackcheck", "report", "-"],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        time.sleep(1.5)  # it waits for stdin by then
        process.send_signal(number)
        assert process.wait(timeout=60) == code
        assert process.stderr.read() == said


def _on_a_terminal(folder: Path, *args: str, **environ: str) -> str:
    """Run with a terminal as stdout; return what it was sent."""
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stackcheck", *args],
        cwd=folder,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **environ},
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            chunk = os.read(mine, 65536)
        except OSError:
            break
        if not chunk:
            break
        sent += chunk
    os.close(mine)
    process.wait(timeout=60)
    return sent.decode().replace("\r\n", "\n")


def test_colour_at_a_terminal_alone(folder: Path) -> None:
    name = saved(folder, FAILED)
    assert _on_a_terminal(folder, "report", name).startswith(
        "\x1b[1;31mFAIL \x1b[0m \x1b[1mbad\x1b[0m: 1 of 1"
    )
    assert "\x1b" not in _on_a_terminal(folder, "report", name, NO_COLOR="1")
    assert "\x1b" not in _on_a_terminal(folder, "report", name, TERM="dumb")
    assert "\x1b" not in run(folder, "report", name).stdout


def test_a_terminal_without_utf_8_is_no_reason_to_fail(folder: Path) -> None:
    long = Report("bad", (Verdict("AB101", "t", Outcome.PASS, "well", waived="ü" * 700),))
    done = run(folder, "report", saved(folder, long), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 3
    assert "\\u2026" in done.stdout


def test_probing_an_environment_without_a_stack_judges_no_claim(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "env"], cwd=folder, check=True)
    packages = next((folder / "env" / "lib").glob("python*/site-packages"))
    for name in ("torch", "torchaudio", "spconv_cu124"):
        info = packages / f"{name}-2.5.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5.0\n", encoding="utf-8"
        )
    done = run(folder, "probe", "--venv", "env", "--format", "json", "--quiet")
    report = from_json(done.stdout)[0]
    assert report.subject.kind == "venv"
    broken = [v for v in report.verdicts if v.outcome is Outcome.ERROR and "the rule itself" in v.message]
    assert broken == []
    assert [v for v in report.verdicts if v.level is Level.STATED and v.outcome is not Outcome.PASS] == []
