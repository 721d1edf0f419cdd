import struct
from pathlib import Path

import pytest

from stackcheck_probes.binaries.bytesource import BytesSource, FileSource
from stackcheck_probes.binaries.elf import DT_GNU_HASH, DT_NEEDED, DT_STRTAB, Elf, ElfError

DATA = Path(__file__).parents[2] / "data" / "gpucode"


def elf64(
    *,
    sections: int = 0,
    shoff: int = 0,
    phoff: int = 0,
    segments: int = 0,
    names: int = 0,
    shentsize: int = 64,
) -> bytes:
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    return ident + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, phoff, shoff, 0, 64, 56, segments, shentsize, sections, names
    )


def section64(name: int = 0, kind: int = 1, offset: int = 0, size: int = 0, link: int = 0) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, link, 0, 0, 0)


def fixture(name: str) -> Elf:
    return Elf(FileSource(str(DATA / name)))


def test_a_library_of_a_real_toolchain() -> None:
    elf = fixture("uneven.so")
    fatbins = elf.section(".nv_fatbin")
    assert (elf.bits, elf.machine, elf.type, elf.cut) == (64, 62, 3, False)
    assert fatbins is not None
    assert elf.source.pread(fatbins.offset, 4) == bytes.fromhex("50ed55ba")
    assert elf.offset_of(fatbins.addr) == fatbins.offset
    assert elf.section("no such section") is None
    assert elf.offset_of(1 << 60) is None


def test_the_dynamic_section() -> None:
    dynamic = fixture("uneven.so").dynamic()
    assert dynamic is not None
    assert "libstdc++.so.6" in dynamic.needed
    assert {DT_NEEDED, DT_STRTAB, DT_GNU_HASH} <= set(dynamic.tags)
    assert (dynamic.soname, dynamic.rpath, dynamic.runpath) == (None, None, None)


def test_an_object_file_has_no_dynamic_section() -> None:
    assert fixture("scale.o").dynamic() is None


def test_a_library_cut_in_the_middle_is_cut_and_keeps_its_segments() -> None:
    whole = (DATA / "uneven.so").read_bytes()
    elf = Elf(BytesSource(whole[: len(whole) // 2]))
    assert elf.cut
    assert elf.sections == ()
    assert elf.segments


def test_a_library_without_section_headers() -> None:
    whole = bytearray((DATA / "uneven.so").read_bytes())
    whole[40:48] = bytes(8)
    whole[60:64] = bytes(4)
    elf = Elf(BytesSource(bytes(whole)))
    assert (elf.sections, elf.cut) == ((), False)
    dynamic = elf.dynamic()
    assert dynamic is not None
    assert "libstdc++.so.6" in dynamic.needed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ELF file (no \\x7fELF at the start)"),
        (b"MZ" + bytes(90), "not an ELF file (no \\x7fELF at the start)"),
        (b"\x7fELF\x02\x01", "ELF header cut off after 6 bytes"),
        (elf64()[:60], "ELF header cut off after 60 bytes"),
        (b"\x7fELF\x03\x01" + bytes(90), "ELF class 3 is neither 32 nor 64 bits"),
        (b"\x7fELF\x02\x02" + bytes(90), "ELF byte order 2: only little-endian is read"),
        (elf64(sections=1, shoff=64, shentsize=40) + bytes(64), "entries of 40 bytes, expected 64"),
        (elf64(segments=5000, phoff=64), "5000 segments, more than the 4096 that are read"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, message: str) -> None:
    with pytest.raises(ElfError) as error:
        Elf(BytesSource(content))
    assert message in str(error.value)


def test_a_million_sections_are_refused() -> None:
    first = section64(size=1_000_000)
    with pytest.raises(ElfError, match="1000000 sections, more than the 65536 that are read"):
        Elf(BytesSource(elf64(shoff=64) + first))


def test_section_numbers_too_large_for_the_header_stand_in_section_0() -> None:
    names = b"\0.hello\0"
    content = (
        elf64(shoff=64, names=0xFFFF) + section64(size=2, link=1) + section64(1, 3, 192, len(names)) + names
    )
    elf = Elf(BytesSource(content))
    assert [section.name for section in elf.sections] == ["", ".hello"]


def test_sizes_near_2_to_the_64_are_cut_not_allocated() -> None:
    content = elf64(shoff=64, sections=1) + section64(offset=2**64 - 8, size=2**64 - 1)
    elf = Elf(BytesSource(content))
    assert elf.cut
    assert elf.read_start(elf.sections[0], 100) == b""
    with pytest.raises(ElfError, match="18446744073709551615 bytes, more than the 100 that are read"):
        elf.read(elf.sections[0], 100)


def test_a_32_bit_library() -> None:
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = struct.pack("<HHIIIIIHHHHHH", 3, 3, 1, 0, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    load = struct.pack("<IIIIIIII", 1, 0, 0x1000, 0, 84, 84, 5, 0)
    elf = Elf(BytesSource(ident + head + load))
    assert (elf.bits, elf.machine, elf.cut) == (32, 3, False)
    assert elf.offset_of(0x1010) == 0x10
