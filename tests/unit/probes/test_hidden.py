"""Fatbins that no section lists are seen by what the file is, whatever it is called."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from stackcheck_probes.binaries import hidden
from stackcheck_probes.binaries.bytesource import BytesSource
from stackcheck_probes.binaries.elf import Elf
from stackcheck_probes.binaries.gpureader import read_gpu_code

DATA = Path(__file__).parents[2] / "data" / "gpucode"
FATBIN = (DATA / "compress-none.fatbin").read_bytes()
LTO = (DATA / "lto.fatbin").read_bytes()
MEGABYTE = 1 << 20


def library(content: bytes, section: str = ".data") -> bytes:
    """Return an ELF file with one section of these bytes."""
    names = b"\0" + section.encode() + b"\0.shstrtab\0"
    start = 64
    table = start + len(content)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, table + len(names), 0, 64, 56, 0, 64, 3, 2)
    rows = bytes(64)
    rows += struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, start, len(content), 0, 0, 0, 0)
    rows += struct.pack("<IIQQQQIIQQ", len(section) + 2, 3, 0, 0, table, len(names), 0, 0, 0, 0)
    return ident + header + content + names + rows


def spread(fatbin: bytes, size: int, every: int, first: int = 0) -> bytes:
    """Return `size` bytes with a fatbin at each `every` bytes."""
    content = bytearray(size)
    for at in range(first, size - len(fatbin), every):
        content[at : at + len(fatbin)] = fatbin
    return bytes(content)


def unread(content: bytes, section: str = ".data") -> tuple[str, ...]:
    return read_gpu_code(BytesSource(library(content, section)), "libnew.so.1").unread


@pytest.mark.parametrize("section", [".data", ".rodata", ".ldata", ".lrodata"])
def test_a_library_of_any_name_that_keeps_kernels_as_data_says_so(section: str) -> None:
    why = f"hidden code: fatbins in {section} that no section lists; use --deep"
    assert unread(spread(FATBIN, MEGABYTE, MEGABYTE, first=300_000), section) == (why,)
    assert unread(spread(FATBIN, 40 * MEGABYTE, 100_000, first=22 * MEGABYTE), section) == (why,)


@pytest.mark.parametrize("bytes_before", range(hidden.PIECE - 20, hidden.PIECE + 4, 4))
def test_a_fatbin_across_two_pieces_is_seen(bytes_before: int) -> None:
    assert unread(spread(FATBIN, 300_000, MEGABYTE, first=bytes_before))


def test_the_deep_search_finds_them_and_leaves_no_doubt() -> None:
    content = library(spread(FATBIN, MEGABYTE, 100_000))
    gpu = read_gpu_code(BytesSource(content), "libnew.so.1", deep=True)
    assert (gpu.fatbins, gpu.unread) == (11, ())


@pytest.mark.parametrize(
    ("content", "section"),
    [
        (spread(LTO, MEGABYTE, 100_000), ".rodata"),  # serves no device: libcudf, libcuvs, warp
        (spread(FATBIN[:16], MEGABYTE, 5_000), ".rodata"),  # a compiler's own constants
        (spread(b"\x50\xed\x55\xba", MEGABYTE, 16), ".rodata"),
        (spread(FATBIN, MEGABYTE, 100_000), ".text"),
        (spread(FATBIN, 200_000, 100_000), ".data"),  # too small to be looked into; --deep does
        (bytes(MEGABYTE), ".data"),
    ],
)
def test_what_hides_no_code_that_runs_raises_no_doubt(content: bytes, section: str) -> None:
    assert unread(content, section) == ()


def test_fatbins_that_a_wrapper_names_are_not_hidden() -> None:
    source = BytesSource(library(spread(FATBIN, MEGABYTE, MEGABYTE, first=1000)))
    assert hidden.place(source, Elf(source), 0, []) == ".data"
    assert hidden.place(source, Elf(source), 0, [(64 + 1000, 64 + 1000 + len(FATBIN))]) == ""
