import zlib

import pytest

from stackcheck_probes.binaries import unpack

# Blocks of the LZ4 format document: literals only; a match that overlaps itself; lengths that go on.
LZ4 = [
    (b"\x50hello", b"hello"),
    (b"\x15a\x01\x00\x10b", b"a" * 10 + b"b"),
    (b"\x1fa\x01\x00\x05\x10b", b"a" * 25 + b"b"),
    (b"\xf0\x05" + b"x" * 20, b"x" * 20),
    (b"", b""),
]


@pytest.mark.parametrize(("packed", "content"), LZ4)
def test_lz4_blocks(packed: bytes, content: bytes) -> None:
    assert unpack.lz4_block(packed, 100) == content


def test_lz4_stops_at_the_limit() -> None:
    assert unpack.lz4_block(b"\x1fa\x01\x00" + b"\xff" * 1000 + b"\x00", 50) == b"a" * 50


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"\x10a\x05\x00", "LZ4: a match 5 bytes back, with 1 bytes written"),
        (b"\x10a\x00\x00", "LZ4: a match 0 bytes back, with 1 bytes written"),
        (b"\x10a\x01", "LZ4: the block ends inside a sequence"),
        (b"\xf0", "LZ4: the block ends inside a sequence"),
    ],
)
def test_damaged_lz4_is_said(packed: bytes, message: str) -> None:
    with pytest.raises(unpack.DamagedError, match=message):
        unpack.lz4_block(packed, 100)


def test_damaged_zstd_is_said() -> None:
    try:
        unpack.zstd_prefix(b"\x28\xb5\x2f\xfd" + b"\xff" * 40, 100)
    except unpack.UnavailableError as reason:
        pytest.skip(str(reason))
    except unpack.DamagedError as error:
        assert str(error).startswith("zstd: ")  # noqa: PT017
    else:
        pytest.fail("damaged zstd was taken")


def test_a_cut_zlib_stream_gives_what_it_holds() -> None:
    content = bytes(range(256)) * 8
    assert content.startswith(unpack.zlib_prefix(zlib.compress(content)[:-6], 100))
