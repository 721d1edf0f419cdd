"""The entrypoint as a real process: what it becomes, what it passes on, and how it ends without an answer."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.guard.startarchive import FLAGS, pack
from stackcheck_probes.start import precompile
from tests.unit.probes.start_facts import EXPECTED

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = sys.executable
PROBES = Path(__file__).parents[2] / "probes"
CPU: dict[str, Any] = {
    "accelerator": "cpu",
    "cpu": "allow",
    "packages": [],
    "torch": None,
    "env": {},
    "headers": False,
}


@pytest.fixture
def baked(tmp_path: Path) -> Path:
    """Lay the archive and a healthy expectation into a folder that nobody can write to, as in an image."""
    folder = tmp_path / "opt"
    site = tmp_path / "site-packages"
    folder.mkdir()
    site.mkdir()
    source = tmp_path / "source.pyz"
    source.write_bytes(pack())
    (folder / "stackcheck.pyz").write_bytes(precompile.compiled(str(source)))
    document = dict(EXPECTED, libraries=[], site=[str(site)], **CPU)
    (folder / "expectation.json").write_text(json.dumps(document))
    return folder


def command(folder: Path, *words: str) -> list[str]:
    return [PYTHON, *FLAGS, str(folder / "stackcheck.pyz"), "entrypoint", *words]


def run(folder: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **options.pop("env", {})}
    return subprocess.run(
        command(folder, *words),
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def snapshot(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


class TestBecoming:
    def test_it_is_the_same_process(self, baked: Path) -> None:
        with subprocess.Popen(
            command(baked, "--", "sh", "-c", "echo $$"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.communicate()[0].strip() == str(process.pid).encode()

    def test_exit_codes_and_signals_are_the_command_s(self, baked: Path) -> None:
        assert run(baked, "--", "sh", "-c", "exit 41").returncode == 41
        assert run(baked, "--", "sh", "-c", "kill -9 $$").returncode == -9
        assert run(baked, "--", "sh", "-c", "kill -PIPE $$; exit 7").returncode == -signal.SIGPIPE

    def test_arguments_input_folder_and_environment_arrive_as_they_were(
        self, baked: Path, tmp_path: Path
    ) -> None:
        done = run(
            baked,
            "--",
            "sh",
            "-c",
            'cat; pwd; printf "%s|" "$@"',
            "x",
            "a b",
            "--check",
            "",
            input="in\n",
            cwd=tmp_path,
        )
        assert done.stdout == f"in\n{tmp_path}\na b|--check||"
        seen = run(baked, "--", "env", env={"A": "1", "B": "two words", "PYTHONPATH": "/x"})
        assert sorted(seen.stdout.splitlines()) == sorted(
            ["A=1", "B=two words", "PYTHONPATH=/x", f"PATH={os.environ['PATH']}"]
        )

    def test_an_environment_that_is_no_text(self, baked: Path) -> None:
        environ = {b"PATH": os.environb[b"PATH"], b"RAW": b"\xff\xfe"}
        done = subprocess.run(
            command(baked, "--", "sh", "-c", "printf %s $RAW"), env=environ, capture_output=True, check=True
        )
        assert done.stdout == b"\xff\xfe"

    def test_open_files_are_passed_on_and_none_is_added(self, baked: Path) -> None:
        reading, writing = os.pipe()
        script = (
            f"import os; os.write({writing}, b'x'); print(*sorted(map(int, os.listdir('/proc/self/fd'))))"
        )
        done = run(baked, "--", PYTHON, "-c", script, pass_fds=(writing,))
        listing = 3 if writing != 3 else 4  # the descriptor of the listing itself
        assert done.stdout.split() == [str(each) for each in sorted({0, 1, 2, writing, listing})]
        os.close(writing)
        assert os.read(reading, 10) == b"x"
        os.close(reading)

    def test_no_signal_is_left_ignored_or_blocked(self, baked: Path) -> None:
        plain = subprocess.run(
            ["grep", "^Sig[IBC]", "/proc/self/status"], capture_output=True, text=True, check=True
        )
        assert run(baked, "--", "grep", "^Sig[IBC]", "/proc/self/status").stdout == plain.stdout

    def test_a_signal_that_was_ignored_stays_ignored(self, baked: Path) -> None:
        def ignored(before: str) -> int:
            script = f"trap '' HUP; exec {before} grep ^SigIgn /proc/self/status"
            done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
            return int(done.stdout.split()[1], 16)

        plain = ignored("")  # whoever started the tests may have signals ignored, too
        assert plain & 1 << (signal.SIGHUP - 1)
        assert ignored(" ".join(command(baked, "--"))) == plain

    def test_a_terminal_stays_one(self, baked: Path) -> None:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(  # noqa: S606 - in the child of the pseudo-terminal
                PYTHON,
                command(
                    baked, "--", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && read x && echo got $x"
                ),
            )
        os.write(terminal, b"line\n")
        said = b""
        try:
            while chunk := os.read(terminal, 1000):
                said += chunk
        except OSError:  # Linux says so when the other side has closed
            pass
        assert os.waitpid(pid, 0)[1] == 0
        assert b"got line" in said

    def test_nothing_is_left_running(self, baked: Path) -> None:
        done = run(
            baked,
            "--",
            PYTHON,
            "-c",
            "import os\n"
            "try:\n    print(os.waitpid(-1, os.WNOHANG))\n"
            "except ChildProcessError:\n    print('no child')",
        )
        assert done.stdout == "no child\n"

    def test_nothing_is_written(self, baked: Path, tmp_path: Path) -> None:
        before = snapshot(tmp_path)
        for path in (baked, tmp_path):
            path.chmod(0o555)
        assert run(baked, "--", "true", cwd=tmp_path).returncode == 0
        assert run(baked, "--check", cwd=tmp_path).returncode == 0
        assert snapshot(tmp_path) == before

    def test_a_command_that_cannot_be_run(self, baked: Path, tmp_path: Path) -> None:
        missing = run(baked, "--", "no-such-command")
        assert (missing.returncode, missing.stderr.splitlines()[-1]) == (
            127,
            "stackcheck: 'no-such-command': command not found",
        )
        closed = run(baked, "--", str(tmp_path / "opt/expectation.json"))
        assert closed.returncode == 126
        assert closed.stderr.splitlines()[-1].endswith("cannot be run: Permission denied")

    def test_closed_standard_streams_do_not_matter(self, baked: Path, tmp_path: Path) -> None:
        script = f"exec 0<&- 1>&- 2>&-; exec {' '.join(command(baked, '--'))} sh -c 'exit 5'"
        assert subprocess.run(["sh", "-c", script], check=False, timeout=30).returncode == 5

    def test_another_python_than_the_one_that_compiled_it(self, baked: Path) -> None:
        (baked / "stackcheck.pyz").write_bytes(pack())  # what is left when no compiled module fits
        assert run(baked, "--", "echo", "yes").stdout == "yes\n"


class TestChecking:
    def test_healthy_says_one_line(self, baked: Path) -> None:
        done = run(baked, "--", "echo", "out")
        assert (done.returncode, done.stdout) == (0, "out\n")
        assert done.stderr.startswith("stackcheck: s is healthy (")
        assert len(done.stderr.splitlines()) == 1

    def test_a_health_check_runs_nothing_and_says_it_on_standard_output(self, baked: Path) -> None:
        done = run(baked, "--check", "--", "echo", "no")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("stackcheck: s is healthy (")
        assert run(baked).stdout.startswith("stackcheck: s is healthy (")

    @pytest.mark.parametrize(
        ("policy", "code", "out"),
        [("", 1, ""), ("enforce", 1, ""), ("warn", 0, "out\n"), ("off", 0, "out\n")],
    )
    def test_policies(self, baked: Path, policy: str, code: int, out: str) -> None:
        self.change(
            baked,
            packages=[
                [
                    "torch",
                    "2.5.0",
                    "torch-2.5.0.dist-info",
                    json.loads((baked / "expectation.json").read_text())["site"][0],
                ]
            ],
        )
        done = run(baked, "--", "echo", "out", env={"STACKCHECK_POLICY": policy})
        assert (done.returncode, done.stdout) == (code, out)
        if policy == "off":
            assert done.stderr == ""
            assert run(baked, "--check", env={"STACKCHECK_POLICY": "off"}).returncode == 1
        else:
            head = done.stderr.splitlines()[0]
            assert head.startswith("stackcheck: s is misconfigured (")
            assert head.endswith(": started all the same" if policy == "warn" else ": not started")
            assert "  1. FAIL versions: torch 2.5.0 is expected, and nothing is installed" in done.stderr

    def test_json_is_one_line(self, baked: Path) -> None:
        done = run(baked, "--", "true", env={"STACKCHECK_FORMAT": "json"})
        assert len(done.stderr.splitlines()) == 1
        document = json.loads(done.stderr)
        assert (document["answer"], document["starts"], document["causes"]) == ("healthy", True, [])

    def test_a_wrong_call(self, baked: Path) -> None:
        done = run(baked, "--wrong")
        assert done.returncode == 2
        assert done.stderr == (
            "stackcheck: --wrong is not an option\n"
            "usage: entrypoint [--check] [--expectation FILE] [--] COMMAND [ARGUMENT...]\n"
        )

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"{}", None])
    def test_an_expectation_that_is_broken_or_missing(self, baked: Path, content: bytes | None) -> None:
        path = baked / "expectation.json"
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        refused = run(baked, "--", "echo", "out")
        assert (refused.returncode, refused.stdout) == (3, "")
        assert refused.stderr.startswith("stackcheck: this image could not be checked (")
        assert "  1. ERROR expectation: the expectation " in refused.stderr
        assert "Traceback" not in refused.stderr
        assert run(baked, "--", "echo", "out", env={"STACKCHECK_POLICY": "warn"}).stdout == "out\n"

    def test_an_expectation_that_is_damaged_inside(self, baked: Path) -> None:
        self.change(baked, packages=[17])
        done = run(baked, "--", "true")
        assert done.returncode == 3
        assert "  1. ERROR expectation: the check itself failed in " in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_pipe_in_place_of_the_expectation_does_not_hang(self, baked: Path) -> None:
        path = baked / "expectation.json"
        path.unlink()
        os.mkfifo(path)
        started = time.monotonic()
        assert run(baked, "--", "true").returncode == 3
        assert time.monotonic() - started < 5

    def test_standard_error_that_nobody_reads_does_not_hang(self, baked: Path) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 65536)
        except BlockingIOError:
            os.set_blocking(writing, True)
        with subprocess.Popen(command(baked, "--", "sh", "-c", "exit 6"), stderr=writing) as process:
            assert process.wait(timeout=20) == 6
        os.close(reading)
        os.close(writing)

    def change(self, baked: Path, **fields: Any) -> None:
        path = baked / "expectation.json"
        path.write_text(json.dumps(dict(json.loads(path.read_text()), **fields)))


BOUNDED = """
import os, sys, time
sys.path.insert(0, {probes!r})
from stackcheck_probes.start import bounded
def work(tell):
    tell("the first step")
    tell("the second")
    {work}
    return b"fine"
