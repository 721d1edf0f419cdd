"""Probe: will every library here load? Follows the loader's rules through headers; nothing is loaded.

For each library: what it needs and nobody serves; symbol versions that the serving file does not have; torch
symbols that the torch installed here does not export. `sonames` are all names that are asked for, `outside`
the files beyond the tree that serve some of them.
"""

from __future__ import annotations

import os
import sys

from stackcheck_probes.binaries.binaryfiles import site_packages
from stackcheck_probes.binaries.builds import (
    builds,
    for_another_python,
    python_of,
    python_tag,
    refused_below,
    unnumbered,
)
from stackcheck_probes.binaries.bytesource import SourceError
from stackcheck_probes.binaries.elf import ElfError
from stackcheck_probes.loader.ldpath import LD_LIBRARY_PATH, Opened, Search
from stackcheck_probes.loader.loadtree import Tree
from stackcheck_probes.loader.requirements import Requirements
from stackcheck_probes.loader.symbols import gnu_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from stackcheck_probes.facts.binaries import (
        Builds,
        ImportFails,
        LibcudaSeen,
        LibraryCopy,
        Loading,
        MissingNeed,
        MissingSymbols,
        MissingVersion,
        NeededVersion,
        Shadowed,
        TorchSymbols,
    )
    from stackcheck_probes.loader.disk import LibraryFiles, SymbolTable
    from stackcheck_probes.loader.symbols import VersionNeed

NAME = "loading"
GRADE = "static"
LOOKS_IN = "roots"

MAX_LISTED = 5000
MAX_SONAMES = 2000
MAX_RECORD = 8 << 20
MAX_SYMBOLS_SHOWN = 8
DRIVER = frozenset(("libcuda.so.1", "libnvidia-ml.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1"))
"""What the NVIDIA runtime puts into a container when it starts: never part of an image."""
NAMESPACES = (b"3c10", b"2at", b"5torch", b"6caffe2", b"4c10d")
QUALIFIERS = (b"", b"K", b"R", b"O", b"KR", b"KO", b"V")
"""What stands between `_ZN` and the namespace of a member: const, & and && (Itanium C++ ABI, 5.1.4)."""
C_INTERFACES = (b"aoti_torch", b"torch_")
"""How the functions of torch's stable C interface begin (torch/csrc/inductor/aoti_torch, csrc/stable/c)."""
JUDGED = (*(b"_ZN" + each + name for each in QUALIFIERS for name in NAMESPACES), *C_INTERFACES)
"""Prefixes of the symbols that decide whether an extension fits this torch."""
JUDGED_INSIDE = tuple(b"N" + name for name in NAMESPACES)
OTHERS_JUDGED = (b"__nvJitLink",)
NVJITLINK = "libnvJitLink"
PYTHON_INTERFACE = b"THP"
"""torch's types and functions for Python: `THPVariableClass`, `_Z16THPVariable_WrapN2at10TensorBaseE`."""
MARKS = (b"3c10", b"4c10d", b"2at", b"torch", b"6caffe2", b"nvJitLink", PYTHON_INTERFACE)
"""One of these occurs in every name that is judged. Few, for the names of every library are searched."""
ABI_MARKS = (
    ("old", b"_ZN3c105ErrorC2ENS_14SourceLocationESs"),
    ("new", b"_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"),
)
"""The constructor of c10::Error takes a std::string: libc10.so exports it in the ABI of this torch."""
OLD_STRING = (b"RKSs", b"ESs", b"KSs")
STUB_BYTES = 1 << 20
"""The driver's libcuda is tens of megabytes; the stub of a toolkit is tens of kilobytes."""
FAMILIES = {
    "cudart": "libcudart",
    "cudnn": "libcudnn.so",
    "nccl": "libnccl.so",
    "nvrtc": "libnvrtc",
    "nvjitlink": "libnvJitLink",
    "openmp": "libgomp",
    "cublas": "libcublas.so",
}
"""Libraries of which one process should have one: family -> how the file's name starts."""


_hashes: dict[bytes, int] = {}  # extensions ask for the same names, and hashing is the slow part in Python


def run(params: dict[str, Any]) -> Loading:
    """Return what would keep the libraries from loading.

    params: `roots` (folders; default: the site-packages of this interpreter), `root` (a prefix for the file
    system that they live in), `library_path` (default: $LD_LIBRARY_PATH), `packages` (names of folders in the
    roots: judge the libraries of these alone), `alone` (a folder with the roots in it: the system and the
    interpreter that they are for are not here, so nothing outside it is looked at), `python` (the tag of the
    Python that they are for, "311"; default: what the roots say, or this interpreter's).
    """
    return seen(params)


