from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from contextlib import closing
from typing import Any

import pytest

from stackcheck.wheels.spool import IN_MEMORY, Spooled, at_hand
from stackcheck_probes.binaries import zipmembers
from stackcheck_probes.binaries.bytesource import BytesSource, SourceError
from stackcheck_probes.binaries.inflate import RAW, Budget, Inflated


def deflated(content: bytes, said: int = 0, budget: int = 1 << 30) -> Inflated:
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    return Inflated(BytesSource(packed), said or len(content), Budget(budget), RAW)


@pytest.mark.parametrize("size", [0, 10, 300_000, IN_MEMORY + 5])
def test_what_is_at_hand_is_what_was_deflated(size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    with closing(at_hand(deflated(content))) as found:
        assert found.size == size
        assert isinstance(found, Spooled) == (size > IN_MEMORY)
        assert found.pread(0, size) == content
        assert found.pread(size // 2, 40) == content[size // 2 : size // 2 + 40]
        assert found.pread(size, 10) == found.pread(-1, 10) == b""


def test_what_is_stored_is_read_where_it_is() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.so", b"some bytes")
    source = BytesSource(content.getvalue())
    (member,) = zipmembers.zip_members(source)
    inside = zipmembers.open_member(source, member, Budget(100))
    assert at_hand(inside) is inside


def test_more_than_the_directory_says_is_not_kept() -> None:
    with closing(at_hand(deflated(b"x" * 1_000_000, said=1000))) as found:
        assert (found.size, found.pread(0, 5000)) == (1000, b"x" * 1000)


def test_a_bomb_ends_at_the_budget() -> None:
    with pytest.raises(SourceError, match="more than 1000000 bytes"):
        at_hand(deflated(bytes(50 << 20), budget=1_000_000))


def test_without_room_on_the_disk_it_is_read_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    source = deflated(bytes(IN_MEMORY + 1))
    assert at_hand(source) is source
    assert source.pread(IN_MEMORY, 5) == b"\0"
