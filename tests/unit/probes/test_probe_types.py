"""What every probe returns is of its type, and a key that is renamed in a probe is noticed."""

from __future__ import annotations

import ast
import errno
import json
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from pydantic import ValidationError

from stackcheck import rules
from stackcheck_probes.binaries import gpucode, gpureader, libraryfile
from stackcheck_probes.binaries.capability import parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.loader.symbols import VersionNeed
from stackcheck_probes.probes import libraries, loading, nvidia_driver, system
from stackcheck_probes.probes.numpy_modules import OLD
from stackcheck_probes.watching import compilewatch, loaded, measure, ranks, smoketests
from tests.unit.probes import fake_packages
from tests.unit.probes.numpy_fixtures import install, module
from tests.unit.probes.probe_types import (
    PROBES,
    check,
    keys_in,
    keys_of,
    probe,
    stated_type,
    type_of,
    types_of_facts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.rules.registry import Rule

DATA = Path(__file__).parents[2] / "data"
OBSERVATIONS = [*sorted((DATA / "observations").glob("*.json")), *sorted((DATA / "loading").glob("*.json"))]


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Make every package that a probe imports a fake one, on a machine with a GPU."""
    fake_packages.torch(monkeypatch, gpu=True)
    fake_packages.riders(monkeypatch)
    fake_packages.spconv(monkeypatch)
    monkeypatch.setattr(compilewatch, "notices_native_children", lambda: True)
    monkeypatch.setattr(loaded, "mapped_files", lambda: ["/lib/libcudart.so.12", "/lib/libnccl.so.2"])
    monkeypatch.setattr(loaded, "version_call", lambda _path, _function: 12040)
    monkeypatch.setattr(ranks, "together", lambda works, _seconds: list(map(measure.attempt, works)))
    for name in (
        "CUDA_CACHE_PATH",
        "TORCHINDUCTOR_CACHE_DIR",
        "TRITON_CACHE_DIR",
        "TORCHINDUCTOR_COMPILE_THREADS",
    ):
        monkeypatch.setenv(name, "/restored/afterwards")
    return monkeypatch


def write(path: Path, text: str = "") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def site_of(root: Path) -> Path:
    """Lay out a site-packages with what the probes of files look for."""
    site = root / "site-packages"
    for name, version in (("torch", "2.5.0"), ("cumm-cu124", "0.7.11"), ("spconv-cu124", "2.3.8")):
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        needs = "Requires-Dist: cumm-cu124>=0.7.11\n" if name.startswith("spconv") else ""
        write(info / "METADATA", f"Name: {name}\nVersion: {version}\nRequires-Python: >=3.8\n{needs}")
        write(info / "RECORD", f"shared.py,sha256={name},1\n{name}.py,sha256=x,1\n")
        write(info / "direct_url.json", '{"url": "https://host/torch.whl", "dir_info": {}}')
    write(site / "torch-2.4.0.dist-info/METADATA", "Name: torch\nVersion: 2.4.0\n")
    write(site / "torch/__init__.py")
    write(site / "torch/version.py", "__version__ = '2.5.0+cu124'\ncuda = '12.4'\n")
    write(site / "shared.py", "x")
    for name in ("cumm", "spconv"):
        write(site / name / "__init__.py")
    write(site / "setup.py")
    return site


class FakeNvml:
    """The management library of a machine with one GPU and another one that is lost."""

    def __getattr__(self, name: str) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            if name == "nvmlDeviceGetCount_v2":
                arguments[0]._obj.value = 2
            if name == "nvmlDeviceGetHandleByIndex_v2" and arguments[0].value == 1:
                return 15
            return 0

        return call


def look_at_cumm(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("sys.path", [str(site_of(root))])
    monkeypatch.setenv("CUMM_CUDA_VERSION", "12.4")
    return probe("cumm_files").run({})


def look_at_the_driver(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    write(
        root / "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  x\n"
    )
    write(root / "dev/nvidia0")
    write(root / "usr/local/cuda/lib64/stubs/libcuda.so.1")
    write(root / "var/lib/dpkg/info/libcuda1.list")
    without = nvidia_driver.run(
        {"root": str(root), "nvml": "libnone.so.9", "refuses": lambda _path: errno.EPERM}
    )
    monkeypatch.setattr("ctypes.CDLL", lambda _soname: FakeNvml())
    return [without, nvidia_driver.run({"root": str(root), "library_path": "/usr/local/cuda/lib64/stubs"})]


def look_at_the_interpreter(root: Path, _monkeypatch: pytest.MonkeyPatch) -> Any:
    site = site_of(root)
    write(root / "extra/a.pth", f"{site}\n")
    places = {"sys_path": [str(site)], "site_packages": [str(root / "extra")], "prefix": str(root)}
    return probe("interpreter").run(places)


def look_at_the_system(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (root / "bin").mkdir(parents=True)
    (root / "bin/gcc").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(root / "bin"))
    monkeypatch.setattr(system, "first_output", lambda _command: "gcc (Debian 12.2.0-14) 12.2.0\n")
    write(root / "usr/local/cuda/version.json", '{"cuda": {"version": "12.4.1"}}')
    write(root / "usr/lib64/libstdc++.so.6", "GLIBCXX_3.4.30\0")
    write(root / "proc/meminfo", "MemTotal:  16 kB\n")
    without_shm = system.run({"root": str(root)})
    (root / "dev/shm").mkdir(parents=True)
    return [without_shm, system.run({"root": str(root)})]


def look_at_rocm(root: Path, _monkeypatch: pytest.MonkeyPatch) -> Any:
    node = root / "sys/class/kfd/kfd/topology/nodes/1"
    write(node / "properties", "gfx_target_version 80003\ndrm_render_minor 128\nunique_id 7\n")
    write(node / "io_links/0/properties", "flags 1\n")
    write(root / "dev/kfd")
    write(root / "opt/rocm-6.2/.info/version", "6.2.0\n")
    write(root / "opt/rocm-6.2/lib/rocblas/library/TensileLibrary_gfx803.dat")
    environ = {"HSA_OVERRIDE_GFX_VERSION": "8.0.3"}
    where = {"root": str(root), "environ": environ, "sys_path": []}
    shut = {**where, "refuses": lambda _path: errno.EACCES}
    return [probe("rocm_host").run(where), probe("rocm_host").run(shut)]


def look_at_loading(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    write(root / "pkg/cut.so", "\x7fELF cut off")
    write(root / "cuda/libcuda.so.1")
    facts = loading.run({"roots": [str(root)], "library_path": str(root / "cuda")})
    return {**facts, **rows_of_loading(monkeypatch)}


def rows_of_loading(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the rows that the probe makes of a library that does not load: whole ones take a compiler."""
    library = SimpleNamespace(path="/site/pkg/_C1.abi3.so", dynamic=SimpleNamespace(needed=("libc.so.6",)))
    other = SimpleNamespace(path="/site/pkg/_C2.abi3.so", dynamic=library.dynamic)
    server = SimpleNamespace(path="/lib/libc.so.6")
    need = VersionNeed("libc.so.6", "GLIBC_2.38", weak=False)
    found = loading._Findings.__new__(loading._Findings)
    found.missing, found.versions, found.undefined, found.shadowed = [], [], [], []
    found.of_system = {}
    found.abi, found.served, found.libraries = {}, {}, [library, other]  # type: ignore[list-item]
    found.tree = SimpleNamespace(  # type: ignore[assignment]
        opened=[],
        by_soname={},
        search=SimpleNamespace(root=""),
        symbols=lambda _server: SimpleNamespace(versions_defined=lambda: frozenset({"GLIBC_2.31"})),
    )
    own = SimpleNamespace(path="/site/nvidia/libx.so")
    monkeypatch.setattr(loading, "Search", lambda _root: SimpleNamespace(find=lambda *_where: [own]))
    symbols = SimpleNamespace(versions_needed=lambda: [need])
    found.check_versions(library, symbols, {"libc.so.6": server})  # type: ignore[arg-type, dict-item]
    found.check_versions(library, symbols, {})  # type: ignore[arg-type]
    found.note_shadow("libx.so", library, server)  # type: ignore[arg-type]
    found.missing.append(loading._absence(found.tree, "liby.so", library))  # type: ignore[arg-type]
    refused = found.refused("")
    return {
        "missing": found.missing,
        "versions": found.versions,
        "shadowed": found.shadowed,
        "builds": found.builds(refused),
        "imports": found.imports(refused),
        "of_system": list(found.of_system.values()),
    }


def look_at_gpu_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read real files, one that is damaged, and one that holds everything that can be said of code."""
    write(root / "damaged.so", "\x7fELF")
    read = gpureader.read_gpu_code
    sass = ImageKind(parse_code("sm_80"), "zstd", debug=True, kind=0)
    everything = gpucode.GpuCode(
        images=(gpucode.Images(sass, 1, 2),),
        relocatable=(gpucode.Images(sass, 1, 2),),
        fatbins=1,
        empty=1,
        groups=(gpucode.Group(frozenset({parse_code("sm_80")}), 1),),
        targets=(("gfx90a", 1, 2),),
        bundles=1,
        bundle_groups=((frozenset({"gfx90a"}), 1),),
        unread=("hidden",),
        faults=("odd",),
        cut=True,
    )
    write(root / "everything.so", "\x7fELF")
    monkeypatch.setattr(
        libraryfile,
        "read_gpu_code",
        lambda source, name, **how: everything if name == "everything.so" else read(source, name, **how),
    )
    return libraries.run({"roots": [str(DATA / "gpucode"), str(root)], "deep": True})


def look_at_sources(root: Path, _monkeypatch: pytest.MonkeyPatch) -> Any:
    write(root / "CMakeLists.txt", "cmake_minimum_required(VERSION 3.1)\n")
    return probe("cmake_sources").run({"trees": [str(root)], "path": "", "environ": {}})


def look_at_pythons(root: Path, _monkeypatch: pytest.MonkeyPatch) -> Any:
    (root / "bin").mkdir(parents=True)
    (root / "bin/python3.11").symlink_to("/bin/true")
    site_of(root / "lib/python3.11")
    return probe("pythons").run({"folders": [str(root / "bin")], "roots": [], "where": [str(root)]})


def look_at_numpy(root: Path, _monkeypatch: pytest.MonkeyPatch) -> Any:
    install(root, "numpy", (), {}, version="2.2.6")
    install(root, "odd", ("numpy",), {"odd/a.so": module(OLD[0])})
    return probe("numpy_modules").run({"sys_path": [str(root)]})


def smoke(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run one test that ends at once and one that cannot be started; real ones are another suite's."""
    del root

    class Ended:
        def __init__(self, words: list[str], **_how: Any) -> None:
            if words == ["gone"]:
                raise FileNotFoundError(2, "No such file or directory")
            self.pid = 0
            self.stdout, self.stderr = (self._empty() for _ in range(2))

        def _empty(self) -> Any:
            reads, writes = os.pipe()
            os.close(writes)
            return os.fdopen(reads, "rb")

        def poll(self) -> int:
            return 0

        wait = poll

    monkeypatch.setattr("subprocess.Popen", Ended)
    tests: list[dict[str, Any]] = [
        {"name": word, "command": [word], "files": {}, "timeout_s": 1} for word in ("true", "gone")
    ]
    return smoketests.run_all({"tests": tests})


def look_at_imports(root: Path, _monkeypatch: pytest.MonkeyPatch) -> Any:
    install(root, "hub", (), {"hub/__init__.py": b""})
    install(root, "odd", ("torch",), {"odd/__init__.py": b"from hub import gone"})
    return probe("import_names").run({"sys_path": [str(root)]})


LOOKS: dict[str, Callable[[Path, pytest.MonkeyPatch], Any]] = {
    "cmake_sources": look_at_sources,
    "cumm_files": look_at_cumm,
    "distributions": lambda root, _: probe("distributions").run({"sys_path": [str(site_of(root))]}),
    "environment": lambda _root, _: probe("environment").run({"environ": {"CUDA_HOME": "/c"}, "names": []}),
    "import_names": look_at_imports,
    "interpreter": look_at_the_interpreter,
    "libraries": look_at_gpu_code,
    "loading": look_at_loading,
    "numpy_modules": look_at_numpy,
    "nvidia_driver": look_at_the_driver,
    "pythons": look_at_pythons,
    "recorded_files": lambda root, _: probe("recorded_files").run({"sys_path": [str(site_of(root))]}),
    "rocm_host": look_at_rocm,
    "smoke": smoke,
    "smoke_gpu": smoke,
    "stamps": lambda _root, _: probe("stamps").run({"roots": [str(DATA / "gpucode")]}),
    "system": look_at_the_system,
}
"""How the probes that look at files are run here; the others import packages, and those are fakes."""


def runs(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what a probe returns, by one look or several."""
    found = LOOKS[name](root, monkeypatch) if name in LOOKS else probe(name).run({})
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", PROBES)
def test_what_a_probe_returns_is_of_its_type(name: str, tmp_path: Path, packages: pytest.MonkeyPatch) -> None:
    assert all(check(name, facts) for facts in runs(name, tmp_path, packages))


@pytest.mark.parametrize("name", [name for name in PROBES if name not in LOOKS])
def test_so_it_is_without_the_package_and_without_a_gpu(name: str, packages: pytest.MonkeyPatch) -> None:
    fake_packages.torch(packages, gpu=False)
    assert check(name, probe(name).run({}))
    packages.setattr("stackcheck_probes.watching.importing.installed", lambda _name: False)
    assert check(name, probe(name).run({}))["installed"] is False


def recorded(path: Path) -> dict[str, Any]:
    """Return the facts in a recorded observation, by probe."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if path.parent.name == "loading":
        return {"loading": {"cut": [], "sonames": [], "outside": {}, **document["loading"]}}  # came later
    entries = document["probes"]
    return {name: entry["facts"] for name, entry in entries.items() if entry["status"] == "ok"}


@pytest.mark.parametrize("path", OBSERVATIONS, ids=lambda path: path.stem)
def test_what_was_recorded_is_of_its_type(path: Path) -> None:
    facts = recorded(path)
    assert facts
    for name, each in facts.items():
        assert check(name, each) == each


def test_every_key_of_a_type_is_one_that_a_probe_returns(
    tmp_path: Path, packages: pytest.MonkeyPatch
) -> None:
    """A key that no run here and no recorded observation has would be a promise that nobody keeps."""
    seen: set[tuple[str, str]] = set()
    for name in PROBES:
        with packages.context() as patch:
            for facts in runs(name, tmp_path / name, patch):
                seen |= keys_in(type_of(name), facts)
    for name, recording in (row for path in OBSERVATIONS for row in recorded(path).items()):
        seen |= keys_in(type_of(name), recording)
    assert set().union(*(keys_of(type_of(name)) for name in PROBES)) - seen == set()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("torch_build", "arch_flags"),
        ("torch_build", "nccl_built"),
        ("torch_build", "cxx11_abi"),
        ("torch_build", "cpu_capability"),
        ("spconv_build", "archs"),
        ("spconv_build", "gemm_ptx"),
    ],
)
def test_a_renamed_key_is_noticed(name: str, key: str, packages: pytest.MonkeyPatch) -> None:
    assert check(name, probe(name).run({}))
    source = Path(str(probe(name).__file__)).read_text(encoding="utf-8")
    assert source.count(f'"{key}"') == 1
    renamed = ModuleType(name)
    exec(source.replace(f'"{key}"', f'"{key}_renamed"'), vars(renamed))  # noqa: S102 - the probe's own text
    del packages
    with pytest.raises(ValidationError, match=rf"(?s){key}_renamed\n.*Extra inputs are not permitted"):
        check(name, renamed.run({}))


