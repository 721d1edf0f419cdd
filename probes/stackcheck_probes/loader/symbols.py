"""Dynamic symbols of one ELF file: what it wants, what it gives, and the symbol versions of both.

Looking a name up costs a probe of the GNU hash table, as in the loader, not a walk over all exports:
libtorch_cpu.so has 100,000 of them. Layouts: the GNU hash section and symbol versioning of the Linux Standard
Base (refspecs.linuxfoundation.org/LSB_5.0.0), checked against glibc's loader, 2026-11-20.
"""

from __future__ import annotations

from operator import mul
from struct import Struct, unpack_from
from struct import error as StructError  # noqa: N812

from stackcheck_probes.binaries.elf import (
    DT_GNU_HASH,
    DT_HASH,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    SHT_DYNSYM,
    Dynamic,
    Elf,
    ElfError,
)

MAX_SYMBOLS = 4 << 20
MAX_STRINGS = 256 << 20
MAX_VERSIONS = 4096
MAX_VERSION_TABLE = 256 << 10
MAX_NAME = 8192
MAX_NAMES = 128 << 20
USUAL_NAME = 256
READ_PIECE = 32 << 20
STB_WEAK = 2
VER_FLG_BASE, VER_FLG_WEAK = 1, 2

_SYMBOL = {64: Struct("<IBBHQQ"), 32: Struct("<IIIBBH")}
_VERNEED, _VERNAUX = Struct("<HHIII"), Struct("<IHHII")
_VERDEF, _VERDAUX = Struct("<HHHHIII"), Struct("<II")
_CUT_VERSIONS = f"symbol version table cut off, or larger than the {MAX_VERSION_TABLE} bytes that are read"


_LONGEST = 512
# The hash is a polynomial in 33 from 5381 on: with its powers at hand, a name costs one pass in C, a third of
# the time of the loop (measured 2026-11-20 on the names of torchvision/_C.so).
_RISING = [1]
for _ in range(_LONGEST):
    _RISING.append(_RISING[-1] * 33 & 0xFFFFFFFF)
_POWERS = _RISING[-2::-1]
_START = [5381 * power for power in _RISING]


class VersionNeed:
    """A symbol version that a file wants of another: `GLIBC_2.34` of `libc.so.6`; weak ones may be absent."""

    __slots__ = ("file", "version", "weak")

    def __init__(self, file: str, version: str, weak: bool) -> None:
        self.file = file
        self.version = version
        self.weak = weak


def gnu_hash(name: bytes) -> int:
    """Return the hash of a symbol name as the GNU hash section has it."""
    length = len(name)
    if length > _LONGEST:
        long = 5381
        for byte in name:
            long = long * 33 + byte & 0xFFFFFFFF
        return long
    value: int = sum(map(mul, name, _POWERS[_LONGEST - length :]), _START[length])
    return value & 0xFFFFFFFF


