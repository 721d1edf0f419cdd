"""The agent as a real subprocess: what a bad probe costs, and that it costs nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from stackcheck.model.facts import Missing
from stackcheck.probing import agent
from stackcheck.probing.observation import Failure, Observation, parse_observation
from stackcheck_probes import processes

GOOD = 'GRADE = "static"\ndef run(params):\n    return {"seen": params.get("say", "nothing")}\n'
IMPORTS = "import contextlib, ctypes, os, signal, sys, tempfile, time"

BAD = {
    "b_segfault": "ctypes.string_at(0)",
    "b_abort": "os.abort()",
    "b_hang": "time.sleep(600)",
    "b_hang_ignoring": "signal.signal(15, signal.SIG_IGN)\ntime.sleep(600)",
    "b_print": "for _ in range(1600):\n    os.write(1, b'x' * 65536)",
    "b_fork_bomb": "while True:\n    os.fork()",
    "b_sessions": "for _ in range(100):\n    os.fork() or (os.setsid(), time.sleep(600))\ntime.sleep(600)",
    "b_memory_at_once": "bytearray(1 << 46)",
    "b_memory_in_steps": "kept = []\nwhile True:\n    kept.append(bytearray(b'x' * (8 << 20)))",
    "b_exit": "os._exit(7)",
    "b_sys_exit": "sys.exit('enough')",
    "b_raise": "raise RuntimeError('https://me:secret@host/simple is down')",
    "b_garbage": (
        "for fd in range(3, 64):\n    with contextlib.suppress(OSError):\n"
        "        os.write(fd, b'\\x00{]garbage\\n')\ntime.sleep(600)"
    ),
    "b_not_json": "return {'x': object()}",
    "b_nan": "return {'x': float('nan')}",
    "b_not_a_dict": "return 'fine'",
    "b_huge_facts": "return {'x': 'y' * (4 << 20)}",
    "b_recursion": "def again():\n    return again()\nagain()",
    "b_big_file": "with tempfile.TemporaryFile() as file:\n    file.write(b'x' * (3 << 20))",
    "b_syntax": "this is no Python",
}
"""Bodies of `run` of probes that misbehave."""
LIMITS = {
    "memory_bytes": 400 << 20,
    "processes": 20,
    "file_bytes": 1 << 20,
    "facts_bytes": 1 << 20,
    "printed_bytes": 4 << 20,
}

EXPECTED = {
    "b_segfault": Failure("signal", "ended by SIGSEGV", "SIGSEGV"),
    "b_abort": Failure("signal", "ended by SIGABRT", "SIGABRT"),
    "b_hang": Failure("timeout", "no answer within 2 s"),
    "b_hang_ignoring": Failure("timeout", "no answer within 2 s"),
    "b_print": Failure("oversized", "printed more than 4194304 bytes"),
    "b_fork_bomb": Failure("processes", "started more than 20 processes"),
    "b_sessions": Failure("processes", "started more than 20 processes"),
    "b_memory_at_once": Failure("memory", "out of memory (MemoryError)"),
    "b_memory_in_steps": Failure("memory", "used more than 419430400 bytes of memory"),
    "b_exit": Failure("exit", "the process ended with status 7 before it reported"),
    "b_sys_exit": Failure("exception", "SystemExit: enough"),
    "b_raise": Failure("exception", "RuntimeError: https://***@host/simple is down"),
    "b_garbage": Failure("garbage", "something other than the probe wrote into its report"),
    "b_not_json": Failure(
        "garbage", "the facts are not JSON: Object of type object is not JSON serializable"
    ),
    "b_nan": Failure("garbage", "the facts are not JSON: Out of range float values are not JSON compliant"),
    "b_not_a_dict": Failure("garbage", "the facts are not a dict but a str"),
    "b_huge_facts": Failure("oversized", "reported more than 1048576 bytes"),
    "b_recursion": Failure("exception", "RecursionError: maximum recursion depth exceeded"),
    "b_big_file": Failure("exception", "OSError: [Errno 27] File too large"),
    "b_syntax": Failure("exception", "SyntaxError: invalid syntax (b_syntax.py, line 5)"),
}


def probe(body: str) -> str:
    lines = textwrap.indent(f"{body}\nreturn {{}}", "    ")
    return f'GRADE = "import"\n{IMPORTS}\n\ndef run(params):\n{lines}\n'


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = {name: probe(body) for name, body in BAD.items()}
    sources |= {f"s_{name}": source.replace('"import"', '"static"') for name, source in sources.items()}
    sources |= {"a_good": GOOD, "z_good": GOOD, "c_gpu": GOOD.replace("static", "gpu")}
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    path.write_bytes(agent.pack(sources))
    return path


def ask(packed: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(packed), *arguments]
    return subprocess.run(
        command, input=(stdin or "").encode(), capture_output=True, check=False, timeout=120
    )


def observe(packed: Path, **request: Any) -> Observation:
    done = ask(packed, json.dumps({"timeout_s": 2, "limits": LIMITS, **request}))
    assert done.returncode == 0, done.stderr
    return parse_observation(done.stdout)


def without_tail(failure: Failure) -> Failure:
    return Failure(failure.kind, failure.message, failure.signal)


LATE = "no answer within the time that all probes have together (--timeout)"


@pytest.mark.parametrize("grade", ["", "s_"])
def test_the_time_of_all_probes_ends_those_that_are_late_and_the_rest_has_answered(
    packed: Path, grade: str
) -> None:
    started = time.monotonic()
    late = [f"{grade}b_hang", f"{grade}b_hang_ignoring"]
    seen = observe(packed, probes=["a_good", *late, "b_segfault"], timeout_s=60, whole_s=3)
    assert time.monotonic() - started < 20
    assert seen.facts("a_good") == {"seen": "nothing"}
    assert {name: seen.failures[name].kind for name in late} == dict.fromkeys(late, "timeout")
    assert LATE in {seen.failures[name].message for name in late}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_probe_costs_its_own_entry_and_nothing_else(packed: Path, name: str) -> None:
    seen = observe(packed, probes=["a_good", name, "z_good"], params={"a_good": {"say": "hello"}})
    assert {each: without_tail(failure) for each, failure in seen.failures.items()} == {name: EXPECTED[name]}
    assert seen.facts("a_good") == {"seen": "hello"}
    assert seen.facts("z_good") == {"seen": "nothing"}


@pytest.mark.parametrize(
    "name",
    [
        "b_segfault",
        "b_hang",
        "b_print",
        "b_fork_bomb",
        "b_memory_in_steps",
        "b_exit",
        "b_garbage",
        "b_huge_facts",
    ],
)
def test_static_probes_share_a_child_and_still_pay_alone(packed: Path, name: str) -> None:
    seen = observe(packed, probes=["a_good", f"s_{name}", "z_good"])
    assert {each: without_tail(failure) for each, failure in seen.failures.items()} == {
        f"s_{name}": EXPECTED[name]
    }
    assert seen.facts("z_good") == {"seen": "nothing"}


def test_several_bad_static_probes_in_a_row_each_pay_alone(packed: Path) -> None:
    bad = ["s_b_exit", "s_b_segfault", "s_b_raise", "s_b_syntax", "s_b_not_json"]
    seen = observe(packed, probes=["a_good", *bad, "z_good"])
    assert list(seen.probes) == ["a_good", *bad, "z_good"]
    assert {name: failure.kind for name, failure in seen.failures.items()} == {
        "s_b_exit": "exit",
        "s_b_segfault": "signal",
        "s_b_raise": "exception",
        "s_b_syntax": "exception",
        "s_b_not_json": "garbage",
    }


def test_a_crash_names_the_python_line(packed: Path) -> None:
    tail = observe(packed, probes=["b_segfault"]).failures["b_segfault"].stderr_tail
    assert "Segmentation fault" in tail
    assert "b_segfault.py" in tail


def test_a_fork_that_comes_back_from_a_probe_reports_nothing(tmp_path: Path) -> None:
    forking = probe(
        "first = os.getpid()\nos.fork()\ntime.sleep(0.1)\nreturn {'original': os.getpid() == first}"
    )
    path = tmp_path / "agent.pyz"
    path.write_bytes(agent.pack({"forking": forking.replace('"import"', '"static"'), "z_good": GOOD}))
    seen = observe(path, probes=["forking", "z_good"])
    assert seen.facts("forking") == {"original": True}
    assert seen.facts("z_good") == {"seen": "nothing"}


def test_what_libraries_print_is_kept_out_of_the_document(tmp_path: Path) -> None:
    packed = tmp_path / "agent.pyz"
    noise = "os.write(1, b'{\"probes\": {}}\\n')\nprint('noise', flush=True)\nreturn {'x': 1}"
    packed.write_bytes(agent.pack({"noisy": probe(noise)}))
    assert observe(packed, probes=["noisy"]).facts("noisy") == {"x": 1}


WRITE_PID = "with open(params['pid_file'], 'w') as file:\n    file.write(str(os.getpid()))\n"
LEFT = f"""\
if not os.fork():
    os.setsid()
    if not os.fork():
{textwrap.indent(WRITE_PID, "        ")}
        time.sleep(600)
    os._exit(0)
