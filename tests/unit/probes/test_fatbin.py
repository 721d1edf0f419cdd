import struct
from pathlib import Path

import pytest

from stackcheck_probes.binaries.bytesource import BytesSource
from stackcheck_probes.binaries.fatbin import MAX_KINDS, Walk, walk_fatbin, walk_region

DATA = Path(__file__).parents[2] / "data" / "gpucode"


def image(kind: int = 2, sm: int = 80, flags: int = 0x11, payload: bytes = bytes(8), isa: int = 0) -> bytes:
    head = struct.pack(
        "<HHIQIIHHIIIQQQ", kind, 0x101, 64, len(payload), 0, 0, isa & 0xFFFF, isa >> 16, sm, 0, 0, flags, 0, 0
    )
    return head + payload


def fatbin(*images: bytes) -> bytes:
    body = b"".join(images)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def walked(content: bytes, resume: tuple[int, ...] = ()) -> Walk:
    walk = Walk()
    walk_region(BytesSource(content), 0, len(content), walk, list(resume))
    return walk


def found(walk: Walk) -> dict[str, int]:
    return {kind.code.spec if kind.code else hex(kind.kind): count.images for kind, count in walk.kinds()}


def test_every_kind_and_suffix() -> None:
    content = fatbin(
        image(sm=90, flags=0x100011),
        image(sm=100, flags=0x1200011),
        image(kind=4, sm=52),
        image(kind=1, sm=90, isa=8 << 16 | 4),
        image(kind=8, sm=90, flags=0x10011),
        image(kind=0x40, sm=100),
    )
    assert found(walked(content)) == {
        "sm_90a": 1,
        "sm_100f": 1,
        "sm_52": 1,
        "compute_90:8.4": 1,
        "lto_90": 1,
        "0x40": 1,
    }


def test_compression_debug_and_bytes() -> None:
    walk = walked(fatbin(image(flags=0x2013), image(flags=0x8011, payload=bytes(16)), image(flags=0x8011)))
    rows = [(kind.compression, kind.debug, count.images, count.bytes) for kind, count in walk.kinds()]
    assert rows == [("lz4", True, 1, 72), ("zstd", False, 2, 152)]


def test_flags_that_do_not_matter_do_not_tell_kinds_apart() -> None:
    walk = walked(fatbin(image(flags=0x11), image(flags=0x1000011)))
    assert [count.images for _, count in walk.kinds()] == [2]


def test_fatbins_are_grouped_by_what_they_hold() -> None:
    walk = walked(
        fatbin(image(sm=80), image(sm=90)) + fatbin(image(sm=80)) + fatbin(image(sm=90), image(sm=80))
    )
    assert walk.fatbins == 3
    assert sorted(map(len, walk.groups.values())) == [1, 2]


def test_a_cut_fatbin_is_said_to_be_cut() -> None:
    walk = walked(fatbin(image(), image(sm=90))[:100])
    assert found(walk) == {"sm_80": 1}
    assert walk.faults == [
        "cut off: fatbin at 0x0 of 160 bytes ends past the file (100 bytes)",
        "cut off: image at 0x58 lies past the end of the file (100 bytes)",
    ]


def test_a_region_past_the_end_is_cut() -> None:
    walk = Walk()
    walk_region(BytesSource(b""), 4096, 2**64, walk, [])
    assert walk.faults == ["cut off: fatbin at 0x1000 lies past the end of the file (0 bytes)"]


def test_a_broken_chain_goes_on_at_the_next_wrapper() -> None:
    good = fatbin(image(sm=90))
    walk = walked(good + b"garbage!" * 4 + good, resume=(0, len(good) + 32))
    assert found(walk) == {"sm_90": 2}
    assert walk.faults == ["no fatbin at 0x58, magic 0x62726167"]


def test_zeros_at_the_end_are_padding() -> None:
    walk = walked(fatbin(image()) + bytes(64))
    assert (found(walk), walk.faults) == ({"sm_80": 1}, [])


def test_a_damaged_image_keeps_the_others() -> None:
    damaged = bytearray(fatbin(image(), image(sm=90)))
    damaged[16 + 72 + 2] = 7
    walk = walked(bytes(damaged) + fatbin(image(sm=75)))
    assert found(walk) == {"sm_80": 1, "sm_75": 1}
    assert walk.faults == ["image at 0x58: version 0x107, 64 + 8 bytes do not fit"]


def test_an_image_larger_than_its_fatbin_is_a_fault() -> None:
    damaged = bytearray(fatbin(image()))
    damaged[24:32] = (2**64 - 1).to_bytes(8, "little")
    assert walked(bytes(damaged)).faults == [
        "image at 0x10: version 0x101, 64 + 18446744073709551615 bytes do not fit"
    ]


def test_more_kinds_than_any_library_has_are_refused() -> None:
    walk = walked(fatbin(*(image(sm=10 + number) for number in range(MAX_KINDS + 2))))
    assert walk.limited
    assert walk.faults == ["more than 256 kinds of images: the rest was not read"]


@pytest.mark.parametrize(("kind", "sm", "isa"), [(2, 0, 0), (2, 65535, 0), (1, 90, 200 << 16), (8, 9, 0)])
def test_an_impossible_architecture_is_a_fault_and_no_code(kind: int, sm: int, isa: int) -> None:
    walk = walked(fatbin(image(kind=kind, sm=sm, isa=isa), image(sm=90)))
    assert found(walk) == {hex(kind): 1, "sm_90": 1}
    assert walk.faults == [f"image of kind {kind} for sm_{sm}: no such architecture"]


def test_a_concat_image_is_read_from_its_header() -> None:
    content = (DATA / "concat.fatbin").read_bytes()
    names = {"compute_90:9.5": 1, "sm_100": 1, "sm_75": 1, "sm_80": 1, "sm_86": 1, "sm_90": 1}
    assert found(walked(content)) == names
    damaged = bytearray(content)
    damaged[0x1688 + 64] = 200
    walk = walked(bytes(damaged))
    assert walk.faults == ["concat image at 0x1688: its table of 200 images is not whole"]


def test_no_fatbin_at_all() -> None:
    walk = Walk()
    assert walk_fatbin(BytesSource(b"x" * 100), 0, 100, walk) == 0
    assert walk.faults == ["no fatbin at 0x0, magic 0x78787878"]