class Symbols:
    """The dynamic symbols of an `Elf`; raise `ElfError` where its tables cannot be read."""

    __slots__ = ("_answers", "_defined", "_elf", "_hash", "_listed", "_strings", "_table", "_tags")

    def __init__(self, elf: Elf, dynamic: Dynamic | None = None) -> None:
        dynamic = dynamic or elf.dynamic()
        self._elf = elf
        self._tags = dynamic.tags if dynamic else {}
        self._strings = self._place(DT_STRTAB)
        self._table = self._place(DT_SYMTAB)
        place = self._place(DT_GNU_HASH)
        self._hash = None if place is None else _GnuHash(elf, place)
        self._answers: dict[bytes, bool] = {}
        self._defined: frozenset[str] | None = None
        self._listed: frozenset[bytes] | None = None

    def close(self) -> None:
        """Close the file that the symbols are read from."""
        self._elf.source.close()

    def undefined(self, marks: tuple[bytes, ...] = ()) -> list[bytes]:
        """Return the names that this file must find elsewhere (weak ones left out: they may stay absent).

        With `marks`, a file in whose names none of them occurs is not looked at further.
        """
        # Undefined symbols come before the exports, which alone the GNU hash table covers.
        first = self._hash.first if self._hash else None
        return self._names(undefined=True, first_export=first, marks=marks)

    def exported(self) -> list[bytes]:
        """Return every name that this file defines for others."""
        return self._names(undefined=False, first_export=None, marks=())

    def exports(self, name: bytes, hashed: int) -> bool:
        """Tell whether the file defines `name`, whose `gnu_hash` is `hashed`."""
        if self._table is None or self._strings is None:
            return False
        if self._hash is None:  # an old hash table only: list the exports once
            if self._listed is None:
                self._listed = frozenset(self.exported())
            return name in self._listed
        known = self._answers.get(name)  # extensions of one package ask for the same names
        if known is None:
            known = self._answers[name] = self._look_up(name, hashed)
        return known

    def _look_up(self, name: bytes, hashed: int) -> bool:
        if self._hash is None or self._table is None or self._strings is None:
            return False
        entry = _SYMBOL[self._elf.bits]
        for index in self._hash.candidates(hashed):
            raw = self._elf.source.pread(self._table + index * entry.size, entry.size)
            if len(raw) < entry.size:
                return False
            start = unpack_from("<I", raw)[0]
            if self._elf.source.pread(self._strings + start, len(name) + 1) == name + b"\0":
                return True
        return False

    def versions_needed(self) -> list[VersionNeed]:
        """Return every symbol version that the file wants of others."""
        count = min(self._tags.get(DT_VERNEEDNUM, 0), MAX_VERSIONS)
        try:
            starts, weak = _needs(self._versions(DT_VERNEED), count)
        except StructError:
            raise ElfError(_CUT_VERSIONS) from None
        texts = self._texts(starts)
        return [VersionNeed(*row) for row in zip(texts[::2], texts[1::2], weak)]

    def versions_defined(self) -> frozenset[str]:
        """Return every symbol version that the file gives (not the one that is its own name)."""
        if self._defined is None:
            count = min(self._tags.get(DT_VERDEFNUM, 0), MAX_VERSIONS)
            try:
                self._defined = frozenset(self._texts(_definitions(self._versions(DT_VERDEF), count)))
            except StructError:
                raise ElfError(_CUT_VERSIONS) from None
        return self._defined

    def _names(self, *, undefined: bool, first_export: int | None, marks: tuple[bytes, ...]) -> list[bytes]:
        """Return the names of the dynamic symbols that are undefined and not weak, or of the others."""
        if self._table is None:
            return []
        entry = _SYMBOL[self._elf.bits]
        raw = self._elf.source.pread(self._table, self._count(first_export) * entry.size)
        rows = entry.iter_unpack(raw[: len(raw) - len(raw) % entry.size])
        if self._elf.bits == 64:
            picked = [(start, info) for start, info, _, index, _, _ in rows if (index == 0) == undefined]
        else:
            picked = [(start, info) for start, _, _, info, _, index in rows if (index == 0) == undefined]
        starts = [start for start, info in picked if start and not (undefined and info >> 4 == STB_WEAK)]
        if not starts:
            return []
        # Linkers put the names of undefined symbols near each other: not the whole table.
        low, high = min(starts), max(starts)
        names = self._string_table(low, high + USUAL_NAME)
        if names.find(b"\0", high - low) < 0:
            names = self._string_table(low, high + MAX_NAME)
        if marks and not any(mark in names for mark in marks):
            return []
        found = []
        left = MAX_NAMES
        for start in starts:
            end = names.find(b"\0", start - low, start - low + MAX_NAME)
            if end > start - low:
                found.append(names[start - low : end])
                left -= end - start + low
                if left < 0:  # names that overlap: a table of 8 KB could stand for 32 GB of them
                    raise ElfError(
                        f"the names of the symbols are more than the {MAX_NAMES} bytes that are read"
                    )
        return found

    def _count(self, first_export: int | None) -> int:
        """Return how many dynamic symbols to read; raise `ElfError` where nothing says how many there are."""
        section = self._elf.section_of_type(SHT_DYNSYM)
        if section is not None:
            count = section.size // _SYMBOL[self._elf.bits].size
        elif first_export is not None:  # stripped of its section headers: the hash table bounds the undefined
            return min(first_export, MAX_SYMBOLS)
        else:
            place = self._place(DT_HASH)
            raw = b"" if place is None else self._elf.source.pread(place, 8)
            if len(raw) < 8:
                raise ElfError("neither a section nor a hash table says how many dynamic symbols there are")
            count = unpack_from("<I", raw, 4)[0]
        if count > MAX_SYMBOLS:
            raise ElfError(f"{count} dynamic symbols, more than the {MAX_SYMBOLS} that are read")
        return count if first_export is None or first_export > count else first_export

    def _versions(self, tag: int) -> bytes:
        place = self._place(tag)
        return b"" if place is None else self._elf.source.pread(place, MAX_VERSION_TABLE)

    def _place(self, tag: int) -> int | None:
        address = self._tags.get(tag)
        return None if address is None else self._elf.offset_of(address)

    def _texts(self, starts: list[int]) -> list[str]:
        return [""] * len(starts) if self._strings is None else self._elf.strings(self._strings, starts)

    def _string_table(self, low: int, high: int) -> bytes:
        """Return the bytes `low` to `high` of the string table; raise `ElfError` for more than is read."""
        size = min(high, self._tags.get(DT_STRSZ, 0))
        if self._strings is None or size - low > MAX_STRINGS:
            raise ElfError(f"dynamic string table of {size} bytes, more than is read")
        pieces = []
        while low < size:
            piece = self._elf.source.pread(self._strings + low, min(size - low, READ_PIECE))
            if not piece:
                break
            pieces.append(piece)
            low += len(piece)
        return b"".join(pieces)