while not os.path.exists(params['pid_file']) or not os.path.getsize(params['pid_file']):
    time.sleep(0.01)
"""


def test_a_process_that_a_good_probe_leaves_behind_does_not_survive(tmp_path: Path) -> None:
    path, pid_file = tmp_path / "agent.pyz", tmp_path / "pid"
    path.write_bytes(agent.pack({"left": probe(LEFT)}))
    assert observe(path, probes=["left"], params={"left": {"pid_file": str(pid_file)}}).facts("left") == {}
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_probes_die_with_an_agent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    path, pid_file = tmp_path / "agent.pyz", tmp_path / "pid"
    path.write_bytes(agent.pack({"waiting": probe(WRITE_PID + "time.sleep(600)")}))
    request = json.dumps({"probes": ["waiting"], "params": {"waiting": {"pid_file": str(pid_file)}}})
    with subprocess.Popen([sys.executable, str(path), request], stdout=subprocess.DEVNULL) as running:
        await_true(lambda: pid_file.exists() and pid_file.read_text() != "")
        running.send_signal(number)
    await_true(lambda: not Path(f"/proc/{pid_file.read_text()}").exists())


def await_true(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_gpu_probe_without_a_device_is_skipped_and_says_where_it_looked(
    packed: Path, tmp_path: Path
) -> None:
    absent = str(tmp_path / "nvidia[0-9]*")
    seen = observe(packed, probes=["c_gpu"], device_nodes=[absent])
    assert seen.probes["c_gpu"].reason == "no GPU here: no device node of its driver"
    assert observe(packed, probes=["c_gpu"], device_nodes=[]).probes["c_gpu"].reason == "no GPU was asked for"
    (tmp_path / "nvidia0").touch()
    assert observe(packed, probes=["c_gpu"], device_nodes=[absent]).facts("c_gpu") == {"seen": "nothing"}


SHARED = """\
GRADE = "import"
PRELOAD = "shared_by_tests"
import os, sys

