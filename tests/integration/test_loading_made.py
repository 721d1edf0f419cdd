"""The `loading` probe on trees of libraries made for the case, each by one run of gcc."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck_probes.loader.ldpath import Search
from stackcheck_probes.loader.loadtree import PACKAGE, Tree
from stackcheck_probes.loader.preloads import preloaded
from stackcheck_probes.probes import loading

if TYPE_CHECKING:
    from stackcheck_probes.facts.binaries import Loading

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc to make small libraries")

OLD_ABI = "_ZN3c105ErrorC2ENS_14SourceLocationESs"


def made(
    path: Path,
    *,
    soname: str = "",
    needs: tuple[str, ...] = (),
    gives: tuple[str, ...] = (),
    wants: tuple[str, ...] = (),
) -> Path:
    """Make a shared library that needs sonames, exports symbols and leaves others undefined."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'void give{n}(void) __asm__("{name}");void give{n}(void) {{}}' for n, name in enumerate(gives)]
    lines += [f'extern void want{n}(void) __asm__("{name}");' for n, name in enumerate(wants)]
    lines.append("void own(void) {" + "".join(f"want{n}();" for n in range(len(wants))) + "}")
    source = path.with_suffix(".c")
    source.write_text("\n".join(lines))
    stubs = []
    for name in needs:
        stub = path.parent / "stubs" / name
        stub.parent.mkdir(exist_ok=True)
        _gcc(f"-Wl,-soname,{name}", "-x", "c", "/dev/null", "-o", str(stub))
        stubs.append(str(stub))
    _gcc("-Wl,--no-as-needed", f"-Wl,-soname,{soname or path.name}", "-o", str(path), str(source), *stubs)
    shutil.rmtree(path.parent / "stubs", ignore_errors=True)
    source.unlink()
    return path


def _gcc(*arguments: str) -> None:
    command = ["gcc", "-shared", "-nostdlib", "-fPIC", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)


def seen(root: Path) -> Loading:
    return loading.run({"roots": [str(root)], "library_path": ""})


