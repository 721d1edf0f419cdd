"""Archives made to hang a reader, to fill its memory or to write elsewhere end in bounded work."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.inspect import layertree
from stackcheck.inspect.imagearchive import read_archive
from stackcheck_probes.binaries.bytesource import BytesSource, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.inspect.imagearchive import Archived

pytestmark = pytest.mark.property

CUBIN = (Path(__file__).parent.parent / "data" / "gpucode" / "sm_86.cubin").read_bytes()
LIMIT = 150 << 20
SECONDS = 20
Entry = tuple[str, bytes | tuple[bytes, str]]
SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


def tar(entries: Iterable[Entry]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, what in entries:
            entry = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                entry.size = len(what)
                archive.addfile(entry, io.BytesIO(what))
            else:
                entry.type, entry.linkname = what
                archive.addfile(entry)
    return made.getvalue()


def image(*layers: bytes, times: int = 1) -> Archived:
    """Read an image in bounded memory and time."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = json.dumps([{"Layers": names * times}]).encode()
    source = BytesSource(tar([*zip(names, layers, strict=True), ("manifest.json", manifest)]))
    tracemalloc.start()
    start = time.process_time()
    try:
        return read_archive(source)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < LIMIT
        assert time.process_time() - start < SECONDS


def test_ten_thousand_whiteouts_of_ten_thousand_files() -> None:
    count = 10_000
    files = tar((f"e/{number}.so", b"") for number in range(count))
    assert image(files, tar((f"e/.wh.{number}.so", b"") for number in range(count))).binaries == 0


def test_opaque_folders_inside_each_other() -> None:
    deep = "/".join("d" * 1_000)
    files = tar((f"{deep}/{number}.so", b"") for number in range(500))
    opaque = tar((f"{deep[: 2 * depth + 1]}/.wh..wh..opq", b"") for depth in range(999))
    assert image(files, opaque).binaries == 0


def test_a_forest_of_deep_folders_ends_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layertree, "MAX_ENTRIES", 100_000)  # the same bound, sooner reached
    deep = "/".join("d" * 1_500)
    with pytest.raises(SourceError, match="more than 100000 files and folders in its layers"):
        image(tar((f"{number}/{deep}/x", b"") for number in range(100)))


def test_links_that_are_long_ways_end_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layertree, "MAX_STEPS", 1_000_000)
    way = "x/../" * 800
    links: list[Entry] = [
        ("x/x", b""),
        *((f"l{number}", (SYM, f"{way}l{number + 1}")) for number in range(39)),
    ]
    files: list[Entry] = [(f"l0/{number}.so", b"") for number in range(2_000)]
    with pytest.raises(SourceError, match="too many links and folders inside each other"):
        image(tar(links + files))


def test_a_file_of_more_names_than_are_listed() -> None:
    names = ((f"n/{number}.so", (HARD, "a.so")) for number in range(21_000))
    found = image(tar([("a.so", CUBIN), *names]))
    assert (found.binaries, len(found.libraries)) == (21_001, 20_000)
    assert found.skipped == ("more than 20000 libraries: 1001 are not listed",)


def test_links_that_lead_round_and_round_in_a_large_circle() -> None:
    found = image(tar((f"{number}.so", (SYM, f"{(number + 1) % 5_000}.so")) for number in range(5_000)))
    assert found.left_out[0].startswith("links named like libraries lead to no file (5000)")


def test_one_layer_many_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layertree, "MAX_STEPS", 1_000_000)
    files = tar((f"{number}.so", b"") for number in range(10_000))
    with pytest.raises(SourceError, match="too many links and folders inside each other"):
        image(files, times=499)
    with pytest.raises(SourceError, match="an image of 501 layers, more than the 500 that are read"):
        image(files, times=501)


def test_xz_that_asks_for_gigabytes() -> None:
    wants = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 20}]
    packed = bytearray(lzma.compress(tar([("usr/a.so", CUBIN)]), filters=wants))
    assert packed[14:17] == b"\x21\x01\x10"  # the filter, one byte of properties, a dictionary of 1 MB
    packed[16] = 40  # 4 GB
    header = bytes(packed[12:20])
    packed[20:24] = _crc32(header)
    with pytest.raises(SourceError, match="damaged xz layer: Memory usage limit exceeded"):
        read_archive(BytesSource(bytes(packed)))


def _crc32(raw: bytes) -> bytes:
    import zlib  # noqa: PLC0415

    return zlib.crc32(raw).to_bytes(4, "little")


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/escaped.so",
        "/tmp/escaped.so",
        "x/../../escaped.so",
        "n" * 300 + ".so",
        "a\x1b[31m\n.so",
        "é\udcff.so",
    ],
)
def test_no_name_of_an_archive_is_written_outside_or_breaks_the_reader(name: str, tmp_path: Path) -> None:
    plain = (Path(__file__).parent.parent / "data" / "gpucode" / "plain.so").read_bytes()
    site = "usr/lib/python3/dist-packages"
    entries: list[Entry] = [
        (f"{site}/p-1.dist-info/METADATA", b"Name: p\n"), (f"{site}/p/x.so", plain),
        ("t", (SYM, str(tmp_path))), (f"{site}/up", (SYM, "../../../../../../../../../..")),
        (f"{site}/up/{tmp_path}/through.so", plain), (f"t/{name}", plain), (name, plain),
    ]  # fmt: skip
    assert image(tar(entries)).binaries >= 3
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/escaped.so").exists()