def run(params):
    early = "shared_by_tests" in sys.modules
    import shared_by_tests
    return {"early": early, "parent": os.getppid()}
"""


def import_from(folder: Path, body: str, **request: Any) -> Observation:
    """Observe two probes that share the import of a module with this body."""
    (folder / "shared_by_tests.py").write_text(f"import os, time\n{body}\n")
    path = folder / "agent.pyz"
    path.write_bytes(agent.pack({"p_one": SHARED, "p_two": SHARED, "a_good": GOOD}))
    asked = json.dumps({"probes": ["a_good", "p_one", "p_two"], "timeout_s": 2, **request})
    command, env = [sys.executable, str(path), asked], {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, env=env)
    return parse_observation(done.stdout)


def test_probes_that_share_an_import_have_it_when_they_start_and_a_process_each(tmp_path: Path) -> None:
    seen = import_from(tmp_path, "print('noise')")
    one, two = seen.facts("p_one"), seen.facts("p_two")
    assert not isinstance(one, Missing)
    assert one == two
    assert one["early"] is True


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("raise ImportError('no')", "exception", "ImportError: no"),
        ("os.abort()", "signal", "ended by SIGABRT"),
        ("os._exit(5)", "exit", "the process ended with status 5 before it reported"),
        ("time.sleep(600)", "timeout", "no answer within 2 s"),
    ],
)
def test_a_shared_import_that_fails_is_met_by_each_probe_itself(
    tmp_path: Path, body: str, kind: str, message: str
) -> None:
    seen = import_from(tmp_path, body)
    expected = dict.fromkeys(
        ["p_one", "p_two"], Failure(kind, message, "SIGABRT" if kind == "signal" else "")
    )
    assert {name: without_tail(failure) for name, failure in seen.failures.items()} == expected
    assert seen.facts("a_good") == {"seen": "nothing"}


def test_a_probe_that_the_agent_does_not_carry(packed: Path) -> None:
    seen = observe(packed, probes=["nonesuch", "../a_good", "isolation"])
    expected = Failure("exception", "the agent carries no probe of this name")
    assert seen.failures == dict.fromkeys(["nonesuch", "../a_good", "isolation"], expected)


def test_a_request_comes_from_standard_input_as_well(packed: Path) -> None:
    done = ask(
        packed, "-", stdin=json.dumps({"probes": ["a_good"], "params": {"a_good": {"say": "x" * 200_000}}})
    )
    assert parse_observation(done.stdout).facts("a_good") == {"seen": "x" * 65536 + "... (200000 characters)"}


def test_one_probe_by_hand(packed: Path) -> None:
    done = ask(packed, "--probe", "a_good", '{"say": "hand"}')
    assert parse_observation(done.stdout).facts("a_good") == {"seen": "hand"}
    assert done.stdout.startswith(b'{\n  "schema_version": 1')


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{"], "not a request: Expecting property name enclosed in double quotes"),
        (['{"probe": []}'], "not a request: unknown ['probe'], of a wrong type []"),
        (['{"params": []}'], "not a request: unknown [], of a wrong type ['params']"),
        (["[]"], "not a request: "),
        (["a", "b"], "one request, or --probe NAME [PARAMS], or nothing; not 2 arguments"),
    ],
)
def test_a_wrong_request_is_status_2_and_one_line(packed: Path, arguments: list[str], message: str) -> None:
    done = ask(packed, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"stackcheck agent: {message}")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13", "3.14"])
def test_the_real_probes_answer_under_another_python(tmp_path: Path, version: str) -> None:
    folders = [str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin")]
    python = shutil.which(f"python{version}", path=os.pathsep.join([*folders, os.environ["PATH"]]))
    if python is None:
        pytest.skip(f"no Python {version} here")
    path = tmp_path / "agent.pyz"
    path.write_bytes(agent.pack())
    request = json.dumps({"probes": list(agent.MACHINE)})
    done = subprocess.run([python, str(path), request], capture_output=True, check=False, timeout=60)
    if b"No such file" in done.stderr or done.returncode == 127:
        pytest.skip(f"Python {version} is a link to nothing")
    seen = parse_observation(done.stdout)
    assert seen.python.startswith(f"{version}.")
    assert seen.failures == {}


def test_a_python_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    found = [
        path
        for old in ("2.7", "3.6", "3.7")
        for path in Path.home().glob(f".pyenv/versions/{old}.*/bin/python")
    ]
    if not found:
        pytest.skip("no Python older than 3.8 here")
    path = tmp_path / "agent.pyz"
    path.write_bytes(agent.pack())
    done = subprocess.run([str(found[0]), str(path)], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"the probes of stackcheck need Python 3.8 or newer; this is ")


def test_children_are_found_with_and_without_the_kernel_s_list_of_them() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in processes.children(os.getpid())
        assert child.pid in processes._children_by_stat(os.getpid())
        assert child.pid in processes.descendants(os.getppid())
        assert processes.resident_bytes(child.pid) > 1 << 20
        child.communicate(b"\n")
    assert processes.children(child.pid) == []
    assert processes.resident_bytes(child.pid) == 0


BURN = (
    "end = time.thread_time() + {seconds}\nwhile time.thread_time() < end:\n    sum(range(1000))\nreturn {{}}"
)


def test_a_probe_on_a_machine_under_load_is_not_called_slow(tmp_path: Path) -> None:
    """Five processes a core want the CPU: what needs 1 s of it takes 5 s by the clock, and may take 2 s."""
    path = tmp_path / "agent.pyz"
    path.write_bytes(
        agent.pack({"d_busy": probe(BURN.format(seconds=1.0)), "d_asleep": probe("time.sleep(600)")})
    )
    burning = "import os\nwhile True:\n    pass"
    # Each in a session of its own: the kernel may share the CPU out by sessions, and probes have one.
    burners = [
        subprocess.Popen([sys.executable, "-c", burning], start_new_session=True)
        for _ in range(5 * (os.cpu_count() or 1))
    ]
    try:
        started = time.monotonic()
        seen = observe(path, probes=["d_busy"])
        took = time.monotonic() - started
        asleep = observe(path, probes=["d_asleep"])
    finally:
        for each in burners:
            each.kill()
            each.wait()
    assert seen.failures == {}
    assert took > 2, "the machine was not under load"
    assert asleep.failures["d_asleep"].kind == "timeout"