NAMES = (
    "torch_library_impl",
    "aoti_torch_create_device_guard",
    "_ZNR5torch7Library4_defEv",
    "_ZNO2at6Tensor3useEv",
    "_ZN4c10d21getNcclErrorDetailStrEv",
    "_ZNK4c10d7Backend15incref_pyobjectEv",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_name_of_torch_is_looked_for(name: str, tmp_path: Path) -> None:
    extension = made(tmp_path / "extension/_C.so", wants=(name, "other_symbol"))
    c10 = tmp_path / "torch/lib/libc10.so"
    made(c10, gives=(OLD_ABI,))
    (row,) = seen(tmp_path)["undefined"]
    assert (row["library"], row["count"], row["symbols"]) == (str(extension), 1, [name])
    made(c10, gives=(OLD_ABI, name))
    assert seen(tmp_path)["undefined"] == []


def test_without_torch_nothing_of_torch_is_missed(tmp_path: Path) -> None:
    made(tmp_path / "extension/_C.so", wants=(*NAMES, "__nvJitLinkComplete_12_4"))
    (row,) = seen(tmp_path)["undefined"]
    assert (row["count"], row["symbols"]) == (1, ["__nvJitLinkComplete_12_4"])


def test_a_grafted_copy_serves_under_its_own_name_only(tmp_path: Path) -> None:
    made(tmp_path / "x.libs/libfoo.1234abcd.so.1", soname="libfoo.so.1")
    plain = made(tmp_path / "x/_C.so", needs=("libfoo.so.1",))
    made(tmp_path / "x/image.so", needs=("libfoo.1234abcd.so.1",))
    assert [(row["library"], row["needs"]) for row in seen(tmp_path)["missing"]] == [
        (str(plain), "libfoo.so.1")
    ]


ERROR_ONLY = """
        cuda_libs: dict = {
            "cublas": "libcublas.so.*[0-9]",
            "nvtx": "libnvToolsExt.so.*[0-9]",
        }
"""
CALLS = (
    """
            _preload_cuda_deps("cuda_nvrtc", "libnvrtc.so.*[0-9]")
            _preload_cuda_deps("nvjitlink", "libnvJitLink.so.*[0-9]")
"""
    + ERROR_ONLY
)
LIST = """
    cuda_libs = [
        ("cublas", "libcublas.so.*[0-9]"),
        ("cusolver", "libcusolver.so.*[0-9]"),
    ]
    _preload_cuda_lib("nvtx", "libnvToolsExt.so.*[0-9]", required=False)
"""


@pytest.mark.parametrize(
    ("source", "starts"),
    [
        ("", ()),
        (ERROR_ONLY, ()),
        (CALLS, ("libnvrtc.so.", "libnvJitLink.so.")),
        (LIST, ("libcublas.so.", "libcusolver.so.", "libnvToolsExt.so.")),
    ],
    ids=["nothing", "after an error only", "calls", "list"],
)
def test_what_torch_loads_by_name_is_read_from_its_source(source: str, starts: tuple[str, ...]) -> None:
    assert preloaded(source) == starts


@pytest.mark.parametrize(("source", "missing"), [(ERROR_ONLY, True), (LIST, False)], ids=["2.5", "2.11"])
def test_a_cuda_wheel_serves_others_only_where_torch_loads_it(
    source: str, missing: bool, tmp_path: Path
) -> None:
    made(tmp_path / "torch/lib/libtorch.so", needs=("libcublas.so.12",))
    made(tmp_path / "torch/lib/libc10.so", gives=(OLD_ABI,))
    (tmp_path / "torch/__init__.py").write_text(source)
    made(tmp_path / "nvidia/cublas/lib/libcublas.so.12", needs=("libcublasLt.so.12",))
    made(tmp_path / "nvidia/cublas/lib/libcublasLt.so.12")
    made(tmp_path / "nvidia/cusolver/lib/libcusolver.so.11")
    extension = made(
        tmp_path / "k2/lib/libk2.so", needs=("libcublas.so.12", "libcublasLt.so.12", "libcusolver.so.11")
    )
    found = [(row["library"], row["needs"]) for row in seen(tmp_path)["missing"]]
    assert found == ([(str(extension), "libcusolver.so.11")] if missing else [])


def test_what_torch_loads_when_first_used_is_not_loaded_before(tmp_path: Path) -> None:
    made(tmp_path / "torch/lib/libtorch.so")
    made(tmp_path / "torch/lib/libtorch_cuda_linalg.so", needs=("libcusolver.so.11",))
    made(tmp_path / "nvidia/cusolver/lib/libcusolver.so.11")
    tree = Tree([str(tmp_path)], Search())
    try:
        assert "libcusolver.so.11" not in tree.torch
        (linalg,) = [each for each in tree.opened if each.path.endswith("linalg.so")]
        assert tree.serve("libcusolver.so.11", linalg)[1] == PACKAGE
    finally:
        tree.close()


def names(paths: list[str]) -> list[str]:
    return [Path(path).name for path in paths]


def test_another_build_of_a_library_that_loads_is_noted(tmp_path: Path) -> None:
    made(tmp_path / "torchcodec/libtorchcodec_core5.so", needs=("libavutil.so.57",))
    made(tmp_path / "torchcodec/libtorchcodec_core6.so", needs=("libavutil.so.58",))
    made(tmp_path / "torchcodec/libtorchcodec_ops5.so", needs=("libtorchcodec_core5.so",))
    made(tmp_path / "torchcodec/libtorchcodec_ops6.so", needs=("libtorchcodec_core6.so",))
    made(tmp_path / "torchcodec/libtorchcodec_image1.so")
    made(tmp_path / "other/lib1.so", needs=("libavutil.so.57",))
    made(tmp_path / "torchcodec/libavutil.so.58")
    (core,) = seen(tmp_path)["builds"]
    assert core["name"] == "libtorchcodec_core*.so"
    assert (names(core["paths"]), names(core["loads"])) == (
        ["libtorchcodec_core5.so", "libtorchcodec_core6.so"],
        ["libtorchcodec_core6.so"],
    )
    (tmp_path / "torchcodec/libavutil.so.58").unlink()
    assert [row["loads"] for row in seen(tmp_path)["builds"]] == [[]]


def test_modules_that_need_other_libraries_are_not_builds_of_one(tmp_path: Path) -> None:
    made(tmp_path / "pkg/conv1d.so")
    made(tmp_path / "pkg/conv2d.so", needs=("libgone.so.1",))
    assert seen(tmp_path)["builds"] == []


def test_a_refused_library_fails_the_extension_module_that_needs_it(tmp_path: Path) -> None:
    root = tmp_path / "lib/python3.11/site-packages"
    made(root / "open3d/pybind.cpython-311-x86_64-linux-gnu.so", needs=("libOpen3D.so.0.20",))
    made(root / "open3d/other.cpython-310-x86_64-linux-gnu.so", needs=("libOpen3D.so.0.20",))
    made(root / "open3d/fine.abi3.so")
    below = made(root / "open3d/libOpen3D.so.0.20", needs=("libgone-1.0.so.0",))
    found = seen(root)
    assert [(row["library"], row["needs"]) for row in found["missing"]] == [(str(below), "libgone-1.0.so.0")]
    (row,) = found["imports"]
    assert (Path(row["module"]).name, row["because"]) == (
        "pybind.cpython-311-x86_64-linux-gnu.so",
        [str(below)],
    )
    assert (found["libraries"], found["other_pythons"]) == (3, 1)


def test_modules_for_other_pythons_are_not_judged_for_this_one(tmp_path: Path) -> None:
    root = tmp_path / "lib/python3.11/site-packages"
    for tag in ("310", "311", "312", "314t"):
        made(root / f"nvidia/nvcomp/impl.cpython-{tag}-x86_64-linux-gnu.so", needs=("libnvcomp.so.6",))
    found = seen(root)
    assert names([row["library"] for row in found["missing"]]) == ["impl.cpython-311-x86_64-linux-gnu.so"]
    assert (found["libraries"], found["other_pythons"]) == (1, 3)
    told = loading.run({"roots": [str(root)], "library_path": "", "python": "312"})
    assert names([row["library"] for row in told["missing"]]) == ["impl.cpython-312-x86_64-linux-gnu.so"]
    moved = tmp_path / "somewhere"
    root.rename(moved)
    assert len(seen(moved)["missing"]) == 4


def test_a_missing_driver_refuses_no_module(tmp_path: Path) -> None:
    made(tmp_path / "pkg/x.abi3.so", needs=("libcuda.so.1",))
    found = seen(tmp_path)
    assert (found["missing"][0]["driver"], found["imports"], found["builds"]) == (True, [], [])


def installed(root: Path, name: str, requires: tuple[str, ...], *files: str) -> None:
    info = root / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n{lines}\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))


