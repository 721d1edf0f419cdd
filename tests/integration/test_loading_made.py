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


def test_another_build_of_a_library_that_loads_is_noted(tmp_path: Path) -> None:
    made(tmp_path / "torchcodec/libtorchcodec_core5.so", needs=("libavutil.so.57",))
    made(tmp_path / "torchcodec/libtorchcodec_core6.so")
    made(tmp_path / "other/lib1.so", needs=("libavutil.so.57",))
    noted = {Path(row["library"]).name: row["another_loads"] for row in seen(tmp_path)["missing"]}
    assert noted == {"libtorchcodec_core5.so": True, "lib1.so": False}
