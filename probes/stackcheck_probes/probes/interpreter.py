"""The interpreter, where each entry of sys.path comes from, and every torch that it can reach."""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig

from stackcheck_probes.machine import files, torchfile

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.python import Conda, Interpreter, PathEntry, ReachableTorch


NAME = "interpreter"
GRADE = "static"

SOURCE_TREES = ("/pytorch", "/opt/pytorch/pytorch", "/workspace/pytorch", "/root/pytorch")
"""Where images keep a checkout of torch: the gfx803 workflow, NVIDIA's images, hand-made ones."""


def run(params: dict[str, Any]) -> Interpreter:
    """Return the facts; every place can be given in `params`, so that a test needs no real one.

    `torches` are in the order in which the interpreter would find them; the one with `wins` is what
    `import torch` in a script takes. A torch in the working directory is there for `python -c` and `-m` only.
    """
    places = Places(params)
    entries = [_entry(path, places) for path in places.sys_path]
    torches = find_torches(entries, places)
    return {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "soabi": sysconfig.get_config_var("SOABI"),
        "platform": sysconfig.get_platform(),
        "abiflags": getattr(sys, "abiflags", ""),
        "markers": _markers(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "path": entries,
        "import_hooks": _import_hooks(),
        "cwd": places.cwd,
        "user_site": {"path": places.user_site, "enabled": places.user_site_enabled},
        "no_user_site": os.environ.get("PYTHONNOUSERSITE"),
        "torches": torches,
        "conda": _conda(places.prefix),
    }


class Places:
    """Where this interpreter takes packages from; each field can be overridden by a parameter of its name."""

    def __init__(self, params: dict[str, Any]) -> None:
        def given(name: str, real: Any) -> Any:
            return params.get(name, real)

        own = os.path.realpath(sys.argv[0]) if sys.argv and sys.argv[0] else ""
        ours = {
            own,
            os.path.dirname(own),
        }  # the agent's archive, or its folder: nobody else's sys.path has it
        real = [path for number, path in enumerate(sys.path) if number or os.path.realpath(path) not in ours]
        self.sys_path = [os.path.abspath(path) for path in given("sys_path", real)]
        self.pythonpath = _split(given("pythonpath", os.environ.get("PYTHONPATH", "")))
        self.site_packages = [os.path.abspath(p) for p in given("site_packages", _site_packages())]
        self.user_site = given("user_site", site.getusersitepackages())
        self.user_site_enabled = bool(given("user_site_enabled", site.ENABLE_USER_SITE))
        self.prefix = given("prefix", sys.prefix)
        self.cwd = given("cwd", _cwd())
        self.source_trees = given("source_trees", SOURCE_TREES)
        paths = sysconfig.get_paths()
        self.stdlib = [os.path.dirname(paths["stdlib"]), paths["stdlib"], paths["platstdlib"]]
        self.pth = dict(_pth_lines([*self.site_packages, self.user_site]))


def _site_packages() -> list[str]:
    """Return the folders of installed packages; the `site` of old virtualenv releases cannot say them."""
    listed = getattr(site, "getsitepackages", None)
    return list(listed()) if listed else [sysconfig.get_paths()["purelib"]]


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was removed under our feet
        return "/"


def _split(text: str) -> list[str]:
    return [os.path.abspath(part) for part in text.split(os.pathsep) if part]


def _pth_lines(folders: list[str]) -> list[tuple[str, str]]:
    """Return (folder that is added, the .pth file that adds it), as `site` reads them."""
    found = []
    for folder in folders:
        for name in files.names(folder):
            if not name.endswith(".pth") or name.startswith("."):
                continue
            file = os.path.join(folder, name)
            lines = (line.rstrip() for line in files.text(file).splitlines())
            paths = [line for line in lines if line and not line.startswith(("#", "import ", "import\t"))]
            found += [(os.path.abspath(os.path.join(folder, path)), file) for path in paths]
    return found


def _entry(path: str, places: Places) -> PathEntry:
    row: PathEntry = {"path": path, "origin": _origin(path, places), "exists": os.path.exists(path)}
    if row["origin"] == "pth":
        row["pth"] = places.pth[path]
    return row


def _origin(path: str, places: Places) -> str:
    """Say why an entry is on sys.path. PYTHONPATH comes first: that is where Python puts it."""
    if path in places.pythonpath:
        return "pythonpath"
    if path == os.path.abspath(places.user_site):
        return "user-site"
    if path in places.site_packages:
        inside = os.path.realpath(path).startswith(os.path.realpath(places.prefix) + os.sep)
        return "site-packages" if inside else "system-site-packages"
    if path in places.pth:
        return "pth"
    stdlib = path in places.stdlib or os.path.basename(path) == "lib-dynload" or path.endswith(".zip")
    return "stdlib" if stdlib else ("cwd" if path == places.cwd else "other")


def find_torches(entries: list[PathEntry], places: Places) -> list[ReachableTorch]:
    """Return every torch that can be reached, each once (links to the same folder are the same torch)."""
    found: list[ReachableTorch] = []
    seen: set[str] = set()
    rows = [(row["path"], row["origin"], row.get("pth"), True) for row in entries]
    rows.append((places.cwd, "cwd", None, False))
    rows.append((places.user_site, "user-site (switched off)", None, False))
    rows += [(path, "source tree (not on sys.path)", None, False) for path in places.source_trees]
    for parent, origin, pth, reachable in rows:
        folder = os.path.join(parent, "torch")
        real = os.path.realpath(folder)
        if real in seen or not os.path.isfile(os.path.join(folder, "__init__.py")):
            continue
        seen.add(real)
        torch = _torch(parent, folder, origin, reachable=reachable, wins=reachable and not found)
        if pth is not None:
            torch["pth"] = pth
        found.append(torch)
    return found


def _torch(parent: str, folder: str, origin: str, *, reachable: bool, wins: bool) -> ReachableTorch:
    names = files.names(folder)
    infos = [name for name in files.names(parent) if re.match(r"torch-[^-]+\.(dist|egg)-info$", name)]
    said = torchfile.read(folder)
    return {
        "path": folder,
        "version": said.get("__version__"),
        "cuda": said.get("cuda"),
        "hip": said.get("hip"),
        "metadata": infos,
        "source_tree": os.path.isfile(os.path.join(parent, "setup.py")) and "csrc" in names,
        "compiled": any(name.startswith("_C.") and name.endswith((".so", ".pyd")) for name in names),
        "origin": origin,
        "reachable": reachable,
        "wins": wins,
    }


def _import_hooks() -> list[str]:
    """Name the finders that are not Python's own: editable installs put one there instead of a path."""
    named = [getattr(hook, "__module__", "") or type(hook).__module__ for hook in sys.meta_path]
    own = ("_frozen_importlib", "_frozen_importlib_external", "importlib")
    return [name for name in named if not name.startswith(own)]


def _markers() -> dict[str, str]:
    """Return the environment that markers of requirements are evaluated in (PEP 508)."""
    machine = os.uname()
    release = sys.implementation.version
    version = "%d.%d.%d" % release[:3]
    if release.releaselevel != "final":
        version += "%s%d" % (release.releaselevel[0], release.serial)
    names = {"cpython": "CPython", "pypy": "PyPy"}
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "os_name": os.name,
        "platform_machine": machine.machine,
        "platform_python_implementation": names.get(sys.implementation.name, sys.implementation.name),
        "platform_release": machine.release,
        "platform_system": machine.sysname,
        "platform_version": machine.version,
        "python_full_version": sys.version.split()[0],
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    }


def _conda(prefix: str) -> Conda:
    """Return what conda says is installed under the prefix (conda-meta/NAME-VERSION-BUILD.json)."""
    packages = {}
    for name in files.names(os.path.join(prefix, "conda-meta")):
        parts = name[: -len(".json")].rsplit("-", 2)
        if name.endswith(".json") and len(parts) == 3:
            packages[parts[0]] = parts[1]
    environment = {key: os.environ[key] for key in ("CONDA_PREFIX", "CONDA_DEFAULT_ENV") if key in os.environ}
    return {"prefix": prefix if packages else None, "packages": packages, "environment": environment}
