"""Laws of the symbol and search-path readers: a damaged file never raises anything but their own errors."""

import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck_probes.binaries.bytesource import BytesSource, SourceError
from stackcheck_probes.binaries.elf import Elf, ElfError
from stackcheck_probes.loader.ldcache import parse as parse_cache
from stackcheck_probes.loader.symbols import Symbols, gnu_hash

pytestmark = pytest.mark.property


def some_extension() -> bytes:
    folder = Path(sysconfig.get_config_var("DESTSHARED"))
    return next(folder.glob("_socket.*.so")).read_bytes()


WHOLE = some_extension()


def read_all(raw: bytes) -> None:
    symbols = Symbols(Elf(BytesSource(raw)))
    for name in symbols.undefined()[:20]:
        symbols.exports(name, gnu_hash(name))
    symbols.versions_needed()
    symbols.versions_defined()


def test_a_whole_extension_reads() -> None:
    symbols = Symbols(Elf(BytesSource(WHOLE)))
    undefined = symbols.undefined()
    assert any(name.startswith(b"Py") for name in undefined)
    assert not any(symbols.exports(name, gnu_hash(name)) for name in undefined)
    assert any(need.version.startswith("GLIBC_") for need in symbols.versions_needed())


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8)), max_size=6))
def test_damaged_bytes_raise_only_the_readers_errors(damages: list[tuple[int, bytes]]) -> None:
    raw = bytearray(WHOLE)
    for place, piece in damages:
        raw[place : place + len(piece)] = piece
    try:
        read_all(bytes(raw))
    except (ElfError, SourceError):
        return


@given(st.integers(0, len(WHOLE)))
def test_a_cut_file_raises_only_the_readers_errors(size: int) -> None:
    try:
        read_all(WHOLE[:size])
    except (ElfError, SourceError):
        return


@given(st.binary(max_size=400), st.integers(0, 1 << 32 - 1))
def test_any_bytes_make_a_cache(rest: bytes, count: int) -> None:
    head = b"glibc-ld.so.cache1.1" + (count & 0xFFFFFFFF).to_bytes(4, "little")
    for raw in (rest, head + rest, b"ld.so-1.7.0\0" + rest):
        assert isinstance(parse_cache(raw), dict)


@given(st.binary(max_size=64))
def test_the_hash_is_the_published_one(name: bytes) -> None:
    value = 5381
    for byte in name:
        value = (value * 33 + byte) % 2**32
    assert gnu_hash(name) == value
    assert gnu_hash(b"printf") == 0x156B2BB8
