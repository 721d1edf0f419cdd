"""Read ELF headers, sections, segments and the dynamic section, little-endian, 32 and 64 bits.

Only tables are read, each bounded by the file's size and by the limits below; payloads never. What a file
claims and does not hold is `cut`; what cannot be read at all is an `ElfError`. Layouts: System V gABI
(refspecs.linuxfoundation.org/elf/gabi4+) and the GNU extensions of the Linux Standard Base.
"""

from __future__ import annotations

from struct import Struct

from stackcheck_probes.binaries.bytesource import ByteSource, SourceError

MAGIC = b"\x7fELF"
MAX_SECTIONS = 1 << 16
MAX_SEGMENTS = 1 << 12
MAX_DYNAMIC = 1 << 14
MAX_NAME_TABLE = 8 << 20
MAX_STRING = 4096
MAX_SPAN = 64 << 10  # texts closer together than this come with one read
MAX_SECTION_NAME = 256  # 65,536 names that overlap in one table stay 16 MB

EM_X86_64, EM_AARCH64, EM_CUDA, EM_AMDGPU = 62, 183, 190, 224
SHT_DYNAMIC, SHT_NOBITS, SHT_DYNSYM = 6, 8, 11
PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ = 1, 4, 5, 6, 10
DT_SONAME, DT_RPATH, DT_RUNPATH = 14, 15, 29
DT_GNU_HASH = 0x6FFFFEF5
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = (
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)

_HEADER = {64: Struct("<HHIQQQIHHHHHH"), 32: Struct("<HHIIIIIHHHHHH")}
_SECTION = {64: Struct("<IIQQQQIIQQ"), 32: Struct("<IIIIIIIIII")}
_SEGMENT = {64: Struct("<IIQQQQQQ"), 32: Struct("<IIIIIIII")}
_DYNAMIC = {64: Struct("<qQ"), 32: Struct("<iI")}


class ElfError(ValueError):
    """The bytes are not an ELF file that can be read: what and where."""


class Section:
    """One section header: offsets and sizes in bytes, `addr` the virtual address (0 if not loaded)."""

    __slots__ = ("addr", "entsize", "flags", "info", "link", "name", "offset", "size", "type")

    def __init__(self, name: str, row: tuple[int, ...]) -> None:
        self.name = name
        _, self.type, self.flags, self.addr, self.offset, self.size, self.link, self.info, _, self.entsize = (
            row
        )

    def __repr__(self) -> str:
        return f"Section({self.name!r}, offset={self.offset:#x}, size={self.size:#x}, addr={self.addr:#x})"


class Segment:
    """One program header: `offset`/`filesz` in the file, in bytes, `vaddr` in memory."""

    __slots__ = ("filesz", "flags", "offset", "type", "vaddr")

    def __init__(self, row: tuple[int, ...], bits: int) -> None:
        if bits == 64:
            self.type, self.flags, self.offset, self.vaddr, _, self.filesz, _, _ = row
        else:
            self.type, self.offset, self.vaddr, _, self.filesz, _, self.flags, _ = row

    def __repr__(self) -> str:
        return (
            f"Segment({self.type}, offset={self.offset:#x}, vaddr={self.vaddr:#x}, filesz={self.filesz:#x})"
        )


class Dynamic:
    """The dynamic section: `tags` maps DT_* to its (last) value; the names are read from DT_STRTAB."""

    __slots__ = ("needed", "rpath", "runpath", "soname", "tags")

    def __init__(
        self,
        tags: dict[int, int],
        needed: tuple[str, ...],
        soname: str | None,
        rpath: str | None,
        runpath: str | None,
    ) -> None:
        self.tags = tags
        self.needed = needed
        self.soname = soname
        self.rpath = rpath
        self.runpath = runpath


