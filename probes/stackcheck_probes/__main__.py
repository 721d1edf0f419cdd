"""The agent: run probes in a target and write one JSON document with what they saw.

    python agent.pyz '{"probes": ["system"], "params": {}, "timeout_s": 60, "whole_s": 900}'
    python agent.pyz - < request.json        the same, from standard input
    python agent.pyz                         every probe
    python agent.pyz --probe system          one probe, by hand, indented
    python agent.pyz --bound                 as a host asks: see `stackcheck.probing.exchange`
    python agent.pyz task TASKS.json         as a task of an array: see `stackcheck_probes.arraytask`

Nothing but the document is written to standard output, whatever the libraries that probes load print.
Exit status: 0 with a document, 2 when the request is wrong, 1 when the agent itself failed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from stackcheck_probes.carried import every_probe, grade_of, preload_of

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

SCHEMA_VERSION = 1
MAX_REQUEST = 4 << 20
BOUND = "--bound"
FRAME = b"stackcheck-answer"
NONCE_BYTES = 32
TIMEOUT_SECONDS = 120.0

DEVICE_NODES = ("/dev/nvidia[0-9]*", "/dev/dxg", "/dev/nvhost-gpu", "/dev/nvgpu/*", "/dev/kfd")
"""Where an accelerator shows itself: NVIDIA's driver, WSL 2, Jetson (two generations), AMD's driver."""

NO_GPU, NOT_ASKED = "no GPU here: no device node of its driver", "no GPU was asked for"
SKIPPED_FOR = (NO_GPU, NOT_ASKED)
"""How the reasons begin for which a probe is left out: there are no others."""


class RequestError(ValueError):
    """The request is wrong: what, in one line."""


def parse_request(text: str) -> dict[str, Any]:
    """Return the request with every field there; raise `RequestError`."""
    try:
        request = json.loads(text or "{}")
        known: dict[str, Any] = {
            "probes": None,
            "params": {},
            "timeout_s": TIMEOUT_SECONDS,
            "whole_s": None,
            "limits": {},
            "device_nodes": DEVICE_NODES,
        }
        unknown = sorted(set(request) - set(known))
        request = dict(known, **request)
        request["timeout_s"] = float(request["timeout_s"])
        request["whole_s"] = float("inf" if request["whole_s"] is None else request["whole_s"])
        shapes = (
            ("params", dict),
            ("limits", dict),
            ("probes", (list, type(None))),
            ("device_nodes", (list, tuple)),
        )
        wrong = [key for key, shape in shapes if not isinstance(request[key], shape)]
    except (ValueError, TypeError, RecursionError) as error:
        raise RequestError("not a request: %s" % error) from None
    if unknown or wrong:
        raise RequestError("not a request: unknown %s, of a wrong type %s" % (unknown, wrong))
    return request


def observe(request: dict[str, Any], private_fds: tuple[int, ...] = ()) -> dict[str, Any]:
    """Run what the request names; return the observation document. No other process keeps `private_fds`."""
    from stackcheck_probes import isolation, processes, runners

    started = time.monotonic()
    request = dict(request, until=started + request["whole_s"])
    processes.adopt_orphans()
    names = every_probe() if request["probes"] is None else list(dict.fromkeys(request["probes"]))
    grades = {name: grade_of(name) for name in names}
    found = _devices(request["device_nodes"])
    entries = {}
    for name in names:
        if grades[name] is None:
            entries[name] = isolation.failure("exception", "the agent carries no probe of this name")
        elif grades[name] == "gpu" and not found:
            reason = NO_GPU if request["device_nodes"] else NOT_ASKED
            entries[name] = {"status": "skipped", "reason": reason}
    waiting = [name for name in names if name not in entries]
    entries.update(runners.run_groups(_groups(waiting, grades), request, private_fds))
    agent = {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
        "seconds": round(time.monotonic() - started, 4),
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "agent": agent,
        "probes": {name: entries[name] for name in names},
    }


def _groups(names: list[str], grades: dict[str, str | None]) -> list[Any]:
    """Sort probes into groups that run side by side: static ones, those that share an import, the rest."""
    from stackcheck_probes.runners import Group

    static = [name for name in names if grades[name] == "static"]
    shared: dict[str, list[str]] = {}
    for name in names:
        if grades[name] == "import":
            shared.setdefault(preload_of(name) or "", []).append(name)
    fresh = shared.pop("", []) + [name for name in names if grades[name] == "gpu"]
    groups = [Group(static, together=True), Group(fresh)]
    return groups + [Group(each, preload=name if len(each) > 1 else "") for name, each in shared.items()]


def _devices(patterns: list[str]) -> list[str]:
    import glob

    return [path for pattern in patterns for path in glob.glob(pattern)]


def _request_text(arguments: list[str]) -> str:
    if arguments[:1] == ["--probe"] and len(arguments) in (2, 3):
        params = json.loads(arguments[2]) if len(arguments) == 3 else {}
        return json.dumps({"probes": [arguments[1]], "params": {arguments[1]: params}})
    if len(arguments) > 1:
        raise RequestError(
            "one request, or --probe NAME [PARAMS], or nothing; not %d arguments" % len(arguments)
        )
    if arguments == ["-"]:
        return sys.stdin.read(MAX_REQUEST)
    return arguments[0] if arguments else ""


def _read_exactly(fd: int, size: int) -> bytes:
    """Return so many bytes of a pipe and not one more; fewer only when it ends."""
    pieces = []
    while size:
        piece = os.read(fd, size)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _asked(stdin: int) -> str:
    """Return the request of a host; its nonce stays in the pipe until the last probe has ended."""
    try:
        size = int(_read_exactly(stdin, 8), 16)
    except ValueError:
        raise RequestError("not a request: standard input does not begin with its size") from None
    return _read_exactly(stdin, min(size, MAX_REQUEST)).decode("ascii")


def _framed(document: bytes, stdin: int) -> bytes:
    import hashlib

    nonce = _read_exactly(stdin, NONCE_BYTES)
    digest = hashlib.sha256(document).hexdigest().encode("ascii")
    return b"\n%s %s %d %s\n%s\n" % (FRAME, nonce, len(document), digest, document)


def main(arguments: list[str]) -> int:
    """Answer one request on the real standard output; everything else that is printed goes to stderr."""
    if arguments[:1] == ["task"]:
        from stackcheck_probes import arraytask

        return arraytask.main(arguments[1:])
    from stackcheck_probes import processes

    processes.hide_from_others()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the `finally` that ends the probes
    out, stdin = os.dup(1), os.dup(0)
    os.dup2(2, 1)
    bound = arguments == [BOUND]
    try:
        request = parse_request(_asked(stdin) if bound else _request_text(arguments))
    except ValueError as error:
        sys.stderr.write("stackcheck agent: %s\n" % error)
        return 2
    document = observe(request, (out, stdin))
    by_hand = arguments[:1] == ["--probe"]
    text = json.dumps(document, indent=2 if by_hand else None).encode("ascii")
    left = memoryview(_framed(text, stdin) if bound else text + b"\n")
    while left:
        left = left[os.write(out, left) :]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