def _needs(raw: bytes, files: int) -> tuple[list[int], list[bool]]:
    """Return where the names of each need are, the file's and the version's, and whether it is weak."""
    starts: list[int] = []
    weak: list[bool] = []
    at = 0
    for _ in range(files if raw else 0):
        _, count, file, first, following = _VERNEED.unpack_from(raw, at)
        aux = at + first
        for _ in range(count):
            _, flags, _, version, step = _VERNAUX.unpack_from(raw, aux)
            starts += (file, version)
            weak.append(flags & VER_FLG_WEAK != 0)
            if len(weak) > MAX_VERSIONS:
                raise ElfError(f"more than the {MAX_VERSIONS} symbol version needs that are read")
            if not step:
                break
            aux += step
        if not following:
            break
        at += following
    return starts, weak


def _definitions(raw: bytes, count: int) -> list[int]:
    """Return where the names of the versions are that a file defines, its own name left out."""
    starts: list[int] = []
    at = 0
    for _ in range(count if raw else 0):
        _, flags, _, _, _, first, following = _VERDEF.unpack_from(raw, at)
        if not flags & VER_FLG_BASE:
            starts.append(_VERDAUX.unpack_from(raw, at + first)[0])
        if not following:
            break
        at += following
    return starts


class _GnuHash:
    """The GNU hash table: a Bloom filter, buckets, and one chain of hashes over the exported symbols."""

    __slots__ = ("_bits", "_bloom", "_buckets", "_chain", "_elf", "_mask", "_shift", "first")

    def __init__(self, elf: Elf, place: int) -> None:
        self._elf = elf
        raw = elf.source.pread(place, 16)
        if len(raw) < 16:
            raise ElfError("GNU hash table cut off")
        buckets, self.first, words, self._shift = unpack_from("<IIII", raw)
        self._bits = elf.bits
        size = elf.bits // 8
        if buckets > MAX_SYMBOLS or words > MAX_SYMBOLS or self._shift > 63:
            raise ElfError(f"GNU hash table of {buckets} buckets, more than are read")
        self._mask = words - 1
        self._bloom = elf.source.pread(place + 16, words * size)
        self._buckets = elf.source.pread(place + 16 + words * size, buckets * 4)
        self._chain = place + 16 + words * size + buckets * 4
        if len(self._buckets) < buckets * 4 or len(self._bloom) < words * size or not words or not buckets:
            raise ElfError("GNU hash table cut off")

    def candidates(self, hashed: int) -> list[int]:
        """Return the indexes of the symbols whose hash is `hashed`."""
        bits, bloom = self._bits, self._bloom
        size = bits // 8
        at = (hashed // bits & self._mask) * size
        word = int.from_bytes(bloom[at : at + size], "little")
        if not (word >> hashed % bits & word >> (hashed >> self._shift) % bits & 1):
            return []
        index = unpack_from("<I", self._buckets, hashed % (len(self._buckets) // 4) * 4)[0]
        found: list[int] = []
        if index < self.first:
            return found
        chain = self._elf.source.pread(self._chain + (index - self.first) * 4, 64)
        for step in range(MAX_VERSIONS):
            if len(chain) < step * 4 + 4:
                chain += self._elf.source.pread(self._chain + (index - self.first) * 4 + len(chain), 256)
                if len(chain) < step * 4 + 4:
                    break
            value = unpack_from("<I", chain, step * 4)[0]
            if value | 1 == hashed | 1:
                found.append(index + step)
            if value & 1:
                break
        return found
