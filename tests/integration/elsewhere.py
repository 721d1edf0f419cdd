"""Runs stackcheck as on a laptop without Linux: takes away what macOS and Windows lack, then calls it.

    python elsewhere.py WORDS...

The standard library of this Python keeps what it imports for itself: it was made for this system. An
attribute that is gone is gone for all. What really runs there is another Python with another kernel: this
shows no more than that nothing that is missing there is asked for.
"""

from __future__ import annotations

import builtins
import importlib
import os
import signal
import socket
import sys
import sysconfig
from typing import Any

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix")
"""Modules of Unix alone. Source: "Availability" in docs.python.org/3/library, checked 2026-11-30."""
GONE = {
    os: (
        "fork", "forkpty", "geteuid", "getuid", "getegid", "getgid", "getgroups", "getpgid", "getpgrp",
        "setsid", "killpg", "uname", "fchmod", "fchown", "chown", "lchown", "mkfifo", "sched_getaffinity",
        "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "statvfs", "posix_spawn", "getloadavg",
        "pipe2", "memfd_create", "sendfile", "wait4",
    ),
    signal: ("SIGHUP", "SIGALRM", "SIGUSR1", "alarm", "setitimer", "pthread_sigmask", "sigwait"),
    socket: ("AF_UNIX", "AF_NETLINK", "SO_PEERCRED"),
}  # fmt: skip
FOLDERS = ("/proc", "/sys", "/dev/shm", "/run", "/var/run")
"""Folders of Linux; of /dev the device files stay, as on macOS."""
OF_PYTHON = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}


OWN = (
    "asyncio", "ctypes", "multiprocessing", "selectors", "shutil", "socket", "ssl", "subprocess", "tempfile",
    "urllib.request", "uuid",
)  # fmt: skip
"""Modules of this Python that keep for themselves, when they are imported, what is taken away then."""


def _of_python(file: str) -> bool:
    """Tell whether a module is the standard library's, which knows by itself where it is."""
    own = any(file.startswith(folder) for folder in OF_PYTHON) and "site-packages" not in file
    return own or file.startswith("<frozen")


def _without_modules() -> None:
    own = builtins.__import__

    def take(*words: Any, **named: Any) -> Any:
        name, asked_by = words[0], (words[1] if len(words) > 1 else named.get("globals")) or {}
        relative = words[4] if len(words) > 4 else named.get("level", 0)
        if name in MODULES and not relative and not _of_python(str(asked_by.get("__file__", ""))):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return own(*words, **named)

    builtins.__import__ = take


def _without_folders() -> None:
    own = os.stat

    def missing(path: object) -> bool:
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        return any(text == folder or text.startswith(f"{folder}/") for folder in FOLDERS)

    def stat(path: Any, **how: Any) -> os.stat_result:
        if missing(path):
            raise FileNotFoundError(2, "No such file or directory", path)
        return own(path, **how)

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir") and args and missing(args[0]):
            raise FileNotFoundError(2, "No such file or directory", args[0])

    os.stat = stat
    sys.addaudithook(audit)


def take_away() -> None:
    """Take everything away from what is imported from now on."""
    for name in OWN:
        importlib.import_module(name)
    _without_modules()
    for module, names in GONE.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    _without_folders()
    sys.platform = "darwin"


def main() -> int:
    """Run the command that the words name, without what is missing elsewhere."""
    take_away()
    from stackcheck import cli  # noqa: PLC0415 - it has to do without

    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
