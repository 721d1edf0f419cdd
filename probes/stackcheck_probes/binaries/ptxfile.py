"""Read what a PTX file is for: its `.version` and `.target` lines (PTX ISA, "PTX Module Directives")."""

from __future__ import annotations

from stackcheck_probes.binaries.capability import Ptx, parse_code
from stackcheck_probes.binaries.elf import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource

HEAD = 64 << 10
"""Bytes in which both lines have to stand: only comments may come before them."""
MAX_SEARCHED = 16 << 20


def is_ptx(source: ByteSource) -> bool:
    """Return whether the file begins as a PTX module does."""
    version, target = _directives(source.pread(0, HEAD))
    return bool(version and target)


def read_ptx(source: ByteSource) -> tuple[Ptx, bool]:
    """Return what a PTX file is for, and whether it holds kernels; functions alone have still to be linked.

    Raise `ElfError`, as the other readers do, where the lines do not say it.
    """
    version, target = _directives(source.pread(0, HEAD))
    named = target.replace("compute_", "sm_").replace("sm_", "compute_")
    try:
        code = parse_code(f"{named}:{version}")
    except ValueError:
        code = None
    if not isinstance(code, Ptx):
        raise ElfError(f"a PTX file of .version {version[:20]!r} for .target {target[:20]!r}")
    content = source.pread(0, MAX_SEARCHED)
    return code, b".entry" in content or source.size > MAX_SEARCHED


def _directives(head: bytes) -> tuple[str, str]:
    """Return the words after `.version` and `.target`, the second up to its first comma."""
    found: dict[bytes, str] = {}
    for line in head.splitlines():
        words = line.split(None, 1)
        if len(words) == 2 and words[0] in (b".version", b".target"):
            rest = words[1].partition(b"//")[0].partition(b",")[0]
            found.setdefault(words[0], rest.strip().decode("ascii", "replace"))
    return found.get(b".version", ""), found.get(b".target", "")
