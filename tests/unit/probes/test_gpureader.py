import json
from pathlib import Path

import pytest

from stackcheck_probes.binaries import unpack
from stackcheck_probes.binaries.bytesource import BytesSource, FileSource
from stackcheck_probes.binaries.elf import Elf
from stackcheck_probes.binaries.gpucode import GpuCode, from_json, to_json
from stackcheck_probes.binaries.gpureader import GpuCodeError, read_gpu_code

DATA = Path(__file__).parents[2] / "data" / "gpucode"


def read(name: str, *, deep: bool = False) -> GpuCode:
    return read_gpu_code(FileSource(str(DATA / name)), name, deep=deep)


def listed(gpu: GpuCode) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in gpu.images:
        name = str(row.kind.code)
        counts[name] = counts.get(name, 0) + row.images
    return counts


@pytest.mark.parametrize("mode", ["none", "size", "speed", "balance", "default"])
def test_every_compression_mode_lists_the_same(mode: str) -> None:
    assert listed(read(f"compress-{mode}.fatbin")) == {"sm_75": 1, "sm_90a": 1, "compute_90": 1}


def test_all_suffixes() -> None:
    names = ("sm_75", "sm_86", "sm_90a", "sm_100a", "sm_100f", "sm_103f", "sm_120f", "sm_121a")
    expected = dict.fromkeys((*names, "compute_90a", "compute_100f", "compute_120"), 1)
    assert listed(read("arches.fatbin")) == expected


def test_debug_images_are_marked() -> None:
    assert [row.kind.debug for row in read("debug.fatbin").images] == [True, True, True]
    assert [row.kind.debug for row in read("lineinfo.fatbin").images] == [False, False]


@pytest.mark.parametrize("name", ["sm_86", "sm_90a", "sm_100f", "sm_120"])
def test_a_cubin_alone(name: str) -> None:
    gpu = read(f"{name}.cubin")
    assert listed(gpu) == {name: 1}
    assert [sorted(map(str, group.codes)) for group in gpu.groups] == [[name]]


@pytest.mark.parametrize(
    ("flags", "name"),
    [(0x500550, "sm_80"), (0x5A0D5A, "sm_90a"), (0x320D32, "sm_50")],  # torch 2.5.0, xformers, libcublas 12.4
)
def test_a_cubin_of_the_old_abi(flags: int, name: str) -> None:
    head = bytearray((DATA / "sm_86.cubin").read_bytes()[:64])
    head[7:9] = bytes((51, 7))
    head[32:48] = bytes(16)
    head[48:52] = flags.to_bytes(4, "little")
    head[56:64] = bytes(8)
    assert listed(read_gpu_code(BytesSource(bytes(head)))) == {name: 1}


def test_a_cubin_whose_flags_name_no_architecture() -> None:
    content = bytearray((DATA / "sm_86.cubin").read_bytes())
    content[48:52] = bytes(4)
    with pytest.raises(GpuCodeError, match="a cubin whose flags 0x0 name no architecture"):
        read_gpu_code(BytesSource(bytes(content)))


def test_two_units_with_different_architectures() -> None:
    gpu = read("uneven.so")
    assert listed(gpu) == {"sm_80": 2, "sm_90a": 1, "compute_90": 1}
    assert sorted(map(str, frozenset.intersection(*(group.codes for group in gpu.groups)))) == ["sm_80"]
    assert sorted(map(str, gpu.codes)) == ["compute_90", "sm_80", "sm_90a"]
    assert (gpu.fatbins, gpu.empty, gpu.unread, gpu.faults) == (2, 0, (), ())


def empty_fatbin() -> bytes:
    try:  # its PTX is compressed with zstd: without it nobody can tell that it is empty
        unpack.zstd_prefix(bytes.fromhex("28b52ffd2000010000"), 1)
    except unpack.UnavailableError as reason:
        pytest.skip(str(reason))
    content = (DATA / "with-empty.so").read_bytes()
    start = content.rindex(bytes.fromhex("50ed55ba01001000"))
    return content[start : start + 16 + int.from_bytes(content[start + 8 : start + 16], "little")]


def test_a_unit_without_kernels_does_not_count() -> None:
    content = (DATA / "arches.fatbin").read_bytes() + empty_fatbin()
    gpu = read_gpu_code(BytesSource(content))
    assert (gpu.fatbins, gpu.empty, [group.fatbins for group in gpu.groups]) == (2, 1, [1])
    assert all("sm_121a" in map(str, group.codes) for group in gpu.groups)


def test_a_library_with_only_empty_units_holds_no_kernels() -> None:
    gpu = read_gpu_code(BytesSource(empty_fatbin()))
    assert (gpu.fatbins, gpu.empty, gpu.groups) == (1, 1, ())


def test_relocatable_code_is_told_apart() -> None:
    linked, unlinked = read("rdc.so"), read("rdc-unlinked.so")
    assert listed(linked) == {"sm_86": 1, "sm_90": 1}
    assert sum(row.images for row in linked.relocatable) == 4
    assert (listed(unlinked), unlinked.groups) == ({}, ())
    assert sum(row.images for row in unlinked.relocatable) == 4


