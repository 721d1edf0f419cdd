import struct
import zlib

import pytest

from stackcheck_probes.binaries import unpack
from stackcheck_probes.binaries.bytesource import BytesSource
from stackcheck_probes.binaries.hipbundle import Bundles, read_bundles

IDS = (
    b"host-x86_64-unknown-linux--",
    b"hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-",
    b"hipv4-amdgcn-amd-amdhsa--gfx11-generic",
)
# The plain bundle of IDS, compressed by libzstd 1.5.4 (made once, so that no test needs a compressor).
ZSTD = bytes.fromhex(
    "28b52ffd60a0008d040002c71a1f40ad7373919e26b3ccbad8f72ed5c700c96a7a94ff707287c47d31d18577c9aa4f66b061fcb20c"
    "2ab71ef77408efc18b33cd6103623ee2cf5ad52f3a2e3e3389c8c2f3fc736b097953b0b67a3bd36c7398976858a5020d286077e1a2a"
    "991d808a29c2451cb9820a7d80d0f00a41c05900f24436b6f8643405e94d0be33a0621d1006b2c0aaecc080c1c166600c"
)
FOUND = {"gfx90a:sramecc+:xnack-": [1, 64], "gfx11-generic": [1, 64]}


def plain(ids: tuple[bytes, ...] = IDS) -> bytes:
    table = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(ids))
    for index, name in enumerate(ids):
        table += struct.pack("<QQQ", 4096 + 64 * index, 0 if index == 0 else 64, len(name)) + name
    return table.ljust(4096 + 64 * len(ids), b"\1")


def packed(version: int, payload: bytes, method: int = 0) -> bytes:
    head = b"CCOB" + struct.pack("<HH", version, method)
    sizes = {1: ("<IQ", ()), 2: ("<IIQ", (24,)), 3: ("<QQQ", (32,))}[version]
    total = tuple(size + len(payload) for size in sizes[1])
    return head + struct.pack(sizes[0], *total, 4288, 0) + payload


def read(content: bytes) -> Bundles:
    return read_bundles(BytesSource(content), 0, len(content))


def page(content: bytes) -> bytes:
    return content.ljust(-(-len(content) // 4096) * 4096, b"\0")


def test_a_plain_bundle() -> None:
    found = read(plain())
    assert (found.bundles, found.targets, found.faults) == (1, FOUND, [])


@pytest.mark.parametrize("version", [1, 2, 3])
def test_compressed_bundles_of_every_version(version: int) -> None:
    found = read(packed(version, zlib.compress(plain())))
    assert (found.bundles, found.targets, found.faults) == (1, FOUND, [])
    assert found.formats == {f"CCOB v{version} zlib": 1}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_bundles_follow_on_pages(version: int) -> None:
    found = read(
        page(packed(version, zlib.compress(plain()))) + page(plain()) + packed(3, zlib.compress(plain()))
    )
    assert (found.bundles, found.faults) == (3, [])
    assert found.targets["gfx11-generic"] == [3, 192]


def test_zstd_with_what_this_machine_has() -> None:
    found = read(packed(3, ZSTD, method=1))
    if found.unread:
        assert found.unread == {
            "not readable here: zstd needs Python 3.14 or libzstd.so.1 (package libzstd1)": 1
        }
    else:
        assert (found.targets, found.faults) == (FOUND, [])


def test_without_zstd_the_targets_are_unread_not_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_zstd(*_: object) -> bytes:
        raise unpack.UnavailableError("zstd needs Python 3.14 or libzstd.so.1 (package libzstd1)")

    monkeypatch.setattr(unpack, "zstd_prefix", no_zstd)
    found = read(packed(2, ZSTD, method=1))
    assert found.unread == {"not readable here: zstd needs Python 3.14 or libzstd.so.1 (package libzstd1)": 1}
    assert found.bundles == 1


@pytest.mark.parametrize(
    ("content", "unread"),
    [
        (b"CCOB" + struct.pack("<HH", 9, 1) + bytes(60), "compressed bundle version 9"),
        (packed(3, b"x" * 64, method=7), "not readable here: compression method 7"),
    ],
)
def test_what_is_not_known_is_unread(content: bytes, unread: str) -> None:
    assert read(content).unread == {unread: 1}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\0" * 8 + b"x" * 90, "no offload bundle at 0x0"),
        (plain()[:60], "bundle at 0x0: its table of targets is not whole"),
        (plain()[:5000].ljust(4200, b"x")[:4200], "bundle at 0x0: 4288 bytes do not fit into its section"),
        (
            packed(3, b"not zlib"),
            "bundle at 0x0: zlib: Error -3 while decompressing data: incorrect header check",
        ),
        (packed(3, zlib.compress(b"nothing")), "bundle at 0x0: its table of targets is not whole"),
        (
            b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<QQQQ", 1, 0, 0, 2**63) + bytes(5000),
            "bundle at 0x0: an id of 9223372036854775808 bytes",
        ),
    ],
)
def test_damage_is_said(content: bytes, fault: str) -> None:
    assert read(content).faults[0] == fault


def test_a_number_of_entries_near_2_to_the_64() -> None:
    found = read(b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", 2**64 - 1) + bytes(64 << 10))
    assert found.faults[0] == "bundle at 0x0: 18446744073709551615 entries, 1024 were read"


def test_a_size_of_zero_ends_the_walk() -> None:
    head = b"CCOB" + struct.pack("<HHQQQ", 3, 0, 0, 0, 0)
    assert read(head + bytes(9000)).bundles == 1
