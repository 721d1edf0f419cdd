"""The entrypoint of an image: check that the container is what it was baked to be, then become the command.

    python -I -S -B stackcheck.pyz entrypoint -- CMD...     check, then run CMD in this very process
    python -I -S -B stackcheck.pyz entrypoint --check       check only: a health check

The environment says how: STACKCHECK_POLICY=enforce|warn|off, STACKCHECK_CPU=allow|refuse,
STACKCHECK_FORMAT=text|json, STACKCHECK_TIMEOUT=SECONDS, STACKCHECK_EXPECTATION=FILE, STACKCHECK_READ=again.
The check runs in a child with a deadline; this process loads nothing, and passes on PID, environment, open
files, terminal and signals as it got them. Exit codes: 0 healthy, 1 misconfigured, 3 could not be checked;
126 and 127 as of a shell for a command that cannot be run.
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from stackcheck_probes.start.causes import Cause

POLICIES = ("enforce", "warn", "off")
TIMEOUT_SECONDS = 10.0
MAX_TIMEOUT = 600.0
USAGE = "usage: entrypoint [--check] [--expectation FILE] [--] COMMAND [ARGUMENT...]\n"
WRONG_CALL, NOT_EXECUTABLE, NOT_FOUND = 2, 126, 127
PIECE = 4096  # what a pipe that is ready takes without blocking


class Call:
    """What the command line and the environment ask for."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str]) -> None:
        self.check = False
        self.expectation = environ.get("STACKCHECK_EXPECTATION", "")
        self.wrong = ""
        words = list(arguments)
        while words and words[0].startswith("-"):
            word = words.pop(0)
            if word == "--":
                break
            if word == "--check":
                self.check = True
            elif word == "--expectation" and words:
                self.expectation = words.pop(0)
            else:
                self.wrong = "%s is not an option" % word
                break
        self.command = words
        self.check = self.check or not words
        self.policy = environ.get("STACKCHECK_POLICY", "") or "enforce"
        self.cpu = environ.get("STACKCHECK_CPU", "")
        self.json = environ.get("STACKCHECK_FORMAT", "") == "json"
        self.seconds = _seconds(environ.get("STACKCHECK_TIMEOUT", ""))
        self.settings = [
            "%s=%r is not one of %s; %s holds" % row
            for row in (
                ("STACKCHECK_POLICY", self.policy, ", ".join(POLICIES), "enforce"),
                ("STACKCHECK_CPU", self.cpu, "allow, refuse", "what the image says"),
            )
            if row[1] and row[1] not in row[2].split(", ")
        ]
        self.policy = self.policy if self.policy in POLICIES else "enforce"
        self.cpu = self.cpu if self.cpu in ("allow", "refuse") else ""

    def starts(self, code: int) -> bool:
        """Tell whether the command is run after an answer."""
        return not self.check and (code == 0 or self.policy == "warn")


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.05), MAX_TIMEOUT) if text else TIMEOUT_SECONDS
    except ValueError:
        return TIMEOUT_SECONDS


def main(arguments: list[str]) -> int:
    """Check and become the command; return the exit code when it is not started."""
    call = Call(arguments, os.environ)
    if call.wrong:
        _say("stackcheck: %s\n%s" % (call.wrong, USAGE), 2)
        return WRONG_CALL
    if call.policy == "off" and not call.check:
        return become(call.command)
    from stackcheck_probes.start import bounded

    try:
        code, text = answer(call, os.environ)
    except bounded.StoppedError as stopped:
        _stop(stopped.number)
    _say(text, 1 if call.check else 2)
    if call.starts(code):
        return become(call.command)
    return code


def answer(call: Call, environ: Mapping[str, str], **host: Any) -> tuple[int, str]:
    """Check in a child; return the exit code and the text for the screen. host: as for `startlook.Host`."""
    from stackcheck_probes.start import bounded

    said, fault, doing = bounded.run(
        lambda tell: _checked(call, environ, {"command": call.command, **host, "doing": tell}), call.seconds
    )
    if fault:
        return _crashed(call, fault, doing)
    return said[0] - 48, said[1:].decode("utf-8", "replace")


