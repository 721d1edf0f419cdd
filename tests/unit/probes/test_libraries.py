import os
import shutil
import sys
from pathlib import Path

import pytest

from stackcheck_probes.binaries import binaryfiles
from stackcheck_probes.probes import libraries

DATA = Path(__file__).parents[2] / "data" / "gpucode"


def tree(root: Path) -> Path:
    (root / "package" / "lib").mkdir(parents=True)
    shutil.copy(DATA / "uneven.so", root / "package" / "lib" / "libgpu.so.1.2")
    shutil.copy(DATA / "plain.so", root / "package" / "plain.cpython-311-x86_64-linux-gnu.so")
    (root / "package" / "script.so").write_text("not a binary: a linker script")
    (root / "package" / "damaged.so").write_bytes(b"\x7fELF\x02\x02" + bytes(90))
    (root / "package" / "code.py").write_text("")
    return root


def test_a_tree(tmp_path: Path) -> None:
    found = libraries.run({"roots": [str(tree(tmp_path))]})
    by_name = {Path(row["path"]).name: row for row in found["libraries"]}
    assert sorted(by_name) == ["damaged.so", "libgpu.so.1.2"]
    assert by_name["damaged.so"]["error"] == "ELF byte order 2: only little-endian is read"
    assert by_name["libgpu.so.1.2"]["fatbins"] == 2
    assert (found["binaries"], found["without_gpu_code"], found["skipped"]) == (3, 1, [])


def test_all_lists_binaries_without_gpu_code_too(tmp_path: Path) -> None:
    found = libraries.run({"roots": [str(tree(tmp_path))], "all": True})
    assert {"path": str(tmp_path / "package" / "plain.cpython-311-x86_64-linux-gnu.so")} in found["libraries"]


def test_a_single_file_and_a_missing_one() -> None:
    found = libraries.run({"roots": [str(DATA / "arches.fatbin"), "/no/such/file.so"]})
    assert found["libraries"][0]["images"][0] == {"code": "sm_75", "images": 1, "bytes": 3176}
    assert found["libraries"][1] == {
        "path": "/no/such/file.so",
        "error": "cannot be opened: No such file or directory",
    }


def test_deep_search_on_request(tmp_path: Path) -> None:
    shutil.copy(DATA / "hidden.so", tmp_path)
    assert libraries.run({"roots": [str(tmp_path)]})["libraries"] == []
    assert libraries.run({"roots": [str(tmp_path)], "deep": True})["libraries"][0]["fatbins"] == 1


