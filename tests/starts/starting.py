"""Start the check on a host that is made up in a folder: the entrypoint's own child, without a container."""

from __future__ import annotations

import errno
import glob
import json
import os
import signal
import struct
from typing import TYPE_CHECKING, Any

from stackcheck_probes.machine import nvml
from stackcheck_probes.probes import loading, rocm_host
from stackcheck_probes.start import bounded, entrypoint, startcuda, startrocm
from tests.starts import hosts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.starts.hosts import Case, Tools

READABLE = (glob, struct, nvml, loading, rocm_host, startcuda, startrocm)
"""What the check imports when it needs it: here before a child becomes a user that may not read this tree."""


def start(case: Case, folder: Path, tools: Tools) -> dict[str, Any]:
    """Return the document that the entrypoint says on the host of a case, laid out below a fresh folder."""
    hosts.lay_out(case, hosts.fresh(folder), tools)
    words = {"STACKCHECK_FORMAT": "json", "STACKCHECK_TIMEOUT": case.seconds, "HOME": "/nowhere"}
    environ = {**words, "FAKE_NVML": case.host.nvml, **case.environ}
    call = entrypoint.Call(["--check", "--expectation", str(folder / "expectation.json")], environ)
    library = folder / hosts.DRIVERS / "libnvidia-ml.so.1"
    host = {"root": str(folder), "nvml": str(library), "refuses": _refuses(case, folder)}

    def work(tell: Callable[[str], None]) -> bytes:
        os.environ.update(environ)
        if case.host.user and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(case.host.user)
            os.setuid(case.host.user)
        return entrypoint._checked(call, environ, {**host, "doing": tell})

    before = {number: signal.getsignal(number) for number in bounded.STOPPING}
    try:
        said, fault, doing = bounded.run(work, call.seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    text = entrypoint._crashed(call, fault, doing)[1] if fault else said[1:].decode()
    document: dict[str, Any] = json.loads(text)
    return document


def _refuses(case: Case, folder: Path) -> Callable[[str], int]:
    """Return what tells which nodes do not open: as the case says, else as the files have it."""
    named = {str(folder / "dev" / name): getattr(errno, word) for name, word in case.host.refused.items()}

    def refuses(path: str) -> int:
        if path in named:
            return int(named[path])
        return 0 if os.access(path, os.R_OK | os.W_OK) else errno.EACCES

    return refuses
