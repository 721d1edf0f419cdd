"""Read what a stand-alone cubin was compiled for, and whether a cubin holds kernels.

`e_flags` of EM_CUDA changed with ABI version 8 (sm_100 from CUDA 12.8, everything from 13.0). Sources: LLVM
pull requests 75624 and 75664 for the old layout; the new one, the note and `.nv.compat` were checked on
cubins of nvcc 12.4 and 13.5 (2026-11-20).
"""

from __future__ import annotations

from struct import Struct

from stackcheck_probes.binaries.capability import Sass, capability_of
from stackcheck_probes.binaries.elf import EM_CUDA, MAGIC, Elf, ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource

OLD_ACCELERATED = 0x800
NEW_ACCELERATED = 0x8
_NOTE_LIMIT = 64 << 10
_NAMES_LIMIT = 64 << 10
_SECTIONS_AT = Struct("<Q")  # e_shoff, at 40
_SECTIONS = Struct("<HHH")  # e_shentsize, e_shnum, e_shstrndx, at 58
_EXTENT = Struct("<QQ")  # sh_offset, sh_size, at 24


def cubin_code(elf: Elf) -> Sass:
    """Return the code target of a cubin; raise `ElfError` when the file is not a cubin."""
    if elf.machine != EM_CUDA:
        raise ElfError(f"not a cubin: machine {elf.machine}, not {EM_CUDA}")
    sm = elf.flags & 0xFF if elf.abiversion < 8 else elf.flags >> 8 & 0xFF
    if sm < 10:
        raise ElfError(f"a cubin whose flags {elf.flags:#x} name no architecture")
    if elf.abiversion < 8:
        # Five cubins of libcublas 12.4 for sm_50 to sm_61 carry the bit too, where no `a` exists.
        return Sass(capability_of(sm), "a" if elf.flags & OLD_ACCELERATED and sm >= 90 else "")
    return Sass(capability_of(sm), _suffix(elf, sm))


def _suffix(elf: Elf, sm: int) -> str:
    """Return the suffix: the compiler's options in a note say it, `.nv.compat` only `a`."""
    note = elf.section(".note.nv.tkinfo")
    options = elf.read(note, _NOTE_LIMIT) if note else b""
    wanted = b"sm_%d" % sm
    at = options.find(wanted)
    if at >= 0:
        follows = options[at + len(wanted) : at + len(wanted) + 1]
        return follows.decode() if follows in (b"a", b"f") else ""
    compat = elf.section(".nv.compat")
    accelerated = compat is not None and elf.read(compat, _NOTE_LIMIT).startswith(b"\x02\x09\x01")
    return "a" if accelerated or elf.flags & NEW_ACCELERATED else ""


def has_kernels(source: ByteSource) -> bool | None:
    """Return whether a cubin (64 bits) holds code; None where its section names cannot be read."""
    head = source.pread(0, 64)
    if len(head) < 64 or head[:4] != MAGIC:
        return None
    at = _SECTIONS_AT.unpack_from(head, 40)[0]
    entsize, number, names = _SECTIONS.unpack_from(head, 58)
    raw = source.pread(at + names * entsize + 24, _EXTENT.size) if names < number else b""
    if len(raw) < _EXTENT.size:
        return None
    offset, size = _EXTENT.unpack(raw)
    table = source.pread(offset, min(size, _NAMES_LIMIT))
    return b".text." in table if table else None
