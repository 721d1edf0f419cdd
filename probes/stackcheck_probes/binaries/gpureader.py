"""Read the GPU code of one binary: a library, object, static library, fatbin, cubin or offload bundle.

Sections and wrappers: fatbinary_section.h of the CUDA toolkit; checked on wheels of CUDA 11.8 - 13.5.
"""

from __future__ import annotations

from struct import Struct

from stackcheck_probes.binaries import hidden, magic
from stackcheck_probes.binaries.bytesource import Slice, SourceError
from stackcheck_probes.binaries.cubin import cubin_code
from stackcheck_probes.binaries.cubin import has_kernels as cubin_has_kernels
from stackcheck_probes.binaries.elf import EM_AMDGPU, EM_CUDA, SHT_NOBITS, Elf, ElfError
from stackcheck_probes.binaries.fatbin import (
    FLAG_A,
    FLAG_F,
    KIND_CUBIN,
    KIND_PTX,
    Walk,
    walk_fatbin,
    walk_region,
)
from stackcheck_probes.binaries.gpucode import GpuCode, Group, Images
from stackcheck_probes.binaries.kernels import KernelCheck
from stackcheck_probes.binaries.prefetch import prefetch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.capability import Code
    from stackcheck_probes.binaries.hipbundle import Bundles

EXECUTABLE, RELOCATABLE = ".nv_fatbin", "__nv_relfatbin"
WRAPPER_MAGIC = 0x466243B1
PTX_SUFFIX = ".ptx"
MAX_WRAPPERS = 1 << 16
MAX_REGIONS = 256
_WRAPPER = Struct("<IIQQ")  # magic, version, address of the fatbin, address of the prelinked ones


class GpuCodeError(ValueError):
    """The bytes are not a binary that can hold GPU code, or its headers cannot be read: what and where."""


class _Reading:
    """What reading one binary has gathered; `GpuCode` is made of it."""

    def __init__(self, source: ByteSource, deep: bool) -> None:
        self.source = source
        self.deep = deep
        self.walk = Walk()
        self.relocatable = Walk()
        self.bundles: Bundles | None = None
        self.single: list[Group] = []  # cubins and PTX files, in no fatbin
        self.unread: list[str] = []
        self.cut = False

    def doubt(self, reason: str) -> None:
        """Keep why code may be there that was not seen, once."""
        if reason not in self.unread:
            self.unread.append(reason)

    def result(self) -> GpuCode:
        """Return what was gathered, with damage among the reasons why code may be unseen."""
        empty, groups = self.groups()
        bundles = self.bundles
        targets = sorted(bundles.targets.items()) if bundles else []
        faults = tuple(self.walk.faults + self.relocatable.faults + (bundles.faults if bundles else []))
        damage = (f"damaged: {faults[0]}",) if faults else ()
        return GpuCode(
            images=_images(self.walk),
            relocatable=_images(self.relocatable),
            fatbins=self.walk.fatbins,
            empty=empty,
            groups=groups,
            targets=tuple((name, row[0], row[1]) for name, row in targets),
            bundles=bundles.bundles if bundles else 0,
            bundle_groups=tuple(bundles.groups.items()) if bundles else (),
            unread=tuple(self.unread) + damage,
            faults=faults,
            cut=self.cut,
        )

    def groups(self) -> tuple[int, tuple[Group, ...]]:
        """Return how many fatbins hold no kernels, and the others grouped by their code targets."""
        kinds = self.walk.kinds()
        check = KernelCheck(self.source)
        empty = 0
        groups: dict[frozenset[Code], int] = {}
        for group in self.single:
            groups[group.codes] = groups.get(group.codes, 0) + group.fatbins
        for bits, starts in self.walk.groups.items():
            without = check.leading_empty(starts)
            empty += without
            codes = frozenset(
                kind.code for kind, count in kinds if count.bit & bits and kind.code is not None
            )
            if without < len(starts) and codes:
                groups[codes] = groups.get(codes, 0) + len(starts) - without
        return empty, tuple(Group(codes, number) for codes, number in groups.items())


def read_gpu_code(source: ByteSource, filename: str = "", *, deep: bool = False) -> GpuCode:
    """Read the GPU code of one binary, headers and pieces of data; `filename` tells a PTX file.

    deep: search the whole file for fatbins that no section names. Raise `GpuCodeError` for what is neither an
    ELF file nor a fatbin, offload bundle or static library, or has headers that cannot be read.
    """
    reading = _Reading(source, deep)
    try:
        _read_any(reading, filename)
        return reading.result()
    except (ElfError, SourceError, OSError) as error:
        raise GpuCodeError(str(error)) from error


def _read_any(reading: _Reading, filename: str) -> None:
    source = reading.source
    start = source.pread(0, 24)
    if start.startswith(magic.ELF):
        _read_elf(reading, source)
    elif start.startswith(magic.FATBIN):
        walk_region(source, 0, source.size, reading.walk, [])
        reading.cut = _cut(reading.walk)
    elif start.startswith((magic.PACKED_BUNDLE, magic.PLAIN_BUNDLE)):
        _read_bundles(reading, 0, source.size)
    elif start.startswith((magic.ARCHIVE, magic.THIN_ARCHIVE)):
        _read_archive(reading)
    elif filename.endswith(PTX_SUFFIX):
        _read_ptx(reading)
    else:
        raise GpuCodeError("neither an ELF file nor a fatbin, offload bundle or static library")


def _read_archive(reading: _Reading) -> None:
    from stackcheck_probes.binaries import staticlib

    try:
        for member in staticlib.members(reading.source):
            if member.pread(0, 4) == magic.ELF:
                _read_elf(reading, member)
    except staticlib.ArchiveError as error:
        raise GpuCodeError(str(error)) from error


