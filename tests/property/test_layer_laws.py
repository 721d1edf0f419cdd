"""Layers in the tree and on a real disk: what is put, linked and removed leaves the same files."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from stackcheck.inspect.filesystem import FileSystem
from stackcheck.inspect.layerfiles import LayerReader
from stackcheck_probes.binaries.bytesource import BytesSource
from stackcheck_probes.binaries.inflate import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.property

CUBIN = (Path(__file__).parent.parent / "data" / "gpucode" / "sm_86.cubin").read_bytes()
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
CHANGES = st.one_of(
    st.tuples(st.just("file"), PATHS, st.just("")),
    st.tuples(st.just("folder"), PATHS, st.just("")),
    st.tuples(st.just("link"), PATHS, st.one_of(PATHS, PATHS.map("/{}".format))),
)
REMOVALS = st.tuples(st.sampled_from(["gone", "empty"]), PATHS, st.just(""))
LAYERS = st.lists(st.one_of(st.lists(CHANGES, max_size=4), st.lists(REMOVALS, max_size=2)), max_size=6)
Change = tuple[str, str, str]


def packed(layer: Sequence[Change]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for what, path, target in layer:
            folder, _, name = path.rpartition("/")
            if what == "gone":
                path = f"{folder}/.wh.{name}"  # noqa: PLW2901
            elif what == "empty":
                path += "/.wh..wh..opq"  # noqa: PLW2901
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}.get(what, tarfile.REGTYPE)
            entry.linkname, entry.size = target, len(CUBIN) if what == "file" else 0
            archive.addfile(entry, io.BytesIO(CUBIN[: entry.size]))
    return made.getvalue()


def in_tree(layers: Sequence[Sequence[Change]]) -> set[str]:
    reader = LayerReader(Budget(1 << 30), deep=False)
    system = FileSystem(reader.limits, reader.left_out, reader.unread)
    for layer in layers:
        system.apply(reader.read(BytesSource(packed(layer))))
    return {path for path, file in system.files() if file.facts is not None}


class Disk:
    """A folder as the root of a file system: what links lead to is looked up in it, step by step."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written: dict[Path, str] = {}

    def place(self, path: str) -> Path | None:
        """Return the real folder that a path leads to, making what is missing; None round and round."""
        at, left, hops = self.root, path.split("/"), 0
        while left:
            part = left.pop(0)
            if part in ("", "."):
                continue
            here = at / part
            if here.is_symlink():
                hops += 1
                if hops > 40:
                    return None
                target = str(here.readlink())
                at = self.root if target.startswith("/") else at
                left = [*target.split("/"), *left]
                continue
            if here.is_file():
                reject()  # no engine unpacks it
            here.mkdir(exist_ok=True)
            at = here
        return at

    def apply(self, layer: Sequence[Change]) -> None:
        self.written.clear()
        for number, (what, path, target) in enumerate(layer):
            if any(before.startswith(f"{path}/") for _, before, _ in layer[:number]):
                reject()  # an archive names a folder before what is in it
            above = self.place(path if what == "empty" else path.rpartition("/")[0])
            if above is None:
                continue
            if what == "empty":
                for each in above.iterdir():
                    _remove(each)
                continue
            here = above / path.rpartition("/")[2]
            if what == "folder" and here.is_dir() and not here.is_symlink():
                continue
            self.note(here, path)
            _remove(here)
            if what == "file":
                here.write_bytes(CUBIN)
            elif what == "folder":
                here.mkdir()
            elif what == "link":
                here.symlink_to(target)

    def note(self, here: Path, path: str) -> None:
        """Pass over layers that write one place under two paths: no archive of a layer is made so."""
        for other, spelled in self.written.items():
            touches = other == here or here in other.parents or other in here.parents
            one = f"{path}/".startswith(f"{spelled}/") or f"{spelled}/".startswith(f"{path}/")
            if touches and not one:
                reject()
        self.written[here] = path

    def files(self) -> set[str]:
        return {
            "/" + str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@given(LAYERS)
def test_a_tree_of_layers_holds_the_files_that_a_disk_would(layers: list[list[Change]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder))
        for layer in layers:
            disk.apply(layer)
        assert in_tree(layers) == disk.files()