def seen(
    params: dict[str, Any], files: LibraryFiles | None = None, requirements: Requirements | None = None
) -> Loading:
    """Return what `run` does; `files` and `requirements` answer for the folders, by default from the disk."""
    roots = list(params.get("roots") or site_packages())
    stated = params.get("library_path")
    path = os.environ.get("LD_LIBRARY_PATH", "") if stated is None else stated
    root = params.get("root") or ""
    search = Search(root, path, params.get("alone"), files)
    tree = Tree(roots, search, params.get("packages"), requirements or requirements_of(roots, root))
    try:
        return _Findings(tree, params.get("python") or _python(params)).facts()
    finally:
        tree.close()


def requirements_of(roots: list[str], root: str = "") -> Requirements:
    """Return what the distributions in some package folders require of each other, read when asked for."""
    from stackcheck_probes.probes import distributions

    places: dict[str, str] = {}

    def installed() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in distributions.run({"sys_path": [root + each for each in roots]})["distributions"]:
            found.setdefault(row["name"], [distributions.required(text) for text in row["requires"]])
            places.setdefault(row["name"], os.path.join(row["location"], row["metadata"], "RECORD"))
        return found

    def record(name: str) -> str:
        return distributions.read(places[name], MAX_RECORD) or ""

    return Requirements(installed, record, [each.rstrip("/") for each in roots])


def _python(params: dict[str, Any]) -> str:
    return python_of(params["roots"]) if params.get("roots") else "".join(map(str, sys.version_info[:2]))


