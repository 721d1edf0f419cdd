"""The watches of the probe `spconv_gpu` on real calls and real processes, without a GPU."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import subprocess
import sys

import pytest

from stackcheck_probes.watching.callwatch import CallWatch, WatchError
from stackcheck_probes.watching.spawnwatch import SpawnWatch, notices_native_children

EXTENSION = getattr(_ctypes, "__file__", None)
needs_extension = pytest.mark.skipif(EXTENSION is None, reason="_ctypes is built into this interpreter")


def close_one() -> None:
    """Make the extension module `_ctypes` call dlclose once."""
    _ctypes.dlclose(_ctypes.dlopen("libc.so.6", 0))


@needs_extension
def test_calls_are_counted_and_forwarded_between_start_and_stop() -> None:
    watch = CallWatch(str(EXTENSION), "dlclose")
    close_one()
    watch.start()
    try:
        close_one()
        close_one()
    finally:
        watch.stop()
    close_one()
    assert watch.calls == 2


@needs_extension
def test_a_function_that_the_library_does_not_call() -> None:
    with pytest.raises(WatchError, match=r"_ctypes.* does not call nvrtcCompileProgram$"):
        CallWatch(str(EXTENSION), "nvrtcCompileProgram")


def test_python_and_native_children_are_both_noticed() -> None:
    watch = SpawnWatch()
    watch.start()
    subprocess.run([sys.executable, "-c", ""], check=True)
    seen = watch.stop()
    assert seen["commands"] == [f"{sys.executable} -c "]
    assert (seen["reaped"], seen["running"]) == (True, 0)

    watch.start()
    ctypes.CDLL(None).system(b"true")
    assert watch.stop()["reaped"] is True
    assert notices_native_children() is True


def test_a_child_that_still_runs_is_counted() -> None:
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):  # noqa: PTH110
        pytest.skip("this kernel does not list children (CONFIG_PROC_CHILDREN)")
    watch = SpawnWatch()
    watch.start()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        seen = watch.stop()
        child.communicate(b"\n")
    assert seen["running"] == 1


def test_silence_is_nothing_seen() -> None:
    watch = SpawnWatch()
    watch.start()
    seen = watch.stop()
    subprocess.run([sys.executable, "-c", ""], check=True)
    assert seen == {"commands": [], "reaped": False, "running": 0}
    assert watch.commands == []
