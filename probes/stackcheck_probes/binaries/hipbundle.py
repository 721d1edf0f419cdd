"""Read the gfx targets of HIP code: clang offload bundles, plain or compressed; headers only.

Formats: clang.llvm.org/docs/ClangOffloadBundler.html; compressed bundles (`CCOB`, versions 1 to 3) after
llvm/llvm-project clang/lib/Driver/OffloadBundler.cpp and pull requests 88827 and 130284. Checked on
bitsandbytes and jax wheels of ROCm 6.0 - 7.15 (2026-11-20).
"""

from __future__ import annotations

from struct import Struct

from stackcheck_probes.binaries import unpack
from stackcheck_probes.binaries.magic import PACKED_BUNDLE, PLAIN_BUNDLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource

PAGE = 4096
MAX_BUNDLES = 1 << 12
MAX_ENTRIES = 1 << 10
MAX_TARGETS = 1 << 10
MAX_GROUPS = 256
MAX_ID = 256
MAX_FAULTS = 8
SPIRV = "amdgcnspirv"
"""The target of code that the ROCm runtime compiles for the GPU that is there."""
_PREFIX = 64 << 10  # bytes of a bundle's start that hold the ids of some hundred targets

_VERSION = Struct("<HH")  # version, method
_PACKED = {1: Struct("<IQ"), 2: Struct("<IIQ"), 3: Struct("<QQQ")}  # [total size,] unpacked size, hash
_NUMBER = Struct("<Q")
_ENTRY = Struct("<QQQ")  # offset, size, length of the id
_METHODS = {0: "zlib", 1: "zstd"}


class Bundles:
    """The bundles of one section.

    targets: by gfx id with its features (`gfx90a:xnack+`) the number of bundles and the unpacked bytes.
    groups: how many bundles hold exactly the same targets.
    unread: why bundles could not be looked into, by reason with their number. faults: what did not fit.
    """

    __slots__ = ("bundles", "faults", "formats", "groups", "targets", "unread")

    def __init__(self) -> None:
        self.bundles = 0
        self.targets: dict[str, list[int]] = {}
        self.groups: dict[frozenset[str], int] = {}
        self.formats: dict[str, int] = {}
        self.unread: dict[str, int] = {}
        self.faults: list[str] = []

    def merge(self, other: Bundles) -> None:
        """Add what another section of the same binary held."""
        self.bundles += other.bundles
        for name, row in other.targets.items():
            mine = self.targets.setdefault(name, [0, 0])
            mine[0] += row[0]
            mine[1] += row[1]
        for group, number in other.groups.items():
            self.group(group, number)
        for label, number in other.formats.items():
            self.formats[label] = self.formats.get(label, 0) + number
        for reason, number in other.unread.items():
            self.unread[reason] = self.unread.get(reason, 0) + number
        for text in other.faults:
            self.fault(text)

    def group(self, targets: frozenset[str], number: int = 1) -> None:
        """Count bundles that hold exactly these targets."""
        if targets in self.groups or len(self.groups) < MAX_GROUPS:
            self.groups[targets] = self.groups.get(targets, 0) + number
        else:
            self.fault(f"more than {MAX_GROUPS} different sets of targets: the rest was not counted")

    def add(self, target: str, size: int) -> bool:
        """Count the code of one bundle for a target; return False where no more targets are kept."""
        if target not in self.targets and len(self.targets) >= MAX_TARGETS:
            self.fault(f"more than {MAX_TARGETS} targets: the rest was not kept")
            return False
        row = self.targets.setdefault(target, [0, 0])
        row[0] += 1
        row[1] += size
        return True

    def fault(self, text: str) -> None:
        """Keep what did not fit the format, the first few."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(text)


def read_bundles(source: ByteSource, start: int, end: int) -> Bundles:
    """Read the bundles that start on 4,096-byte pages in `start`..`end` (file offsets)."""
    found = Bundles()
    at = start
    end = min(end, source.size)
    while at < end:
        if found.bundles >= MAX_BUNDLES:
            found.fault(f"more than {MAX_BUNDLES} bundles: the rest was not read")
            break
        head = source.pread(at, 32)
        if head.startswith(PACKED_BUNDLE):
            size = _read_packed(source, at, end, head, found)
        elif head.startswith(PLAIN_BUNDLE):
            size = _read_plain(source, at, end, found)
        else:
            if head.strip(b"\0"):
                found.fault(f"no offload bundle at {at:#x}")
            break
        found.bundles += 1
        if size <= 0 or at + size > end:
            found.fault(f"bundle at {at:#x}: {size} bytes do not fit into its section")
            break
        at = start + -(-(at + size - start) // PAGE) * PAGE
    return found


def _read_plain(source: ByteSource, at: int, end: int, found: Bundles) -> int:
    found.formats["plain"] = found.formats.get("plain", 0) + 1
    prefix = source.pread(at, min(_PREFIX, end - at))
    return _targets(prefix, at, found)


def _read_packed(source: ByteSource, at: int, end: int, head: bytes, found: Bundles) -> int:
    """Note the targets of one compressed bundle; return its size in the file, 0 if it cannot be known."""
    if len(head) < 8:
        return 0
    version, method = _VERSION.unpack_from(head, 4)
    layout = _PACKED.get(version)
    if layout is None or len(head) < 8 + layout.size:
        _unread(found, f"compressed bundle version {version}")
        return 0
    fields = layout.unpack_from(head, 8)
    total = fields[0] if version > 1 else _next_bundle(source, at, end) - at
    name = _METHODS.get(method, f"method {method}")
    label = f"CCOB v{version} {name}"
    found.formats[label] = found.formats.get(label, 0) + 1
    payload = at + 8 + layout.size
    try:
        prefix = _unpacked_prefix(source, payload, min(end, at + total), method)
    except unpack.UnavailableError as reason:
        _unread(found, f"not readable here: {reason}")
    except unpack.DamagedError as reason:
        found.fault(f"bundle at {at:#x}: {reason}")
    else:
        _targets(prefix, at, found)
    return total


def _unpacked_prefix(source: ByteSource, start: int, end: int, method: int) -> bytes:
    """Unpack the ids' table: 8 KB of input hold it in practice, a whole first block (128 KB) at worst."""
    prefix = b""
    for size in (8 << 10, 160 << 10):
        packed = source.pread(start, min(size, end - start))
        if method == 0:
            prefix = unpack.zlib_prefix(packed, _PREFIX)
        elif method == 1:
            prefix = unpack.zstd_prefix(packed, _PREFIX)
        else:
            raise unpack.UnavailableError(f"compression method {method}")
        if _table_end(prefix):
            break
    return prefix


