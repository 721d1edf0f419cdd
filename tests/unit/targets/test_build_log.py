"""The log of a build: what of it is shown, kept and hidden, and whose fault it says a failure is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stackcheck.model.errors import BuildFailedError, EngineError, NotCachedError, StackcheckError
from stackcheck.targets.process.build_log import BuildLog, load_faults, printable


def failing(tmp_path: Path, *lines: str) -> StackcheckError:
    with BuildLog(tmp_path / "b.log", lambda _line: None) as log:
        for line in lines:
            log.line(line)
        return log.error("building s")


def test_lines_go_to_the_file_whole_and_to_progress_cut(tmp_path: Path) -> None:
    shown: list[str] = []
    with BuildLog(tmp_path / "logs" / "b.log", shown.append) as log:
        log.line("#7 sha256:abc\n")
        log.line("x" * 500 + "\n")
        log.line("red \x1b[31m\x07")
    assert (tmp_path / "logs" / "b.log").read_text() == f"#7 sha256:abc\n{'x' * 500}\nred \x1b[31m\x07\n"
    assert shown == ["x" * 397 + "...", "red \\x1b[31m\\x07"]


def test_secrets_are_in_neither(tmp_path: Path) -> None:
    shown: list[str] = []
    with BuildLog(tmp_path / "b.log", shown.append, ["hunter2-hunter2"]) as log:
        log.line("Looking in indexes: https://me:pass-word@pypi.example.com/simple")
        log.line("echo hunter2-hunter2")
        tail = log.tail
    for text in ((tmp_path / "b.log").read_text(), "\n".join(shown), tail):
        assert "pass-word" not in text
        assert "hunter2" not in text
        assert "pypi.example.com" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("#6 OSError: [Errno 28] No space left on device", "the disk is full. Look with `docker system df`"),
        (
            "ssl.SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED",
            "a TLS certificate was not accepted. Behind",
        ),
        ("[Errno -3] Temporary failure in name resolution", "a host name was not resolved. Is the network"),
        ("ERROR: HTTP error 503 while getting https://x", "a server could not answer. Run again later."),
        ("ERROR: HTTP error 403 while getting https://x", "the index refused the credentials. Put the login"),
        ("exec /bin/sh: exec format error", "the image is for another processor than this machine's. Build"),
        ("did not complete successfully: exit code: 137", "a build step was killed, most likely for want of"),
        ("pull access denied for x", "an image that the Dockerfile names cannot be had. Name a registry"),
        ("error: invalid peer certificate: UnknownIssuer", "a TLS certificate was not accepted."),
        ("error sending request for url", "the network failed. Run again"),
    ],
)
def test_the_machine_or_the_network_is_an_error(tmp_path: Path, line: str, message: str) -> None:
    error = failing(tmp_path, "#6 Collecting torch", line, "did not complete successfully: exit code: 1")
    assert isinstance(error, EngineError)
    assert f"building s: {message}" in str(error)
    assert "#6 Collecting torch" in str(error)
    assert str(error).endswith(f"The whole log: {tmp_path / 'b.log'}")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES",
            "the index serves another file than the one that was",
        ),
        (
            "ERROR: HTTP error 404 while getting https://x",
            "a locked file is gone from its index. Lock the stack",
        ),
        ("ERROR: x.whl is not a supported wheel on this platform.", "a locked wheel does not fit the Python"),
        ("E: Unable to locate package libgl", "an apt package of the stack does not exist in the base."),
        (
            "The virtual environment was not created because ensurepip is not available",
            "the base cannot make a",
        ),
        ("error: command 'gcc' failed", "a build step failed."),
    ],
)
def test_a_step_of_the_stack_is_a_failed_build(tmp_path: Path, line: str, message: str) -> None:
    error = failing(tmp_path, line, "process did not complete successfully: exit code: 1")
    assert isinstance(error, BuildFailedError)
    assert str(error).startswith(f"building s: {message}")
    assert error.log_file == str(tmp_path / "b.log")
    assert line in error.log_tail


def test_a_retry_that_pip_got_over_is_not_the_reason(tmp_path: Path) -> None:
    retry = "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError'"
    error = failing(tmp_path, retry, "error: command 'gcc' failed", "returned a non-zero code: 1")
    assert isinstance(error, BuildFailedError)
    assert "a build step failed." in str(error)


def test_an_engine_that_ran_no_step_is_an_error(tmp_path: Path) -> None:
    error = failing(tmp_path, "failed to read dockerfile")
    assert isinstance(error, EngineError)
    assert "building s: the engine gave up without running a step." in str(error)


def test_a_network_that_was_not_to_be_used_is_a_choice_and_nobody_s_fault(tmp_path: Path) -> None:
    error = failing(
        tmp_path,
        "cause: Network connectivity is disabled, but the requested data wasn't found in the cache: https://x",
        "uv: step failed with status 1",
    )
    assert isinstance(error, NotCachedError)
    assert str(error) == "building s: not all of it is in the cache, and the network was not to be used."


def test_every_fault_says_whose_it_is_and_what_to_do() -> None:
    for fault in load_faults():
        assert fault.whose in {"engine", "stack", "choice"}
        assert fault.message
        assert fault.hint.endswith((".", "?"))


def test_printable_keeps_a_line_on_its_line() -> None:
    assert printable("a\tb\r\nc\u202e") == "a   b\\r\\nc\\u202e"


def test_a_line_without_end_is_cut_before_anything_looks_at_it(tmp_path: Path) -> None:
    shown: list[str] = []
    start = time.process_time()
    with BuildLog(tmp_path / "b.log", shown.append) as log:
        log.line("authorization:" + " " * 10_000_000)
        log.line("x" * 70_000)
    assert time.process_time() - start < 2
    assert (tmp_path / "b.log").read_text("utf-8").endswith("x" * 100 + " (cut here)\n")
    assert (tmp_path / "b.log").stat().st_size < 140_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_and_hides_no_other_error(tmp_path: Path) -> None:
    (tmp_path / "b.log").symlink_to("/dev/full")
    log = BuildLog(tmp_path / "b.log", lambda _line: None)
    log.__enter__()
    log.line("a step")
    with pytest.raises(EngineError, match=r"cannot write the build log .*: No space left on device"):
        log.__exit__(None, None, None)
    log.__enter__()
    log.line("a step")
    log.__exit__(KeyError, KeyError("the real error"), None)


def test_an_engine_without_its_network_is_not_the_stack_s_fault(tmp_path: Path) -> None:
    with BuildLog(tmp_path / "b.log", lambda _line: None) as log:
        log.line(
            "executor failed running [/bin/sh -c pip install x]: failed to create endpoint x on network bridge"
        )
        assert type(log.error("building")) is EngineError
