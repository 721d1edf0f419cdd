"""Count the calls that one shared library makes to a function of another, while they happen.

A library calls into others through slots of its global offset table. `CallWatch` puts a counting function
into such a slot and forwards the call. So "nothing was compiled at run time" is observed at the only way from
cumm's extension into NVRTC, and not inferred from a flag. Linux, x86_64 and aarch64.

Layout: System V gABI, relocation tables of the dynamic section; the relocation types of the two psABIs.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from struct import Struct
from typing import Any

from stackcheck_probes.binaries import elf
from stackcheck_probes.binaries.bytesource import FileSource

DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_JMPREL = 2, 7, 8, 23
# GLOB_DAT and JUMP_SLOT: x86-64 psABI 6, 7; AArch64 ELF ABI 1025, 1026.
_SLOT_TYPES = {elf.EM_X86_64: (6, 7), elf.EM_AARCH64: (1025, 1026)}
_RELA = Struct("<QQq")
_SYMBOL = Struct("<IBBHQQ")
_MAX_TABLE = 64 << 20


class WatchError(RuntimeError):
    """The slot cannot be found or must not be touched: which library, which function, why."""


class CallWatch:
    """Counts calls from the loaded library `path` to `function`, from `start()` to `stop()`.

    `function` must return int and take three pointer-sized arguments, as nvrtcCompileProgram does.
    """

    def __init__(self, path: str, function: str) -> None:
        self.calls = 0
        self.path = os.path.realpath(path)
        self.slots = [ctypes.c_void_p.from_address(at) for at in slot_addresses(self.path, function)]
        if not self.slots:
            raise WatchError(f"{os.path.basename(path)} does not call {function}")
        self._original = self.slots[0].value or 0
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self._forward = prototype(self._original)
        self._counting = prototype(self._count)

    def _count(self, *arguments: Any) -> int:
        self.calls += 1
        return int(self._forward(*arguments))

    def start(self) -> None:
        """Put the counting function into every slot."""
        self._write(ctypes.cast(self._counting, ctypes.c_void_p).value or 0)

    def stop(self) -> None:
        """Put the original function back."""
        self._write(self._original)

    def _write(self, target: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        for slot in self.slots:
            page = ctypes.addressof(slot) & ~(mmap.PAGESIZE - 1)
            writable = mmap.PROT_READ | mmap.PROT_WRITE
            if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), writable) != 0:
                raise WatchError(f"mprotect: {os.strerror(ctypes.get_errno())}")
            slot.value = target


def slot_addresses(path: str, function: str) -> list[int]:
    """Return the addresses in this process of the slots through which `path` calls `function`."""
    source = FileSource(path)
    try:
        image = elf.Elf(source)
        offsets = _slot_offsets(image, function)
        base = _load_base(path, image) if offsets else 0
    finally:
        source.close()
    return [base + offset for offset in offsets]


def _slot_offsets(image: elf.Elf, function: str) -> list[int]:
    dynamic = image.dynamic()
    if dynamic is None or image.bits != 64 or image.machine not in _SLOT_TYPES:
        return []
    tags = dynamic.tags
    offsets = []
    for table, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
        raw = _at(image, tags.get(table), tags.get(size, 0))
        for offset, kind, _ in _RELA.iter_unpack(raw[: len(raw) // _RELA.size * _RELA.size]):
            if kind & 0xFFFFFFFF in _SLOT_TYPES[image.machine] and _name(image, tags, kind >> 32) == function:
                offsets.append(offset)
    return sorted(set(offsets))


def _at(image: elf.Elf, vaddr: int | None, size: int) -> bytes:
    offset = None if vaddr is None else image.offset_of(vaddr)
    return b"" if offset is None else image.source.pread(offset, min(size, _MAX_TABLE))


def _name(image: elf.Elf, tags: dict[int, int], index: int) -> str:
    raw = _at(image, tags[elf.DT_SYMTAB] + index * _SYMBOL.size, _SYMBOL.size)
    strings = image.offset_of(tags[elf.DT_STRTAB])
    if len(raw) < _SYMBOL.size or strings is None:
        return ""
    return image.string(strings + _SYMBOL.unpack(raw)[0])


def _load_base(path: str, image: elf.Elf) -> int:
    """Return what the loader added to the file's addresses, from the mapping of the first loaded segment."""
    first = next(segment for segment in image.segments if segment.type == elf.PT_LOAD)
    page = ~(mmap.PAGESIZE - 1)
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(None, 5)
            if len(fields) == 6 and fields[5] == path and int(fields[2], 16) == first.offset & page:
                return int(fields[0].partition("-")[0], 16) - (first.vaddr & page)
    raise WatchError(f"{path} is not loaded")
