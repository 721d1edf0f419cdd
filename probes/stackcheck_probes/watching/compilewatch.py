"""Watch whether cumm, spconv or the driver compile anything while something runs on the GPU.

Four things are watched: the classes through which spconv reaches NVRTC, the calls of cumm's extension into
nvrtcCompileProgram, libnvrtc files that appear in the process, and child processes. What the driver compiles
from PTX shows in its cache. A control compilation and a control process afterwards tell whether the watch
works.
"""

from __future__ import annotations

import glob
import os
import tempfile
from typing import TYPE_CHECKING, Any, Callable

from stackcheck_probes.watching import importing, loaded, measure
from stackcheck_probes.watching.callwatch import CallWatch
from stackcheck_probes.watching.spawnwatch import SpawnWatch, notices_native_children

if TYPE_CHECKING:
    from stackcheck_probes.facts.spconv import Compilations, Control

_CONTROL = 'extern "C" __global__ void stackcheck_control() {}'


def driver_cache() -> str | None:
    """Give the driver an empty folder for what it compiles from PTX, before anything starts it.

    CUDA_CACHE_PATH: CUDA C++ Programming Guide, "CUDA Environment Variables".
    """
    try:
        folder = tempfile.mkdtemp(prefix="stackcheck-ptx-")
    except OSError:
        return None
    os.environ["CUDA_CACHE_PATH"] = folder
    return folder


class CompileWatch:
    """Watches every way to compile from `start()` to `stop()`; needs spconv imported."""

    def __init__(self, cache: str | None) -> None:
        self._cache = cache
        self._kernels: list[str] = []
        self._undo: list[Callable[[], None]] = []
        self._hook_errors: list[str] = []
        self._spawned = SpawnWatch()
        self._libraries: list[str] = []
        self._native: CallWatch | None = None
        self._native_error: str | None = None

    def start(self) -> None:
        """Set the watches up; one that cannot be is a fact, and the others still watch."""
        self._hook("cumm.nvrtc", "CummNVRTCModule")
        self._hook("cumm.tensorview", "NVRTCModule")
        try:
            import cumm.core_cc as extension

            self._native = CallWatch(str(extension.__file__), "nvrtcCompileProgram")
            self._native.start()
        except Exception as error:
            self._native, self._native_error = None, str(error)[:300]
        self._libraries = _nvrtc_files()
        self._cached = _files_in(self._cache)
        self._spawned.start()

    def _hook(self, module_name: str, class_name: str) -> None:
        """Note each construction of a class that compiles; spconv reaches NVRTC through these two."""
        module, _ = importing.load(module_name)
        target = getattr(module, class_name, None)
        if target is None:
            self._hook_errors.append(f"{module_name}.{class_name} is not there")
            return
        original = target.__init__

        def noting(instance: Any, *arguments: Any, **keywords: Any) -> None:
            self._kernels.append(f"{class_name}: {_kernel_names(arguments)}")
            original(instance, *arguments, **keywords)

        target.__init__ = noting
        self._undo.append(lambda: setattr(target, "__init__", original))

    def stop(self) -> Compilations:
        """Return what was compiled or started, then compile one kernel to prove that the watch tells."""
        facts: Compilations = {
            "kernels": self._kernels[:20],
            "hook_errors": self._hook_errors,
            "nvrtc_calls": None if self._native is None else self._native.calls,
            "nvrtc_watch_error": self._native_error,
            "nvrtc_loaded_before": self._libraries,
            "nvrtc_loaded_meanwhile": sorted(set(_nvrtc_files()) - set(self._libraries)),
            "processes": self._spawned.stop(),
            "driver_cache": None if self._cached is None else (_files_in(self._cache) or 0) - self._cached,
        }
        for undo in self._undo:
            undo()
        facts["control"] = measure.attempt(self._control)
        if self._native is not None:
            self._native.stop()
        return facts

    def _control(self) -> Control:
        from cumm.core_cc.tensorview_bind import NVRTCProgram

        before = 0 if self._native is None else self._native.calls
        NVRTCProgram(_CONTROL, {}, ["--gpu-architecture=sm_80"])
        counted = None if self._native is None else self._native.calls - before
        return {"nvrtc_calls": counted, "native_child_noticed": notices_native_children()}


def _kernel_names(arguments: tuple[Any, ...]) -> str:
    kernels = arguments[0] if arguments and isinstance(arguments[0], (list, tuple)) else arguments[:1]
    try:
        return ", ".join(_kernel_name(kernel) for kernel in kernels)[:200]
    except Exception as error:
        return f"unnamed ({type(error).__name__})"


def _kernel_name(kernel: Any) -> str:
    return str(kernel.get_algo_name()) if hasattr(kernel, "get_algo_name") else type(kernel).__name__


def _nvrtc_files() -> list[str]:
    files = loaded.mapped_files()
    return loaded.mapped("libnvrtc", files) + [path for path in files if "/libnvrtc-builtins" in path]


def _files_in(folder: str | None) -> int | None:
    if folder is None:
        return None
    return sum(os.path.isfile(path) for path in glob.glob(os.path.join(folder, "**", "*"), recursive=True))