@pytest.mark.parametrize(
    ("requires", "missing"), [(("librmm-cu12==26.10.*",), 0), (("other ; extra == 'x'", "numpy"), 1)]
)
def test_a_package_that_is_required_may_load_its_libraries_before(
    tmp_path: Path, requires: tuple[str, ...], missing: int
) -> None:
    """libraft loads librmm, which loads rapids_logger: RAPIDS works, and no search path leads there."""
    made(tmp_path / "libraft/lib64/libraft.so", needs=("librapids_logger.so",))
    made(tmp_path / "rapids_logger/lib64/librapids_logger.so")
    installed(tmp_path, "libraft-cu12", requires, "libraft/lib64/libraft.so")
    installed(tmp_path, "librmm-cu12", ("rapids_logger[all]>=0.3",))
    installed(tmp_path, "rapids-logger", (), "rapids_logger/lib64/librapids_logger.so")
    assert len(seen(tmp_path)["missing"]) == missing


def test_symbols_of_a_library_that_is_absent_are_not_told_a_second_time(tmp_path: Path) -> None:
    needs, wants = ("libnvJitLink.so.12",), ("__nvJitLinkComplete_12_9",)
    made(tmp_path / "libcuvs/libcuvs.so", needs=needs, wants=wants)
    found = seen(tmp_path)
    assert (len(found["missing"]), found["undefined"]) == (1, [])
    made(tmp_path / "libcuvs/libnvJitLink.so.12")
    found = seen(tmp_path)
    assert (found["missing"], [row["symbols"] for row in found["undefined"]]) == ([], [list(wants)])