try:
    *answer, doing = bounded.run(work, {seconds})
    assert doing == "the second", doing
    print(tuple(answer))
except bounded.StoppedError as stopped:
    print("stopped by", stopped.number)
"""


def bounded(work: str, seconds: float = 20.0) -> str:
    script = BOUNDED.format(probes=str(PROBES), work=work, seconds=seconds)
    done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


class TestBounds:
    @pytest.mark.parametrize(
        ("work", "answer"),
        [
            ("pass", "(b'fine', '')"),
            ("return b'x' * 300_000", f"({b'x' * 300_000!r}, '')"),
            ("os.abort()", "(b'', 'it was ended by SIGABRT')"),
            ("import ctypes; ctypes.string_at(0)", "(b'', 'it was ended by SIGSEGV')"),
            ("os._exit(9)", "(b'', 'it ended with status 9')"),
            ("raise SystemExit(0)", "(b'', 'it ended with status 71')"),
            ("x = bytearray(8 << 30)", "(b'', 'it ended with status 71')"),
            ("print('noise', flush=True); os.write(2, b'noise')", "(b'fine', '')"),
        ],
    )
    def test_what_a_check_can_do_costs_only_itself(self, work: str, answer: str) -> None:
        assert bounded(work) == answer

    @pytest.mark.parametrize(
        "work",
        [
            "time.sleep(600)",
            "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(600)",
            "import ctypes; ctypes.CDLL(None).pause()",
            "\n    while True: pass",
        ],
    )
    def test_a_check_that_hangs_ends_in_time(self, work: str) -> None:
        started = time.monotonic()
        assert bounded(work, 0.5) == "(b'', 'no answer within 0.5 s')"
        assert time.monotonic() - started < 5

    def test_a_signal_ends_it_and_the_child(self) -> None:
        work = "import signal; os.kill(os.getppid(), signal.SIGTERM); time.sleep(600)"
        started = time.monotonic()
        assert bounded(work) == "stopped by 15"
        assert time.monotonic() - started < 5


@pytest.fixture
def stopped(baked: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start an entrypoint whose check is slow: a thousand libraries that are read again."""
    site = baked.parent / "site-packages"
    rows = []
    for number in range(3000):
        (site / f"p{number}").mkdir()
        (site / f"p{number}/a.so").write_bytes(b"\x7fELF" + b"\0" * 8000)
        rows.append([f"p{number}/a.so", 1, 1, -1, 0])
    path = baked / "expectation.json"
    path.write_text(json.dumps(dict(json.loads(path.read_text()), libraries=rows)))
    with subprocess.Popen(command(baked, "--", "sleep", "60"), stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_during_the_check_ends_it_as_the_signal_would(
    stopped: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    time.sleep(0.15)
    stopped.send_signal(number)
    assert stopped.wait(timeout=20) == -number


def test_the_command_of_the_host_is_the_same(baked: Path) -> None:
    done = subprocess.run(
        [
            str(Path(PYTHON).parent / "stackcheck"),
            "entrypoint",
            "--expectation",
            str(baked / "expectation.json"),
            "--",
            "sh",
            "-c",
            "echo $0 $1; exit 4",
            "a",
            "--b",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "a --b\n")
    assert done.stderr.startswith("stackcheck: s is healthy (")


def test_compiling_is_reproducible(baked: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.pyz"
    assert pack() == source.read_bytes()
    assert precompile.compiled(str(source)) == (baked / "stackcheck.pyz").read_bytes()


TWICE = """
import os, sys
sys.path.insert(0, {probes!r})
from stackcheck_probes.start.entrypoint import _Pairs
pairs = [(b"NAME", b"first"), (b"NAME", b"second"), (b"PATH", b"/usr/bin:/bin")]
os.execve({python!r}, {words!r}, _Pairs(pairs))
"""


def test_a_name_that_stands_twice_in_the_environment_is_passed_on_twice(baked: Path) -> None:
    show = [PYTHON, "-c", "print(open('/proc/self/environ', 'rb').read().split(b'\\0')[:2])"]
    script = TWICE.format(probes=str(PROBES), python=PYTHON, words=command(baked, "--", *show))
    done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[b'NAME=first', b'NAME=second']\n"