def test_every_probe_states_a_type_of_its_own() -> None:
    stated = {name: stated_type(probe(name)) for name in PROBES}
    assert stated == {name: "".join(map(str.capitalize, name.split("_"))) for name in PROBES}
    assert set(stated.values()) <= set(types_of_facts())


@pytest.mark.parametrize("rule", rules.of_target(), ids=lambda rule: rule.code)
def test_a_rule_reads_the_facts_of_a_probe_by_the_probe_s_type(rule: Rule) -> None:
    stated = {need: rule.judge.__annotations__[need] for need in rule.needs if need in PROBES}
    assert stated == {need: stated_type(probe(need)) for need in stated}


def asked_by_get(path: Path) -> set[tuple[str, str]]:
    """Return (probe, key) of every `torch_build.get("cuda")` in a module."""
    return {
        (node.func.value.id, str(node.args[0].value))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in PROBES
        and isinstance(node.args[0], ast.Constant)
    }


def test_no_rule_asks_for_a_key_that_no_probe_has() -> None:
    """`facts["key"]` is mypy's to check; it takes any key in `facts.get("key")`."""
    asked = set().union(*map(asked_by_get, Path(rules.__path__[0]).rglob("*.py")))
    assert ("torch_build", "arch_flags") in asked
    assert {(name, key) for name, key in asked if key not in get_type_hints(type_of(name))} == set()
