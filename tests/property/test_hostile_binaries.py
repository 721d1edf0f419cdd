"""Files made to hang a reader or to fill its memory end in the reader's own error, or in bounded work."""

import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcheck_probes.binaries.archives import read_zip
from stackcheck_probes.binaries.bytesource import ByteSource, BytesSource, SourceError
from stackcheck_probes.binaries.elf import ElfError
from stackcheck_probes.binaries.gpucode import GpuCode
from stackcheck_probes.binaries.gpureader import GpuCodeError, read_gpu_code
from stackcheck_probes.binaries.inflate import Budget
from stackcheck_probes.binaries.tarmembers import layer, tar_members
from stackcheck_probes.binaries.zipmembers import zip_members

pytestmark = pytest.mark.property

DATA = Path(__file__).parent.parent / "data" / "gpucode"
LIMIT = 150 << 20


@pytest.fixture(autouse=True)
def bounded_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The same bound, sooner reached.
    monkeypatch.setattr("stackcheck_probes.binaries.fatbin.MAX_IMAGES", 1 << 14)
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < LIMIT


class Repeated(ByteSource):
    """A file of any size that repeats a pattern, without the memory."""

    __slots__ = ("head", "pattern", "size")

    def __init__(self, head: bytes, pattern: bytes, size: int) -> None:
        self.head, self.pattern, self.size = head, pattern, size

    def pread(self, offset: int, size: int) -> bytes:
        size = max(0, min(size, self.size - offset, 64 << 20))
        if offset < len(self.head):
            start = self.head[offset : offset + size]
            return start + (self.pread(len(self.head), size - len(start)) if size > len(start) else b"")
        at = (offset - len(self.head)) % len(self.pattern)
        return (self.pattern * ((at + size) // len(self.pattern) + 1))[at : at + size]


def elf_header(shoff: int, sections: int, names: int) -> bytes:
    row = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, shoff, 0, 64, 56, 0, 64, sections, names)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + row


def section(name: int, kind: int, offset: int, size: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 0, 0)


def fatbin(body: bytes = b"") -> bytes:
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def image(payload: bytes = b"") -> bytes:
    return (
        struct.pack("<HHIQIIHHIIIQQQ", 2, 0x101, 64, len(payload), 0, 0, 0, 0, 80, 0, 0, 0x11, 0, 0) + payload
    )


def test_a_terabyte_of_empty_fatbins() -> None:
    gpu = read_gpu_code(Repeated(b"", fatbin(), 1 << 40))
    assert gpu.unread == ("damaged: more than 16384 images and fatbins: the rest was not read",)


def test_a_terabyte_of_images_in_one_fatbin() -> None:
    source = Repeated(struct.pack("<IHHQ", 0xBA55ED50, 1, 16, (1 << 40) - 64), image(), 1 << 40)
    assert read_gpu_code(source).unread == (
        "damaged: more than 16384 images and fatbins: the rest was not read",
    )


def test_sections_that_all_name_the_same_fatbins() -> None:
    names = b"\0.nv_fatbin\0"
    row = section(1, 1, 0, 1 << 40)
    head = elf_header(64, 65000, 0) + section(0, 3, 64 + 64 * 65000, len(names)) + row * 64999 + names
    with pytest.raises(GpuCodeError, match="more than 256 sections of fatbins"):
        read_gpu_code(Repeated(head, fatbin(image()), 1 << 30))


def test_a_million_sections() -> None:
    source = Repeated(elf_header(64, 0, 0) + section(0, 0, 0, 1_000_000), bytes(64), 1 << 30)
    with pytest.raises(GpuCodeError, match="1000000 sections, more than the 65536 that are read"):
        read_gpu_code(source)
    assert issubclass(ElfError, ValueError)


def test_65535_sections_with_one_long_name() -> None:
    names = b"\0" + b"x" * 5000 + b"\0"
    head = elf_header(64, 65279, 0) + section(0, 3, 64 + 64 * 65279, len(names)) + section(1, 1, 0, 0) * 65278
    assert read_gpu_code(BytesSource(head + names)).images == ()


def test_an_archive_of_empty_members_forever() -> None:
    member = b"/0".ljust(16) + b"0".ljust(32) + b"0".ljust(10) + b"`\n"
    with pytest.raises(GpuCodeError, match="more than 65536 archive members: the rest was not read"):
        read_gpu_code(Repeated(b"!<arch>\n", member, 1 << 40))


def test_a_section_of_hip_bundles_forever() -> None:
    bundle = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", 0) + bytes(4096 - 32)
    gpu = read_gpu_code(Repeated(b"", bundle, 1 << 40))
    assert gpu.faults == ("more than 4096 bundles: the rest was not read",)


def test_false_starts_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcheck_probes.binaries.hidden.MAX_MISSES", 1000)
    start = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 0)
    gpu = read_gpu_code(Repeated((DATA / "plain.so").read_bytes(), start, 1 << 24), deep=True)
    assert gpu.unread == ("damaged: more than 1000 false starts of fatbins: the rest was not searched",)


def zip_of(entry: Callable[[int], bytes], number: int) -> BytesSource:
    directory = b"".join(map(entry, range(number)))
    end64 = b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 0, 0, 0, 0, number, number, len(directory), 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(directory), 1)
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return BytesSource(directory + end64 + locator + end)


def entry(name: bytes, size: int = 0, offset: int = 0) -> bytes:
    row = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, size, size, len(name), 0, 0, 0, 0, 0, offset
    )
    return row + name


def test_a_zip_of_50000_members_is_streamed() -> None:
    source = zip_of(lambda index: entry(b"a/%06d.py" % index), 50_000)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    assert sum(1 for _ in zip_members(source)) == 50_000
    assert tracemalloc.get_traced_memory()[1] - before < 4 << 20


def test_members_that_overlap_are_each_bounded() -> None:
    source = zip_of(lambda _: entry(b"libx.so", 0xFFFFFFF0), 2000)
    assert {facts["error"].split(": ", 1)[1] for facts in read_zip(source)} == {"no local header at 0x0"}


def test_a_tar_of_folders_forever() -> None:
    header = bytearray(512)
    header[:4] = b"dir/"
    header[156:157] = b"5"
    header[148:156] = b"%06o\0 " % (sum(header) + 8 * 32)
    source = Repeated(b"", bytes(header), 512 * 5_000)
    assert [member for member in tar_members(layer(source, Budget(1 << 20))) if member.is_file] == []


def test_a_pax_header_of_a_gigabyte() -> None:
    header = bytearray(512)
    header[124:136] = b"%011o\0" % (1 << 30)
    header[156:157] = b"x"
    header[148:156] = b"%06o\0 " % (sum(header) + 8 * 32)
    with pytest.raises(
        SourceError, match="tar header of 1073741824 bytes, more than the 1048576 that are read"
    ):
        list(tar_members(layer(Repeated(bytes(header), b"1", 2 << 30), Budget(1 << 20))))


def test_results_stay_small() -> None:
    gpu = read_gpu_code(BytesSource(b"".join(fatbin(image()) for _ in range(5_000))))
    assert isinstance(gpu, GpuCode)
    assert len(gpu.groups) == 1