def test_loops_and_pipes_are_passed_over_and_counted(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.so").symlink_to("self.so")
    (tmp_path / "gone.so").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.so")
    found = libraries.run({"roots": [str(tmp_path)]})
    assert (found["binaries"], found["libraries"], found["skipped"]) == (0, [], [])
    assert sorted(found["left_out"]) == [
        "links named like libraries lead to no file (2), such as gone.so, self.so.",
        "pipes, sockets and devices named like libraries are not read (1), such as pipe.so.",
    ]


def test_a_folder_of_links_to_files_elsewhere_is_not_empty(tmp_path: Path) -> None:
    store, root = tmp_path / "store", tmp_path / "root"
    for folder in (store / "lib", root / "a"):
        folder.mkdir(parents=True)
    shutil.copy(DATA / "uneven.so", store / "blob")
    shutil.copy(DATA / "uneven.so", store / "lib" / "libfolder.so.1")
    (store / "lib" / "libfolder.so").symlink_to("libfolder.so.1")
    (store / "lib" / "up").symlink_to("..")
    (root / "a" / "libgpu.so").symlink_to(store / "blob")
    (root / "a" / "libgpu.so.1").symlink_to("libgpu.so")
    (root / "lib").symlink_to(store / "lib")
    (root / "lib64").symlink_to("lib")
    (root / "above").symlink_to(tmp_path)
    found = libraries.run({"roots": [str(root)]})
    names = [str(Path(row["path"]).relative_to(root)) for row in found["libraries"]]
    assert sorted(names) == ["a/libgpu.so", "lib/libfolder.so.1"]
    assert (found["binaries"], found["skipped"]) == (2, [])
    assert found["left_out"] == ["links to a folder above are not followed (1), such as above."]


def test_a_program_without_a_suffix_is_read(tmp_path: Path) -> None:
    shutil.copy(DATA / "uneven.so", tmp_path / "llama-server")
    (tmp_path / "llama-server").chmod(0o755)
    (tmp_path / "large").write_bytes((DATA / "uneven.so").read_bytes() + bytes(binaryfiles.LARGE))
    (tmp_path / "script").write_text("#!/bin/sh\n")
    (tmp_path / "script").chmod(0o755)
    (tmp_path / "small").write_bytes((DATA / "uneven.so").read_bytes())
    found = libraries.run({"roots": [str(tmp_path)]})
    assert sorted(Path(row["path"]).name for row in found["libraries"]) == ["large", "llama-server"]
    assert found["binaries"] == 2
    assert binaryfiles.files([str(tmp_path)], []) == []


def test_binaries_of_other_systems_and_packages_inside_are_counted_and_named(tmp_path: Path) -> None:
    for name in ("a.dll", "b.pyd", "c.pyd", "d.dylib", "x.whl", "y.tar.gz"):
        (tmp_path / name).write_bytes(b"MZ")
    found = libraries.run({"roots": [str(tmp_path)]})
    assert (found["binaries"], found["skipped"]) == (0, [])
    counts = sorted(sentence.split(",")[0] for sentence in found["left_out"])
    assert counts == [
        "Windows binaries are not read (3 .dll/.pyd)",
        "macOS binaries are not read (1 .dylib)",
        "packages and archives inside are not opened (2 .tar.gz/.whl)",
    ]


def test_a_pipe_named_as_root_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.so")
    assert libraries.run({"roots": [str(tmp_path / "pipe.so")]})["binaries"] == 0


def test_the_probe_names_itself() -> None:
    assert (libraries.NAME, libraries.GRADE) == ("libraries", "static")


def test_hidden_means_that_the_data_sections_of_libraries_known_to_hide_code_are_searched(
    tmp_path: Path,
) -> None:
    calls: list[bool] = []

    def reads(path: str, *, deep: bool = False) -> dict[str, object]:
        calls.append(deep)
        return {"path": path, "images": []} if deep else {"path": path, "unread": ["hidden code: in .data"]}

    (tmp_path / "libcufft.so.11").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libraries, "read_library", reads)
        assert "unread" not in libraries.run({"roots": [str(tmp_path)], "deep": "hidden"})["libraries"][0]
        assert "unread" in libraries.run({"roots": [str(tmp_path)]})["libraries"][0]
    assert calls == [False, True, False]


def test_packages_that_were_installed_into_another_folder_are_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deps" / "torch-2.5.0.dist-info").mkdir(parents=True)
    (tmp_path / "code").mkdir()
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.setattr(
        sys, "path", ["", str(tmp_path / "deps"), str(tmp_path / "code"), str(site), str(site)]
    )
    assert binaryfiles.site_packages() == [str(tmp_path / "deps"), str(site)]


def test_a_kept_walk_is_done_once_and_says_again_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaryfiles, "_kept", [])
    monkeypatch.setattr(binaryfiles, "MAX_DEPTH", 1)
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    binaryfiles.keep()
    first: list[str] = []
    assert binaryfiles.files([str(tmp_path)], first) == []
    (tmp_path / "late.so").write_bytes(b"")
    second: list[str] = []
    assert binaryfiles.files([str(tmp_path)], second) == []
    assert (len(first), second) == (1, first)


def test_packages_asked_for_alone_leave_a_word_on_the_rest(tmp_path: Path) -> None:
    for name in ("torch/lib/a.so", "torch.libs/b.so", "other/c.so"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / "plain.so", tmp_path / name)
    found = libraries.run({"roots": [str(tmp_path)], "packages": ["torch"], "all": True})
    assert [Path(row["path"]).name for row in found["libraries"]] == ["a.so", "b.so"]
    assert found["skipped"] == ["only the packages torch were asked for"]
