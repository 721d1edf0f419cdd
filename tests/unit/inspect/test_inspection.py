"""Every kind of target gives the same libraries; the table is worst first; nothing read is never good."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.inspect import forwardstreams, imagearchive
from stackcheck.inspect.answer import Gate, exit_code
from stackcheck.inspect.inspection import read_target
from stackcheck.model.errors import UsageError
from stackcheck_probes.binaries.bytesource import BytesSource, SourceError
from stackcheck_probes.binaries.inflate import Budget

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data" / "gpucode"
LIBRARY = (DATA / "uneven.so").read_bytes()


def _tar(files: dict[str, bytes | str]) -> bytes:
    """Make an archive: bytes are a file, text is a link."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


LOWER = _tar({"usr/lib/libold.so": LIBRARY, "opt/a/x.so": LIBRARY, "opt/b/y.so": LIBRARY, "etc/hosts": b"."})
UPPER = _tar({
    "usr/lib/.wh.libold.so": b"",
    "opt/a/.wh..wh..opq": b"",
    "opt/a/new.so": LIBRARY,
    "../../abs/z.so": LIBRARY,
    "opt/b/text.so": b"no binary",
})  # fmt: skip


def _docker_save(lower: bytes, upper: bytes) -> dict[str, bytes | str]:
    manifest = json.dumps([{"Layers": ["one/layer.tar", "two/layer.tar"]}]).encode()
    return {"one/layer.tar": lower, "two/layer.tar": upper, "manifest.json": manifest}


def _old_docker_save() -> dict[str, bytes | str]:
    manifest = json.dumps([{"Layers": ["one/layer.tar", "two/layer.tar"]}]).encode()
    return {"one/layer.tar": "../zero/layer.tar", "zero/layer.tar": LOWER, "two/layer.tar": UPPER,
            "manifest.json": manifest}  # fmt: skip


def _oci(compress: Callable[[bytes], bytes] = gzip.compress) -> dict[str, bytes | str]:
    def row(digest: str, **more: object) -> dict[str, object]:
        return {"digest": f"sha256:{digest}", **more}

    image = {"layers": [row("1"), row("2")]}
    inner = {"manifests": [row("ff", platform={"os": "unknown"}), row("aa", platform={"os": "linux"})]}
    return {
        "index.json": json.dumps({"manifests": [row("bb")]}).encode(),
        "blobs/sha256/bb": json.dumps(inner).encode(),
        "blobs/sha256/aa": json.dumps(image).encode(),
        "blobs/sha256/1": compress(LOWER),
        "blobs/sha256/2": compress(UPPER),
    }