class Elf:
    """The headers of one ELF file.

    `cut` is True when a table, section or segment reaches past the end of the file. A file without section
    headers has `sections == ()`: then nothing is known of what a section would have named. `loads` has
    what the loader maps: first address, address after the last, and what to add for the offset in the file.
    """

    __slots__ = (
        "_names",
        "_rows",
        "_sections",
        "_segment_rows",
        "_segments",
        "abiversion",
        "bits",
        "cut",
        "flags",
        "loads",
        "machine",
        "size",
        "source",
        "type",
    )

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.size = source.size
        self.cut = False
        head = self._read(0, 64)
        if head[:4] != MAGIC:
            raise ElfError("not an ELF file (no \\x7fELF at the start)")
        if len(head) < 52:
            raise ElfError(f"ELF header cut off after {len(head)} bytes")
        if head[4] not in (1, 2):
            raise ElfError(f"ELF class {head[4]} is neither 32 nor 64 bits")
        if head[5] != 1:
            raise ElfError(f"ELF byte order {head[5]}: only little-endian is read")
        self.bits = 64 if head[4] == 2 else 32
        if self.bits == 64 and len(head) < 64:
            raise ElfError(f"ELF header cut off after {len(head)} bytes")
        self.abiversion = head[8]
        row = _HEADER[self.bits].unpack_from(head, 16)
        (
            self.type,
            self.machine,
            _,
            _,
            phoff,
            shoff,
            self.flags,
            _,
            phentsize,
            phnum,
            shentsize,
            shnum,
            names,
        ) = row
        self._names = b""
        self._rows = self._section_rows(shoff, shentsize, shnum, names)
        self._sections: tuple[Section, ...] | None = None
        self.loads: list[tuple[int, int, int]] = []
        self._segment_rows = self._read_segments(phoff, phentsize, phnum)
        self._segments: tuple[Segment, ...] | None = None

    @property
    def sections(self) -> tuple[Section, ...]:
        """The section headers, in the file's order."""
        if self._sections is None:
            self._sections = tuple(Section(_name(self._names, row[0]), row) for row in self._rows)
        return self._sections

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The program headers, in the file's order."""
        if self._segments is None:
            self._segments = tuple(Segment(row, self.bits) for row in self._segment_rows)
        return self._segments

    @property
    def has_sections(self) -> bool:
        """Whether there are section headers at all."""
        return bool(self._rows)

    def section_of_type(self, kind: int) -> Section | None:
        """Return the first section of an SHT_ type, or None."""
        row = next((row for row in self._rows if row[1] == kind), None)
        return Section(_name(self._names, row[0]), row) if row else None

    def mentions(self, name: bytes) -> bool:
        """Return whether any section's name contains `name`: a quick no for most libraries."""
        return name in self._names

    def section(self, name: str) -> Section | None:
        """Return the first section called `name`, or None."""
        if name.encode() not in self._names:
            return None
        return next((section for section in self.sections if section.name == name), None)

    def sections_of(self, least: int) -> list[Section]:
        """Return the sections that hold at least so many bytes of the file."""
        rows = [row for row in self._rows if row[5] >= least and row[1] != SHT_NOBITS]
        return [Section(_name(self._names, row[0]), row) for row in rows]

    def offset_of(self, vaddr: int) -> int | None:
        """Return the file offset of a virtual address, or None where no segment maps it from the file."""
        for low, high, shift in self.loads:
            if low <= vaddr < high:
                return vaddr + shift
        return None

    def read(self, section: Section, limit: int) -> bytes:
        """Return the section's bytes; raise `ElfError` when it is larger than `limit` bytes."""
        if section.type == SHT_NOBITS:
            return b""
        if section.size > limit:
            raise ElfError(
                f"section {section.name}: {section.size} bytes, more than the {limit} that are read"
            )
        return self._read(section.offset, section.size)

    def read_start(self, section: Section, limit: int) -> bytes:
        """Return the section's bytes, at most the first `limit` of them."""
        return b"" if section.type == SHT_NOBITS else self._read(section.offset, min(section.size, limit))

    def string(self, offset: int) -> str:
        """Return the NUL-terminated text at a file offset, at most 4,096 bytes of it."""
        raw = self._read(offset, 128)
        if 0 not in raw and len(raw) == 128:
            raw = self._read(offset, MAX_STRING)
        return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")

    def strings(self, table: int, starts: list[int]) -> list[str]:
        """Return the texts at `starts` in the string table at a file offset, as `string` does.

        Those of a dynamic section lie close together as a rule: one read serves them all.
        """
        low, high = min(starts, default=0), max(starts, default=0)
        if high - low > MAX_SPAN:
            return [self.string(table + start) for start in starts]
        raw = self._read(table + low, high - low + 128)
        texts: dict[int, str] = {}
        for start in set(starts):
            end = raw.find(b"\0", start - low, start - low + MAX_STRING)
            if end < 0:  # longer than what was read, or the end of the file
                texts[start] = self.string(table + start)
            else:
                texts[start] = raw[start - low : end].decode("utf-8", "surrogateescape")
        return [texts[start] for start in starts]

    def dynamic(self) -> Dynamic | None:
        """Return the dynamic section (by segment, as the loader finds it; else by section), or None."""
        place = self._dynamic_place()
        if place is None:
            return None
        entry = _DYNAMIC[self.bits]
        raw = self._read(place[0], min(place[1], MAX_DYNAMIC * entry.size))
        tags: dict[int, int] = {}
        needed = []
        for tag, number in entry.iter_unpack(raw[: len(raw) - len(raw) % entry.size]):
            if tag == 0:
                break
            if tag == DT_NEEDED:
                needed.append(number)
            tags[tag] = number
        return self._named(tags, needed)

    def _dynamic_place(self) -> tuple[int, int] | None:
        row = next((row for row in self._segment_rows if row[0] == PT_DYNAMIC), None)
        if row is not None:
            segment = Segment(row, self.bits)
            return segment.offset, segment.filesz
        section = self.section_of_type(SHT_DYNAMIC)
        return (section.offset, section.size) if section else None

    def _named(self, tags: dict[int, int], needed: list[int]) -> Dynamic:
        table = self.offset_of(tags.get(DT_STRTAB, -1))

        limit = tags.get(DT_STRSZ, 1 << 62) if table is not None else 0
        wanted = [start for start in needed if start < limit]
        own = [tag for tag in (DT_SONAME, DT_RPATH, DT_RUNPATH) if tags.get(tag, limit) < limit]
        texts = self.strings(table or 0, wanted + [tags[tag] for tag in own])
        named = dict(zip(own, texts[len(wanted) :]))
        names = tuple(text for text in texts[: len(wanted)] if text)
        return Dynamic(tags, names, named.get(DT_SONAME), named.get(DT_RPATH), named.get(DT_RUNPATH))

    def _read(self, offset: int, size: int) -> bytes:
        try:
            return self.source.pread(offset, size)
        except SourceError as error:
            raise ElfError(str(error)) from error

    def _table(self, entry: Struct, offset: int, entsize: int, count: int) -> list[tuple[int, ...]]:
        if entsize != entry.size:
            raise ElfError(f"header table at {offset:#x}: entries of {entsize} bytes, expected {entry.size}")
        raw = self._read(offset, count * entry.size)
        whole = len(raw) // entry.size
        if whole < count:
            self.cut = True
        return list(entry.iter_unpack(raw[: whole * entry.size]))

    def _section_rows(self, offset: int, entsize: int, count: int, names: int) -> list[tuple[int, ...]]:
        """Return the raw section headers, and keep the table of their names."""
        if offset == 0:
            return []
        entry = _SECTION[self.bits]
        if count == 0 or names == 0xFFFF:  # numbers too large for the header stand in section 0
            first = self._table(entry, offset, entsize, 1)
            count = count or (first[0][5] if first else 0)
            names = first[0][6] if first and names == 0xFFFF else names
        if count > MAX_SECTIONS:
            raise ElfError(f"{count} sections, more than the {MAX_SECTIONS} that are read")
        rows = self._table(entry, offset, entsize, count)
        for row in rows:
            if row[4] + row[5] > self.size and row[1] != SHT_NOBITS:
                self.cut = True
                break
        if names < len(rows):
            self._names = self._read(rows[names][4], min(rows[names][5], MAX_NAME_TABLE))
        return rows

    def _read_segments(self, offset: int, entsize: int, count: int) -> list[tuple[int, ...]]:
        """Return the raw program headers; keep what is loaded, and whether any reaches past the end."""
        if offset == 0 or count == 0:
            return []
        if count > MAX_SEGMENTS:
            raise ElfError(f"{count} segments, more than the {MAX_SEGMENTS} that are read")
        rows = self._table(_SEGMENT[self.bits], offset, entsize, count)
        at, address, length = (2, 3, 5) if self.bits == 64 else (1, 2, 4)
        for row in rows:
            if row[at] + row[length] > self.size:
                self.cut = True
            if row[0] == PT_LOAD:
                low = row[address]
                self.loads.append((low, low + row[length], row[at] - low))
        return rows


def _name(table: bytes, start: int) -> str:
    end = table.find(b"\0", start, start + MAX_SECTION_NAME)
    return table[start:end].decode("utf-8", "backslashreplace") if end >= 0 else ""