def _read_elf(reading: _Reading, part: ByteSource) -> None:
    """Read an ELF file that is the whole source or a `Slice` of it; all offsets are the whole source's."""
    elf = Elf(part)
    base = part.start if isinstance(part, Slice) and part is not reading.source else 0
    if elf.machine == EM_CUDA:
        _read_cubin(reading, elf)
        return
    if elf.machine == EM_AMDGPU:
        _read_code_object(reading, elf)
        return
    if elf.cut:
        reading.cut = True
        reading.doubt("cut off: the file ends before its sections do")
    elif not elf.has_sections:
        reading.doubt("no section headers: what a section would name is not known")
    walked = _read_sections(reading, elf, base)
    if reading.deep:
        hidden.search(reading.source, (base, base + elf.size), walked, reading.walk)
        return
    place = hidden.place(reading.source, elf, base, walked)
    if place:
        reading.doubt(f"hidden code: fatbins in {place} that no section lists; use --deep")


def _read_sections(reading: _Reading, elf: Elf, base: int) -> list[tuple[int, int]]:
    """Read what sections and wrappers name; return the ranges that were walked."""
    regions: list[tuple[int, int]] = []
    if not (elf.mentions(b"fatbin") or elf.mentions(b".nvFatBinSegment")):
        return regions
    wrapped = [base + offset for offset in _wrapped(elf)]
    for section in elf.sections:
        start, end = base + section.offset, base + section.offset + section.size
        if section.type == SHT_NOBITS:
            continue
        if section.name in (EXECUTABLE, RELOCATABLE):
            if len(regions) >= MAX_REGIONS:
                raise ElfError(f"more than {MAX_REGIONS} sections of fatbins")
            regions.append((start, end))
            walk = reading.walk if section.name == EXECUTABLE else reading.relocatable
            prefetch(reading.source, [at for at in wrapped if start <= at < end] or [start], end)
            walk_region(reading.source, start, end, walk, wrapped)
        elif section.name == ".hip_fatbin":
            _read_bundles(reading, start, end)
    outside = wrapped
    for start, end in regions:
        outside = [at for at in outside if not start <= at < end]
    walk = reading.walk
    end = base + elf.size
    alone = [(at, at + walk_fatbin(reading.source, at, end, walk)) for at in outside if not walk.limited]
    return regions + alone


def _read_cubin(reading: _Reading, elf: Elf) -> None:
    code = cubin_code(elf)
    flags = {"a": FLAG_A, "f": FLAG_F}.get(code.suffix, 0)
    count = reading.walk.count_for(KIND_CUBIN, 0, code.capability.sm, flags)
    count.images += 1
    count.bytes += elf.size
    reading.cut = reading.cut or elf.cut
    if cubin_has_kernels(elf.source) is not False:
        reading.single.append(Group(frozenset((code,)), 1))


def _read_code_object(reading: _Reading, elf: Elf) -> None:
    from stackcheck_probes.binaries.codeobject import read_code_object

    reading.cut = reading.cut or elf.cut
    _add_bundles(reading, read_code_object(elf))


def _read_ptx(reading: _Reading) -> None:
    from stackcheck_probes.binaries.ptxfile import read_ptx

    code, holds_kernels = read_ptx(reading.source)
    flags = {"a": FLAG_A, "f": FLAG_F}.get(code.suffix, 0)
    walk = reading.walk if holds_kernels else reading.relocatable
    isa = code.isa or (0, 0)
    count = walk.count_for(KIND_PTX, isa[0] << 16 | isa[1], code.capability.sm, flags)
    count.images += 1
    count.bytes += reading.source.size
    if holds_kernels:
        reading.single.append(Group(frozenset((code,)), 1))


def _read_bundles(reading: _Reading, start: int, end: int) -> None:
    from stackcheck_probes.binaries.hipbundle import read_bundles

    _add_bundles(reading, read_bundles(reading.source, start, end))


def _add_bundles(reading: _Reading, found: Bundles) -> None:
    if reading.bundles is None:
        reading.bundles = found
    else:
        reading.bundles.merge(found)
    for reason, number in found.unread.items():
        reading.doubt(f"{number} HIP bundles {reason}")


def _wrapped(elf: Elf) -> list[int]:
    """Return the file offsets of the fatbins that the wrappers in .nvFatBinSegment point to, in order.

    GNU ld writes the pointers into the file (24-byte wrappers of fatbinary_section.h). lld leaves them to
    the relocations, so they are zero, as in an object file (seen in the JAX plug-ins for CUDA 13,
    2026-11-20): the fatbins are then found by their chain. Wrappers alone are not complete: libcufft has a
    fatbin and no wrapper.
    """
    section = elf.section(".nvFatBinSegment")
    if section is None:
        return []
    raw = elf.read_start(section, MAX_WRAPPERS * _WRAPPER.size)
    rows = _WRAPPER.iter_unpack(raw[: len(raw) // _WRAPPER.size * _WRAPPER.size])
    addresses = [address for magic, _, address, _ in rows if magic == WRAPPER_MAGIC and address]
    offsets = set()
    for low, high, shift in elf.loads:
        offsets.update([address + shift for address in addresses if low <= address < high])
    return sorted(offsets)


def _images(walk: Walk) -> tuple[Images, ...]:
    return tuple(Images(kind, count.images, count.bytes) for kind, count in walk.kinds())


def _cut(walk: Walk) -> bool:
    return any(fault.startswith("cut off") or "do not fit" in fault for fault in walk.faults)