def test_lto_is_no_machine_code() -> None:
    assert listed(read("lto.fatbin")) == {"lto_90": 1, "lto_100": 1}
    assert [str(row.kind.code) for row in read("lto.o").relocatable] == ["lto_90"]


def test_a_static_library_is_read_without_unpacking() -> None:
    assert listed(read("libstatic.a")) == {"sm_80": 2, "sm_90a": 1, "compute_90": 1}


def test_hidden_fatbins_are_found_only_by_the_deep_search() -> None:
    assert listed(read("hidden.so")) == {}
    assert listed(read("hidden.so", deep=True)) == {"sm_75": 1, "sm_90a": 1, "compute_90": 1}
    assert listed(read("uneven.so", deep=True)) == listed(read("uneven.so"))


def test_a_section_of_hidden_fatbins_is_told_by_its_name() -> None:
    content = (DATA / "plain.so").read_bytes().replace(b".note.gnu.build-id\0", b".cask_resource\0ild\0")
    gpu = read_gpu_code(BytesSource(content), "libcublasLt.so.13")
    assert gpu.unread == ("hidden code: fatbins in .cask_resource that no section lists; use --deep",)


def test_a_cut_library_is_cut_not_empty() -> None:
    content = (DATA / "uneven.so").read_bytes()
    gpu = read_gpu_code(BytesSource(content[: len(content) - 1]))
    assert gpu.cut
    assert gpu.unread == ("cut off: the file ends before its sections do",)


def test_a_library_without_section_headers_is_unread_not_empty() -> None:
    content = bytearray((DATA / "uneven.so").read_bytes())
    content[40:48] = bytes(8)
    content[60:64] = bytes(4)
    gpu = read_gpu_code(BytesSource(bytes(content)))
    assert gpu.unread == ("no section headers: what a section would name is not known",)
    deep = read_gpu_code(BytesSource(bytes(content)), deep=True)
    assert listed(deep) == {"sm_80": 2, "sm_90a": 1, "compute_90": 1}


def test_damage_is_a_reason_for_not_knowing() -> None:
    content = bytearray((DATA / "uneven.so").read_bytes())
    second = content.rindex(bytes.fromhex("50ed55ba01001000"))
    content[second] = 0
    gpu = read_gpu_code(BytesSource(bytes(content)))
    assert gpu.unread == (f"damaged: no fatbin at {second:#x}, magic 0xba55ed00",)


@pytest.mark.parametrize("head", ["hip-v2-zstd.head", "hip-v3-zstd.head"])
def test_the_start_of_a_real_compressed_hip_bundle(head: str) -> None:
    gpu = read(head)
    names = [name for name, _, _ in gpu.targets]
    assert {"gfx90a", "gfx942", "gfx1100", "gfx1201"} <= set(names)
    assert gpu.bundles == 1
    assert "do not fit into its section" in gpu.faults[0]


def test_no_binary() -> None:
    with pytest.raises(
        GpuCodeError, match="neither an ELF file nor a fatbin, offload bundle or static library"
    ):
        read_gpu_code(BytesSource(b"#!/bin/sh\n"))


def test_a_thin_archive_is_said() -> None:
    with pytest.raises(GpuCodeError, match="a thin archive only names its members: inspect those"):
        read_gpu_code(BytesSource(b"!<thin>\n" + bytes(60)))


def test_a_damaged_archive_is_said() -> None:
    content = (DATA / "libstatic.a").read_bytes()
    with pytest.raises(
        GpuCodeError, match=r"cut off: archive member at 0x[0-9a-f]+ of [0-9]+ bytes ends past the file"
    ):
        read_gpu_code(BytesSource(content[:-100]))
    with pytest.raises(GpuCodeError, match="no archive member at 0x8"):
        read_gpu_code(BytesSource(b"!<arch>\n" + b"x" * 60))


@pytest.mark.parametrize("path", sorted(DATA.glob("*.*")), ids=lambda path: path.name)
def test_json_and_back(path: Path) -> None:
    if path.suffix not in (".sh", ".json"):
        gpu = read(path.name, deep=True)
        assert from_json(json.loads(json.dumps(to_json(gpu)))) == gpu


def test_wrappers_whose_pointers_are_left_to_relocations_are_no_damage() -> None:
    """lld leaves them zero; a library of JAX was called damaged for it."""
    raw = bytearray((DATA / "uneven.so").read_bytes())
    elf = Elf(BytesSource(bytes(raw)))
    section = elf.section(".nvFatBinSegment")
    assert section is not None
    for place in range(section.offset, section.offset + section.size, 24):
        raw[place + 8 : place + 16] = bytes(8)
    plain, unfilled = read("uneven.so"), read_gpu_code(BytesSource(bytes(raw)), "uneven.so")
    assert unfilled.faults == unfilled.unread == ()
    assert listed(unfilled) == listed(plain)
    assert unfilled.fatbins == plain.fatbins
