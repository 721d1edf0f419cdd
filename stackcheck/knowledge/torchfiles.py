"""What single files of a torch wheel say: its C++ ABI, NumPy's C interface, arch lists. Nothing is run.

Each function takes the content of one file and returns None, or nothing, where the file does not say it.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import msgspec

from stackcheck_probes.probes.numpy_modules import NEW, OLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

C10, BINDINGS = "torch/lib/libc10.so", "torch/lib/libtorch_python.so"
CUDA_INIT, EXTENSIONS = "torch/cuda/__init__.py", "torch/utils/cpp_extension.py"

_ERROR = b"_ZN3c105ErrorC2ENS_14SourceLocationE"
"""c10::Error(SourceLocation, std::string): its mangled name ends with the string type of the ABI."""
_ARCHES = re.compile(rb"(?:(?:sm|compute)_\d+[af]? ?){2,}")
_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


def has_new_abi(c10: bytes) -> bool | None:
    """Tell by the symbols of libc10.so whether torch was compiled with the C++11 ABI of libstdc++."""
    new, old = _ERROR + b"NSt7__cxx1112basic_string" in c10, _ERROR + b"Ss" in c10
    return None if new == old else new


def numpy_api(bindings: bytes) -> int | None:
    """Return the major version of NumPy whose C interface libtorch_python.so was compiled with."""
    if any(mark in bindings for mark in NEW):
        return 2
    return 1 if any(mark in bindings for mark in OLD) else None


def code_in(bindings: bytes) -> tuple[list[str], list[str]] | None:
    """Return (sm, ptx) of the arch string in libtorch_python.so, sorted: (["80", "90a"], ["90"])."""
    found = _ARCHES.search(bindings)
    if found is None:
        return None
    words = found[0].decode().split()
    sm, ptx = (
        sorted((word.removeprefix(prefix) for word in words if word.startswith(prefix)), key=sm_key)
        for prefix in ("sm_", "compute_")
    )
    return sm, ptx


def sm_key(text: str) -> tuple[int, str]:
    """Return what "90" and "90a" are sorted by."""
    return (int(text.rstrip("af")), text)


def code_of_releases(init: str) -> dict[str, dict[str, list[str]]]:
    """Return CUDA version -> platform -> SM numbers by PYTORCH_RELEASES_CODE_CC of torch/cuda/__init__.py.

    torch 2.12 has one list for all machines; it says nothing of a single one, and is left out.
    """
    table = _literal(init, "PYTORCH_RELEASES_CODE_CC")
    if not isinstance(table, dict):
        return {}
    return {
        str(cuda): {
            _MACHINES[machine]: sorted((str(int(each)) for each in codes), key=sm_key)
            for machine, codes in by_machine.items()
            if machine in _MACHINES and isinstance(codes, set)
        }
        for cuda, by_machine in table.items()
        if isinstance(by_machine, dict) and re.fullmatch(r"\d+\.\d+", str(cuda))
    }


class ArchList(msgspec.Struct, frozen=True):
    """What _get_cuda_arch_flags takes: entries, generation -> the entries that it stands for, "native"."""

    arches: tuple[str, ...]
    names: Mapping[str, str]
    native: bool


def arch_list(extensions: str) -> ArchList | None:
    """Return what torch/utils/cpp_extension.py accepts in TORCH_CUDA_ARCH_LIST."""
    arches, names = _literal(extensions, "supported_arches"), _literal(extensions, "named_arches")
    if not (isinstance(arches, list) and isinstance(names, list)):
        return None
    try:
        named = {str(name): str(entries) for name, entries in names}
    except (TypeError, ValueError):
        return None
    return ArchList(tuple(map(str, arches)), named, '"native"' in extensions or "'native'" in extensions)


def _literal(text: str, name: str) -> Any:
    """Return the literal that a module's text assigns to a name; of a call, that of its one argument."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    value = next(_values(tree, name), None)
    if isinstance(value, ast.Call) and len(value.args) == 1:
        value = value.args[0]
    try:
        return None if value is None else ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _values(tree: ast.AST, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets  # type: ignore[assignment]
        else:
            continue
        if node.value is not None and any(isinstance(t, ast.Name) and t.id == name for t in targets):
            yield node.value