class _Findings:
    """What does not fit, gathered library by library."""

    def __init__(self, tree: Tree, python: str) -> None:
        self.tree = tree
        self.python = python
        self.libraries = [each for each in tree.opened if not for_another_python(each.path, python)]
        self.served: dict[str, list[str]] = {}
        self.missing: list[MissingNeed] = []
        self.unserved: list[MissingNeed] = []
        self.versions: list[MissingVersion] = []
        self.undefined: list[MissingSymbols] = []
        self.shadowed: list[Shadowed] = []
        self.wanted: set[str] = set()
        self.outside: dict[str, str] = {}
        self.of_system: dict[tuple[str, str], NeededVersion] = {}
        self.abi: dict[str, str] = {}
        for library in self.libraries:
            try:
                self.look_at(library)
            except (ElfError, SourceError, OSError) as error:
                tree.search.faults[library.path] = str(error)

    def facts(self) -> Loading:
        """Return all that was found."""
        torch = _torch_facts(self.tree)
        refused = self.refused(torch["abi"] if torch else "")
        faults = sorted(self.tree.search.faults.items())
        lists = {
            "missing": len(self.missing),
            "versions": len(self.versions),
            "undefined": len(self.undefined),
            "unserved": len(self.unserved),
        }
        return {
            "cut": sorted(name for name, length in lists.items() if length > MAX_LISTED),
            "roots": self.tree.roots,
            "libraries": len(self.libraries),
            "other_pythons": len(self.tree.opened) - len(self.libraries),
            "torch": torch,
            "glibc": _glibc(self.tree),
            "missing": self.missing[:MAX_LISTED],
            "versions": self.versions[:MAX_LISTED],
            "undefined": self.undefined[:MAX_LISTED],
            "abi": self.abi,
            "builds": self.builds(refused)[:MAX_LISTED] if refused else [],
            "imports": self.imports(refused)[:MAX_LISTED] if refused else [],
            "shadowed": self.shadowed[:MAX_LISTED],
            "sonames": sorted(self.wanted)[:MAX_SONAMES],
            "outside": dict(sorted(self.outside.items())[:MAX_SONAMES]),
            "copies": _copies(self.tree),
            "libcuda": _libcuda(self.tree),
            "unreadable": [{"path": path, "error": why} for path, why in faults[:MAX_LISTED]],
            "skipped": self.tree.skipped,
            "alone": self.tree.search.within is not None,
            "unserved": self.unserved[:MAX_LISTED],
            "of_system": [self.of_system[key] for key in sorted(self.of_system)],
        }

    def refused(self, torch_abi: str) -> set[str]:
        """Return the libraries that the loader would refuse for themselves, the driver's left aside."""
        found = {row["library"] for row in self.missing if not row["driver"]}
        found.update(row["library"] for row in self.versions)
        found.update(row["library"] for row in self.undefined)
        found.update(path for path, abi in self.abi.items() if torch_abi and abi != torch_abi)
        return found

    def builds(self, refused: set[str]) -> list[Builds]:
        """Return which files are builds of one library, where one is refused, and which would load."""
        found: list[Builds] = []
        folders = set(map(os.path.dirname, refused))
        near = [each for each in self.libraries if os.path.dirname(each.path) in folders]
        for paths in builds((each.path, each.dynamic.needed) for each in near):
            if refused.intersection(paths):
                loads = [path for path in paths if not refused_below(path, self.served, refused)]
                name = unnumbered(os.path.basename(paths[0])).replace("#", "*")
                found.append({"name": name, "paths": sorted(paths), "loads": sorted(loads)})
        return found

    def imports(self, refused: set[str]) -> list[ImportFails]:
        """Return the extension modules that cannot be imported, and the refused libraries that they need."""
        found: list[ImportFails] = []
        for library in self.libraries:
            if python_tag(library.path):
                because = refused_below(library.path, self.served, refused)
                if because:
                    found.append({"module": library.path, "because": because})
        return found

    def look_at(self, library: Opened) -> None:
        servers: dict[str, Opened] = {}
        self.wanted.update(library.dynamic.needed)
        for name in library.dynamic.needed:
            server, how = self.tree.serve(name, library)
            if server is None:
                lacking = self.missing if self.tree.search.within is None else self.unserved
                lacking.append(_absence(self.tree, name, library))
                continue
            servers[name] = server
            self.served.setdefault(library.path, []).append(server.path)
            if not self.tree.package(server.path):
                self.outside.setdefault(name, server.path)
            if how == LD_LIBRARY_PATH:
                self.note_shadow(name, library, server)
        symbols = self.tree.symbols(library)
        if symbols is None:
            raise ElfError("its dynamic symbols cannot be read")
        self.check_versions(library, symbols, servers)
        # torch's own libraries come in one wheel, and are what the others are held against.
        if not self.tree.of_torch(library.path):
            self.check_symbols(library, symbols, servers)

    def note_shadow(self, name: str, library: Opened, server: Opened) -> None:
        hit = Search(self.tree.search.root).find(name, library, ())
        if hit and hit[0].path != server.path:
            self.shadowed.append(
                {"library": library.path, "needs": name, "used": server.path, "instead_of": hit[0].path}
            )

    def check_versions(self, library: Opened, symbols: SymbolTable, servers: dict[str, Opened]) -> None:
        for need in symbols.versions_needed():
            server = servers.get(need.file)
            if server is None and not need.weak:
                self.note_need(library, need)
            if server is None or need.weak:
                continue
            theirs = self.tree.symbols(server)
            if theirs is None:
                self.tree.search.faults.setdefault(server.path, "its dynamic symbols cannot be read")
            given = theirs.versions_defined() if theirs else frozenset()
            # A file without versions serves every version: the loader only warns.
            if given and need.version not in given:
                row: MissingVersion = {
                    "library": library.path,
                    "needs": need.file,
                    "version": need.version,
                    "in": server.path,
                    "newest": _newest(given, need.version),
                }
                self.versions.append(row)

    def note_need(self, library: Opened, need: VersionNeed) -> None:
        """Keep the newest version of each kind that is asked of a file which is not in the tree."""
        key = need.file, need.version.rpartition("_")[0]
        known = self.of_system.get(key)
        if known is None or _numbers(need.version) > _numbers(known["version"]):
            self.of_system[key] = {"library": library.path, "needs": need.file, "version": need.version}

    def check_symbols(self, library: Opened, symbols: SymbolTable, servers: dict[str, Opened]) -> None:
        names = [name for name in symbols.undefined(MARKS) if is_judged(name)]
        abi = abi_of(names)
        if abi:
            self.abi[library.path] = abi
        scope = self.scope(servers) if names else []
        if any(need.startswith(NVJITLINK) for need in library.dynamic.needed if need not in servers):
            # Its symbols are not to be found because it is not there, which is told already.
            names = [name for name in names if not name.startswith(OTHERS_JUDGED)]
        absent = [name for name in names if not _exported(name, scope)]
        if not self.tree.torch.get("libc10.so"):  # there is nothing to hold torch's symbols against
            absent = [name for name in absent if name.startswith(OTHERS_JUDGED)]
        if absent:
            from stackcheck_probes.loader.demangle import demangle  # loads the C++ runtime

            shown = [name.decode("utf-8", "backslashreplace")[:1000] for name in absent[:MAX_SYMBOLS_SHOWN]]
            row: MissingSymbols = {
                "library": library.path,
                "count": len(absent),
                "symbols": shown,
                "demangled": [demangle(name) for name in shown],
            }
            self.undefined.append(row)

    def scope(self, servers: dict[str, Opened]) -> list[SymbolTable]:
        """Return where the loader would look for the symbols: what the library needs, then torch."""
        places = {each.path: each for each in servers.values() if not _system(each.path)}
        queue = list(places.values())
        while queue:
            each = queue.pop()
            for name in each.dynamic.needed:
                server = self.tree.serve(name, each)[0]
                if server is not None and server.path not in places and not _system(server.path):
                    places[server.path] = server
                    queue.append(server)
        places.update((each.path, each) for each in self.tree.torch.values() if self.tree.of_torch(each.path))
        return [symbols for symbols in map(self.tree.symbols, places.values()) if symbols]