def _table_end(prefix: bytes) -> int:
    """Return where the table of entries ends, or 0 when the prefix does not hold it whole."""
    at = len(PLAIN_BUNDLE) + _NUMBER.size
    if not prefix.startswith(PLAIN_BUNDLE) or len(prefix) < at:
        return 0
    number = _NUMBER.unpack_from(prefix, len(PLAIN_BUNDLE))[0]
    for _ in range(min(number, MAX_ENTRIES)):
        if at + _ENTRY.size > len(prefix):
            return 0
        at += _ENTRY.size + min(_ENTRY.unpack_from(prefix, at)[2], MAX_ID)
    return at if at <= len(prefix) else 0


def _targets(prefix: bytes, start: int, found: Bundles) -> int:
    """Add the device targets of a bundle that begins with `prefix`; return its unpacked size."""
    if not _table_end(prefix):
        found.fault(f"bundle at {start:#x}: its table of targets is not whole")
        return 0
    number = _NUMBER.unpack_from(prefix, len(PLAIN_BUNDLE))[0]
    if number > MAX_ENTRIES:
        found.fault(f"bundle at {start:#x}: {number} entries, {MAX_ENTRIES} were read")
    at = len(PLAIN_BUNDLE) + _NUMBER.size
    size = 0
    held = set()
    for _ in range(min(number, MAX_ENTRIES)):
        offset, length, id_length = _ENTRY.unpack_from(prefix, at)
        at += _ENTRY.size
        if id_length > MAX_ID:
            found.fault(f"bundle at {start:#x}: an id of {id_length} bytes")
            break
        name = prefix[at : at + id_length].decode("ascii", "backslashreplace")
        at += id_length
        size = max(size, offset + length)
        target = _target(name)
        if target and found.add(target, length):
            held.add(target)
    found.group(frozenset(held))
    return max(size, at)


def _target(name: str) -> str:
    """Return the target that an id ends in, `hipv4-amdgcn-amd-amdhsa--gfx90a:xnack+`; "" for the host's."""
    where = max(name.find("gfx"), name.find(SPIRV))
    return "" if name.startswith("host") or where < 0 else name[where:]


def _unread(found: Bundles, reason: str) -> None:
    found.unread[reason] = found.unread.get(reason, 0) + 1


def _next_bundle(source: ByteSource, at: int, end: int) -> int:
    """Find where a version 1 bundle ends: it has no size, the next one starts on a page."""
    page = at + PAGE
    while page < end:
        if source.pread(page, 4) in (PACKED_BUNDLE, PLAIN_BUNDLE[:4]):
            return page
        page += PAGE
    return end