@pytest.mark.parametrize(
    "parts",
    [
        _docker_save(LOWER, UPPER),
        _docker_save(gzip.compress(LOWER), gzip.compress(UPPER)),
        _old_docker_save(),
        _oci(),
        _oci(zstd.compress),
    ],
    ids=["docker save", "gzipped layers", "linked layer", "oci", "oci with zstd layers"],
)
def test_an_image_archive_is_its_layers_on_each_other(parts: dict[str, bytes | str], tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(_tar(parts))
    found = read_target(tmp_path / "image.tar")
    assert found.kind == "image archive"
    assert [path for path, _ in found.libraries] == ["/abs/z.so", "/opt/a/new.so", "/opt/b/y.so"]
    assert found.binaries == 3


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"manifest.json": b"{"}, "manifest.json of the archive is not JSON"),
        ({"manifest.json": b"[]"}, "the archive is not whole: layer list is missing"),
        (
            {"manifest.json": b'[{"Layers": ["x"]}]'},
            "the archive is not whole: layer x is missing",
        ),
        ({"manifest.json": b'[{"Layer": 1}]'}, "manifest.json of the archive is not an image manifest"),
        ({"index.json": b'{"manifests": []}'}, "the archive's index names no Linux image"),
        ({"index.json": b"[1]"}, "index.json of the archive is not an image manifest"),
        (
            {"index.json": b'{"manifests": [{"digest": "sha256:0"}]}'},
            "the archive is not whole: blobs/sha256/0 is missing or too large",
        ),
        (_docker_save(b"\x28\xb5\x2f\xfd" + bytes(600), UPPER), "damaged zstd layer: "),
        (_docker_save(zstd.compress(LOWER)[:-900], UPPER), "damaged zstd layer: "),
        (_docker_save(gzip.compress(LOWER)[:-900], UPPER), "cut off: the deflate stream ends at byte "),
    ],
)
def test_an_archive_that_is_no_whole_image_says_why(
    parts: dict[str, bytes | str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "image.tar").write_bytes(_tar(parts))
    with pytest.raises(UsageError, match=re.escape(f"image.tar: {message}")):
        read_target(tmp_path / "image.tar")


def test_a_wheel_is_read_in_place(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x-1-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("x/lib.so", LIBRARY)
        wheel.writestr("x/__init__.py", "")
    found = read_target(tmp_path / "x-1-py3-none-any.whl")
    assert (found.kind, [path for path, _ in found.libraries]) == ("wheel", ["x/lib.so"])


def test_an_environment_is_its_site_packages_once(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    (tmp_path / "pyvenv.cfg").write_text("", encoding="utf-8")
    (tmp_path / "outside.so").write_bytes(LIBRARY)
    shutil.copy(DATA / "uneven.so", packages / "x.so")
    found = read_target(tmp_path)
    assert (found.kind, [path for path, _ in found.libraries], found.binaries) == ("environment", ["x.so"], 1)


def test_a_folder_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.so").write_bytes(LIBRARY)
    (tmp_path / "a" / "damaged.so").write_bytes(b"\x7fELF\x02\x02" + bytes(90))
    folder = read_target(tmp_path)
    assert [path for path, _ in folder.libraries] == ["a/x.so"]
    assert folder.unreadable == (("a/damaged.so", "ELF byte order 2: only little-endian is read"),)
    single = read_target(tmp_path / "a" / "x.so")
    assert (single.kind, single.libraries[0][1]) == ("file", folder.libraries[0][1])


def test_an_empty_folder_holds_nothing_that_could_be_inspected(tmp_path: Path) -> None:
    found = read_target(tmp_path)
    assert exit_code(found, (), Gate(), asked=False) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "x: there is no such file or folder (an image is named with its tag, or by --image)"),
        (b"just text", "x: this is not a library, a package or an archive that can be read."),
        (b"PK\x03\x04", "x: no zip file, or cut off: there is no end of central directory"),
        (b"\x1f\x8b" + bytes(30), "x: "),
    ],
)
def test_what_cannot_be_inspected_says_why(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("x").write_bytes(content)
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        read_target(Path("x"))


def _layout(folder: Path, parts: dict[str, bytes | str]) -> Path:
    for name, content in {"oci-layout": b"{}", **parts}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_an_image_layout_is_read_as_its_archive_is(tmp_path: Path) -> None:
    found = read_target(_layout(tmp_path, _oci(zstd.compress)))
    assert (found.kind, found.binaries) == ("image layout", 3)
    assert [path for path, _ in found.libraries] == ["/abs/z.so", "/opt/a/new.so", "/opt/b/y.so"]


def test_a_layout_that_is_not_whole_or_of_many_images_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _layout(tmp_path, _oci())
    monkeypatch.setattr(imagearchive, "_MOST_BLOBS", 3)
    with pytest.raises(UsageError, match="more than 3 blobs: copy the one image to a layout of its own"):
        read_target(folder)
    monkeypatch.undo()
    (folder / "blobs/sha256/1").unlink()
    (folder / "blobs/sha256/1").symlink_to("/etc/hosts")
    with pytest.raises(UsageError, match="the archive is not whole: layer blobs/sha256/1 is missing"):
        read_target(folder)


def test_a_zstd_layer_is_read_onwards_only() -> None:
    content = random.Random(1).randbytes(3 << 20)  # noqa: S311 - bytes that do not compress
    stream = forwardstreams.Onwards(BytesSource(zstd.compress(content)), Budget(4 << 20))
    assert stream.pread(10, 20) == content[10:30]
    assert stream.pread(5, 3) == content[5:8]  # still held
    assert stream.pread(2 << 20, 1 << 20) == content[2 << 20 :]
    assert stream.pread(3 << 20, 10) == b""
    with pytest.raises(SourceError, match="a zstd layer cannot be read backwards, to 0x0"):
        stream.pread(0, 1)


def test_a_zstd_bomb_ends_at_the_budget() -> None:
    stream = forwardstreams.Onwards(BytesSource(zstd.compress(bytes(64 << 20))), Budget(1 << 20))
    with pytest.raises(SourceError, match="more than 1048576 bytes would have to be inflated"):
        stream.pread(60 << 20, 1)