def _system(path: str) -> bool:
    return path.startswith(("/lib/", "/usr/lib/", "/lib64/", "/usr/lib64/"))


def _absence(tree: Tree, name: str, library: Opened) -> MissingNeed:
    stem = name.partition(".so")[0]
    others = sorted(found for found in tree.by_soname if found.partition(".so")[0] == stem and found != name)
    return {
        "library": library.path,
        "needs": name,
        "driver": name in DRIVER,
        "other_versions": others[:4],
        "elsewhere": [other.path for other in tree.by_soname.get(name, ())][:3],
    }


def _torch_facts(tree: Tree) -> TorchSymbols | None:
    c10 = tree.torch.get("libc10.so")
    if c10 is None:
        return None
    symbols = tree.symbols(c10)
    kinds = [abi for abi, name in ABI_MARKS if symbols and symbols.exports(name, gnu_hash(name))]
    own = sorted(each.path for each in tree.torch.values() if tree.of_torch(each.path))
    return {"c10": c10.path, "abi": kinds[0] if len(kinds) == 1 else "", "libraries": own}


def _glibc(tree: Tree) -> str:
    libc = tree.interpreter.get("libc.so.6")
    symbols = tree.symbols(libc) if libc else None
    return _newest(symbols.versions_defined(), "GLIBC_2.0").rpartition("_")[2] if symbols else ""


def _copies(tree: Tree) -> dict[str, list[LibraryCopy]]:
    found: dict[str, list[LibraryCopy]] = {}
    for library in tree.opened:
        name = os.path.basename(library.path)
        for family, start in FAMILIES.items():
            if name.startswith(start) and "builtins" not in name:
                found.setdefault(family, []).append({"path": library.path, "soname": library.soname})
    return {family: rows for family, rows in found.items() if len(rows) > 1}


def _libcuda(tree: Tree) -> list[LibcudaSeen]:
    """Return every libcuda that the tree, ld.so.cache or LD_LIBRARY_PATH shows."""
    paths = [each.path for each in tree.opened if os.path.basename(each.path).startswith("libcuda.so")]
    paths += [p for name, rows in tree.search.cache.items() if name.startswith("libcuda.so") for p in rows]
    paths += [f"{folder}/libcuda.so.1" for folder in tree.search.library_path]
    rows: list[LibcudaSeen] = []
    for path in dict.fromkeys(paths):
        size = tree.search.files.size(path)
        if size < 0:
            continue
        rows.append({"path": path, "stub": "/stubs/" in path or size < STUB_BYTES, "bytes": size})
    return rows


def is_judged(name: bytes) -> bool:
    """Tell whether a symbol decides if an extension fits this torch, so that its server is looked for."""
    if name.startswith(JUDGED) or name.startswith(OTHERS_JUDGED):
        return True
    if PYTHON_INTERFACE in name[:8]:
        return name.startswith((PYTHON_INTERFACE, b"_Z"))
    return name.startswith((b"_ZT", b"_ZG")) and any(mark in name for mark in JUDGED_INSIDE)


def _exported(name: bytes, scope: list[SymbolTable]) -> bool:
    hashed = _hashes.get(name)
    if hashed is None:
        hashed = _hashes[name] = gnu_hash(name)
    for place, symbols in enumerate(scope):
        if symbols.exports(name, hashed):
            if place:  # names come in runs from one library: ask that one first
                scope.insert(0, scope.pop(place))
            return True
    return False


def abi_of(names: Iterable[bytes]) -> str:
    """Return the std::string ABI that undefined symbols speak: "new", "old", or "" where they do not tell."""
    new = any(b"__cxx11" in name for name in names)
    old = any(mark in name for name in names for mark in OLD_STRING)
    return "" if new == old else "new" if new else "old"


def _newest(given: Iterable[str], like: str) -> str:
    """Return the newest version of the same kind as `like` (GLIBC_2.38: the GLIBC ones)."""
    kind = like.rpartition("_")[0]
    same = [name for name in given if name.rpartition("_")[0] == kind]
    return max(same, key=_numbers, default="")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.rpartition("_")[2].split(".") if part.isdecimal())
