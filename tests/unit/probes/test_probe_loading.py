"""The `loading` probe on small trees made of real extension modules."""

import shutil
import sysconfig
from pathlib import Path

import pytest

from stackcheck_probes.binaries.bytesource import FileSource
from stackcheck_probes.binaries.elf import EM_AARCH64, Elf
from stackcheck_probes.loader import ldpath, loadtree
from stackcheck_probes.loader.ldpath import Search
from stackcheck_probes.loader.loadtree import Tree
from stackcheck_probes.loader.symbols import Symbols
from stackcheck_probes.probes import loading

EXTENSION = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_socket.*.so"))


def tree_of(root: Path, *names: str) -> Tree:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXTENSION, root / name)
    return Tree([str(root)], Search())


def test_a_folder_called_torch_above_the_tree_is_not_torch(tmp_path: Path) -> None:
    root = tmp_path / "torch" / "lib" / "site-packages"
    tree = tree_of(root, "torch/lib/libc10.so", "other/_C.so", "nvidia/cudnn/lib/libcudnn.so.9")
    assert tree.of_torch(str(root / "torch/lib/libc10.so"))
    assert not tree.of_torch(str(root / "other/_C.so"))
    assert tree.package(str(root / "other/_C.so")) == "other"
    assert tree.package("/elsewhere/x.so") == ""


def test_a_libs_folder_belongs_to_its_package(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, "pkg/_C.so", "pkg.libs/libx.so.1")
    assert tree.package(str(tmp_path / "pkg.libs/libx.so.1")) == "pkg"


def test_a_file_that_is_cut_or_no_library_is_told_apart(tmp_path: Path) -> None:
    tree_of(tmp_path, "pkg/whole.so")
    (tmp_path / "pkg/cut.so").write_bytes(EXTENSION.read_bytes()[:5000])
    (tmp_path / "pkg/script.so").write_text("INPUT(-lc)")
    facts = loading.run({"roots": [str(tmp_path)], "library_path": ""})
    assert [row["path"].rsplit("/", 1)[1] for row in facts["unreadable"]] == ["cut.so"]
    assert facts["libraries"] >= 1
    assert (facts["missing"], facts["versions"], facts["undefined"]) == ([], [], [])
    assert facts["torch"] is None


def test_libraries_on_the_library_path_come_before_the_defaults(tmp_path: Path) -> None:
    libc = Path("/lib/x86_64-linux-gnu/libm.so.6")
    (tmp_path / "shadow").mkdir()
    shutil.copy(libc, tmp_path / "shadow" / "libm.so.6")
    tree = tree_of(tmp_path, "pkg/_C.so")
    (library,) = [each for each in tree.opened if each.path.endswith("_C.so")]
    plain, shadowed = Search(), Search(library_path=str(tmp_path / "shadow"))
    assert plain.find("libm.so.6", library, ()) is not None
    found = shadowed.find("libm.so.6", library, ())
    assert found is not None
    assert (found[0].path, found[1]) == (str(tmp_path / "shadow" / "libm.so.6"), "LD_LIBRARY_PATH")


def test_alone_a_tree_takes_nothing_from_this_machine(tmp_path: Path) -> None:
    tree_of(tmp_path, "pkg/_C.so").close()
    here = loading.run({"roots": [str(tmp_path)], "library_path": ""})
    assert (here["missing"], here["alone"], here["of_system"]) == ([], False, [])
    assert here["glibc"] != ""
    alone = loading.run({"roots": [str(tmp_path)], "library_path": "/usr/lib", "alone": str(tmp_path)})
    assert (alone["outside"], alone["libcuda"], alone["glibc"], alone["alone"]) == ({}, [], "", True)
    assert "libc.so.6" in {row["needs"] for row in alone["unserved"]}
    assert alone["missing"] == []
    wanted = {row["version"].partition("_")[0] for row in alone["of_system"] if row["needs"] == "libc.so.6"}
    assert wanted == {"GLIBC"}
    assert alone["versions"] == []


@pytest.mark.parametrize(("machine", "served"), [(None, True), (EM_AARCH64, False)])
def test_a_library_of_another_processor_serves_nobody(
    tmp_path: Path, machine: int | None, served: bool
) -> None:
    tree_of(tmp_path, "pkg/_C.so", "pkg/other/libc.so.6").close()
    if machine:
        raw = bytearray(EXTENSION.read_bytes())
        raw[0x12:0x14] = machine.to_bytes(2, "little")  # e_machine
        (tmp_path / "pkg/other/libc.so.6").write_bytes(raw)
    alone = loading.run({"roots": [str(tmp_path)], "alone": str(tmp_path)})
    missing = [row["needs"] for row in alone["unserved"] if row["library"].endswith("_C.so")]
    assert ("libc.so.6" not in missing) == served


def test_few_open_files_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"pkg{n}/_C.so" for n in range(8)]
    tree_of(tmp_path, *names).close()
    whole = loading.run({"roots": [str(tmp_path)], "library_path": ""})
    monkeypatch.setattr(loadtree, "MAX_OPEN", 3)
    monkeypatch.setattr(ldpath, "MAX_OPEN", 2)
    assert loading.run({"roots": [str(tmp_path)], "library_path": ""}) == whole
    assert whole["libraries"] == 8


def test_a_library_stripped_of_its_section_headers_is_still_read(tmp_path: Path) -> None:
    raw = bytearray(EXTENSION.read_bytes())
    raw[0x28:0x30] = bytes(8)  # e_shoff
    raw[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    stripped, plain = tmp_path / "stripped.so", tmp_path / "plain.so"
    stripped.write_bytes(raw)
    shutil.copy(EXTENSION, plain)
    found = [sorted(Symbols(Elf(FileSource(str(path)))).undefined()) for path in (stripped, plain)]
    assert found[0] == found[1] != []


def test_a_list_that_is_cut_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree_of(tmp_path, "a/_C.so", "b/_C.so").close()
    whole = loading.run({"roots": [str(tmp_path)], "library_path": ""})
    assert whole["cut"] == []
    monkeypatch.setattr(loading, "MAX_LISTED", -1)
    assert loading.run({"roots": [str(tmp_path)], "library_path": ""})["cut"] == [
        "missing",
        "undefined",
        "unserved",
        "versions",
    ]