def _checked(call: Call, environ: Mapping[str, str], host: Mapping[str, Any]) -> bytes:
    """Be the child: look, judge, and return the answer's digit with the text for the screen."""
    from stackcheck_probes.start import causes, expectation

    started = time.monotonic()
    name = "this image"
    try:
        document = expectation.load(call.expectation or expectation.beside(sys.argv[0]))
        name = document["stack"] or name
        found = _judged(call, document, environ, host)
    except expectation.ExpectationError as error:
        hint = "bake the image again (STACKCHECK_POLICY=warn starts it all the same)"
        found = [causes.unchecked("expectation", str(error), hint)]
    except Exception as error:
        found = [causes.unchecked("expectation", _broken(error), "report this, with the expectation")]
    return _rendered(call, found, name, time.monotonic() - started)


def _judged(
    call: Call, document: Mapping[str, Any], environ: Mapping[str, str], host: Mapping[str, Any]
) -> list[Cause]:
    from stackcheck_probes.start import startjudge, startlook

    seen = startlook.look(document, dict(environ), startlook.Host(**host))
    return startjudge.judge(document, seen, call.cpu)


def _broken(error: Exception) -> str:
    """Say in one line where a check failed: the expectation is damaged, or stackcheck has a fault."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "%s:%d" % (trace.tb_frame.f_code.co_name, trace.tb_lineno) if trace else "?"
    return "the check itself failed in %s: %s: %s" % (where, type(error).__name__, str(error)[:200])


def _crashed(call: Call, fault: str, doing: str) -> tuple[int, str]:
    from stackcheck_probes.start import causes

    hint = "STACKCHECK_TIMEOUT=SECONDS gives it longer, STACKCHECK_POLICY=warn starts all the same"
    kind, text = "expectation", "the check did not finish: %s" % fault
    late = fault.startswith("no answer")
    if doing:
        kind, text = "devices", "%s did not come back: %s" % (doing, fault)
    if doing and late:
        hint = (
            "the driver's persistence mode on the host (nvidia-persistenced) saves it seconds a GPU; " + hint
        )
    found = [causes.unchecked(kind, text, hint)]
    said = _rendered(call, found, "this image", call.seconds if late else 0.0)
    return causes.UNCHECKED, said[1:].decode("utf-8", "replace")


def _rendered(call: Call, found: list[Cause], name: str, seconds: float) -> bytes:
    from stackcheck_probes.start import causes

    code = causes.answer(found)
    if call.json:
        text = causes.render_json(found, name, call.policy, call.starts(code), seconds)
    else:
        then = (
            ""
            if call.check or code == 0
            else ": started all the same"
            if call.starts(code)
            else ": not started"
        )
        text = "".join("stackcheck: %s\n" % causes.printable(each) for each in call.settings)
        text += causes.render_text(found, name, then, seconds)
    return b"%d" % code + text.encode("utf-8", "backslashreplace")


def _say(text: str, fd: int) -> None:
    """Write to a descriptor that may be closed, or a pipe that nobody reads: that must not stop the start."""
    import select

    left = text.encode("utf-8", "backslashreplace")
    try:
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        while left and poll.poll(1000):
            left = left[os.write(fd, left[:PIECE]) :]
    except OSError:
        return


def _stop(number: int) -> NoReturn:
    """End as the signal would have ended us; PID 1 is spared by the kernel, and exits with its code."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def become(command: list[str]) -> int:
    """Replace this process by the command; return an exit code when that cannot be."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and ignoring would be inherited
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, _environment())  # noqa: S606 - that is what an entrypoint is for
    except FileNotFoundError:
        _say("stackcheck: %s: command not found\n" % ascii(command[0]), 2)
        return NOT_FOUND
    except OSError as error:
        _say("stackcheck: %s cannot be run: %s\n" % (ascii(command[0]), error.strerror), 2)
        return NOT_EXECUTABLE


class _Pairs(dict):  # type: ignore[type-arg]  # `dict[...]` as a base is newer than Python 3.8
    """An environment in which a name may stand twice: execve gets the pairs as they came.

    libc's getenv takes the first of two, so that is what a look-up gives.
    """

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        super().__init__(reversed(pairs))
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def keys(self) -> Any:
        return [name for name, _ in self.pairs]

    def values(self) -> Any:
        return [value for _, value in self.pairs]


def _environment() -> Mapping[str, str] | Mapping[bytes, bytes]:
    """Return the environment as it was given to us: Python adds LC_CTYPE in the C locale (PEP 538)."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = [entry.partition(b"=") for entry in file.read().split(b"\0")]
    except OSError:
        return os.environ
    pairs = [(name, value) for name, equals, value in entries if equals and name]
    return _Pairs(pairs) if pairs else os.environ
