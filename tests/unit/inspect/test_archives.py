import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from stackcheck_probes.binaries.archives import read_zip
from stackcheck_probes.binaries.bytesource import BytesSource, SourceError
from stackcheck_probes.binaries.inflate import GZIP, Budget, Inflated
from stackcheck_probes.binaries.libraryfile import read_library, read_source
from stackcheck_probes.binaries.tarmembers import layer, tar_members
from stackcheck_probes.binaries.zipmembers import open_member, zip_members

DATA = Path(__file__).parents[2] / "data" / "gpucode"
NAMES = ("uneven.so", "arches.fatbin", "libstatic.a", "sm_90a.cubin")


def wheel(method: int, names: tuple[str, ...] = NAMES) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("package/__init__.py", "")
        for name in names:
            archive.writestr(f"package/{name}", (DATA / name).read_bytes())
    return buffer.getvalue()


def tar(names: tuple[str, ...] = NAMES, form: int = tarfile.GNU_FORMAT, folder: str = "usr/lib") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in names:
            member = tarfile.TarInfo(f"{folder}/{name}")
            content = (DATA / name).read_bytes()
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(f"{folder}/link.so")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def plain(name: str, path: str) -> dict[str, object]:
    facts = read_library(str(DATA / name))
    assert facts is not None
    return {**facts, "path": path}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_a_wheel_reads_as_its_files_do(method: int) -> None:
    found = list(read_zip(BytesSource(wheel(method))))
    assert found == [plain(name, f"package/{name}") for name in NAMES]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("folder", ["usr/lib", "/absolute", "../../up", "deep/" * 30 + "x"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_layer_reads_as_its_files_do(form: int, folder: str, packed: bool) -> None:
    if form == tarfile.USTAR_FORMAT and len(folder) > 140:
        folder = "deep/" * 20 + "x"
    content = tar(form=form, folder=folder)
    source = BytesSource(gzip.compress(content) if packed else content)
    files = [each for each in tar_members(layer(source, Budget(1 << 30))) if each.is_file]
    assert [read_source(each.content, each.name) for each in files] == [
        plain(name, f"{folder}/{name}") for name in NAMES
    ]


def test_links_of_a_tar_are_only_text() -> None:
    link = [member for member in tar_members(BytesSource(tar())) if not member.is_file]
    assert [(member.type, member.link, member.content.size) for member in link] == [
        (b"2", "../../../etc/passwd", 0)
    ]


def test_random_access_to_a_deflated_member_equals_the_bytes() -> None:
    content = bytes(range(256)) * 4000 + (DATA / "arches.fatbin").read_bytes()
    source = Inflated(BytesSource(gzip.compress(content)), len(content), Budget(1 << 30), GZIP)
    for offset in (len(content) - 50, 0, 700_000, 3, 200_000, len(content) - 1, len(content), 10**9):
        assert source.pread(offset, 100) == content[offset : offset + 100]


def test_gzip_members_one_after_the_other() -> None:
    content = gzip.compress(b"first ") + gzip.compress(b"second")
    assert Inflated(BytesSource(content), 1 << 40, Budget(1 << 20), GZIP).pread(0, 100) == b"first second"


def test_far_reads_use_copies_and_keep_their_number_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcheck_probes.binaries.inflate.STRIDE", 1000)
    monkeypatch.setattr("stackcheck_probes.binaries.inflate.CHUNK", 500)
    content = bytes(index * 7 % 251 for index in range(200_000))
    source = Inflated(BytesSource(gzip.compress(content)), len(content), Budget(1 << 30), GZIP)
    for offset in (199_990, 10, 150_000, 149_000, 100, 77_777):
        assert source.pread(offset, 10) == content[offset : offset + 10]
    assert len(source._copies) <= 64


def test_a_bomb_ends_at_the_budget() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    with pytest.raises(SourceError, match="more than 1000000 bytes would have to be inflated"):
        Inflated(BytesSource(bomb), 1 << 40, Budget(1_000_000), GZIP).pread(9_000_000, 10)


def test_damaged_members_are_facts_and_the_others_are_read() -> None:
    content = bytearray(wheel(zipfile.ZIP_DEFLATED, ("uneven.so", "sm_90a.cubin")))
    at = content.index(b"uneven.so") + len(b"uneven.so")
    content[at : at + 20] = b"\xff" * 20
    found = list(read_zip(BytesSource(bytes(content))))
    assert found[0] == {
        "path": "package/uneven.so",
        "error": "damaged deflate stream at byte 0: Error -3 while decompressing data: invalid block type",
    }
    assert found[1] == plain("sm_90a.cubin", "package/sm_90a.cubin")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no zip file, or cut off: there is no end of central directory"),
        (wheel(8)[:-30], "no zip file, or cut off: there is no end of central directory"),
        (b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, 100, 0, 0), "at 0x0 of 100 bytes ends past the zip file"),
        (bytes(46) + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, 46, 0, 0), "central directory is damaged at 0x0"),
        (
            b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 0, 0, 0, 0, 10**7, 10**7, 0, 0)
            + b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1)
            + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 65535, 65535, 0, 0, 0),
            "zip file of 10000000 members, more than the 1048576 that are read",
        ),
    ],
)  # fmt: skip
def test_a_damaged_zip_is_said(content: bytes, message: str) -> None:
    with pytest.raises(SourceError) as error:
        list(zip_members(BytesSource(content)))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("field", "number", "message"),
    [
        (8, 1, "encrypted"),
        (10, 14, "compression method 14 is not read"),
        (20, 10**9, "cut off, its 1000000000 bytes end past the zip file"),
        (42, 10**6, "no local header at 0xf4240"),
    ],
)
def test_a_member_that_cannot_be_read_is_said(field: int, number: int, message: str) -> None:
    content = bytearray(wheel(8, ("uneven.so",)))
    at = content.rindex(b"PK\x01\x02") + field
    width = 2 if field < 16 else 4
    content[at : at + width] = number.to_bytes(width, "little")
    source = BytesSource(bytes(content))
    member = list(zip_members(source))[-1]
    with pytest.raises(SourceError) as error:
        open_member(source, member, Budget(1 << 20))
    assert str(error.value) == f"package/uneven.so: {message}"


def test_zip64_sizes() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("big.so", "w", force_zip64=True) as file:
        file.write((DATA / "plain.so").read_bytes())
    source = BytesSource(buffer.getvalue())
    (member,) = zip_members(source)
    assert open_member(source, member, Budget(1 << 20)).pread(0, 4) == b"\x7fELF"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x" * 512, "no tar header at 0x0"),
        (tar()[:1000], "cut off, its 22904 bytes end past the archive"),
        (
            b"\x28\xb5\x2f\xfd" + bytes(600),
            "a zstd archive is not read: decompress it first",
        ),
    ],
)
def test_a_damaged_layer_is_said(content: bytes, message: str) -> None:
    with pytest.raises(SourceError) as error:
        list(tar_members(layer(BytesSource(content), Budget(1 << 20))))
    assert message in str(error.value)
