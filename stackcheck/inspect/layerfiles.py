"""Read one layer, or any other archive of files, as what it changes: facts of binaries in their places."""

from __future__ import annotations

import posixpath
from contextlib import nullcontext
from typing import TYPE_CHECKING

from stackcheck.inspect.forwardstreams import FirstReads, Onwards, packed_by
from stackcheck.inspect.layertree import OTHER, File, Layer, Limits, Link
from stackcheck.storage.settled import settled
from stackcheck_probes.binaries.binaryfiles import is_binary_name, may_be_binary
from stackcheck_probes.binaries.leftout import LONG_NAMES, SPARSE_FILES, UNKNOWN_ENTRIES, LeftOut
from stackcheck_probes.binaries.libraryfile import read_source
from stackcheck_probes.binaries.magic import ELF, STARTS
from stackcheck_probes.binaries.tarmembers import (
    FOLDER,
    HARD_LINK,
    LINK,
    MAX_NAME,
    SPARSE,
    TarMember,
    layer,
    tar_members,
)

if TYPE_CHECKING:
    from stackcheck.inspect.loaderroot import LoaderRoot
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.inflate import Budget

_WHITEOUT, _OPAQUE, _AUFS = ".wh.", ".wh..wh..opq", ".wh..wh."


class LayerReader:
    """Reads the layers of one archive, under one set of bounds.

    `unread` are entries that may hold code and could not be looked at; `root` keeps what the loader's rules
    will ask for.
    """

    def __init__(self, budget: Budget, *, deep: bool, root: LoaderRoot | None = None) -> None:
        self.limits = Limits()
        self.left_out = LeftOut()
        self.unread = LeftOut()
        self._budget = budget
        self._deep = deep
        self._root = root

    def read(self, packed: ByteSource) -> Layer:
        """Read a layer of an image, plain or packed; raise `SourceError` for a damaged one."""
        onwards = bool(packed_by(packed.pread(0, 8)))
        made = Layer(self.limits)
        stream = Onwards(packed, self._budget) if onwards else layer(packed, self._budget)
        for member in tar_members(stream):
            folder, base = posixpath.split(member.name.rstrip("/"))
            if base == _OPAQUE:
                made.hide(folder)
            elif base.startswith(_AUFS):  # how AUFS keeps its books
                continue
            elif base.startswith(_WHITEOUT):
                made.remove(posixpath.join(folder, base.removeprefix(_WHITEOUT)))
            else:
                self.put(made, member, onwards=onwards)
        return made

    def put(self, made: Layer, member: TarMember, *, onwards: bool) -> None:
        """Put an entry in its place; `onwards`: its bytes can be read only once."""
        name = member.name
        if len(name) > MAX_NAME or len(member.link) > MAX_NAME:
            self.unread.note(LONG_NAMES, name)
        elif member.is_file and not name.endswith("/"):
            made.add(name, self._file(member, onwards=onwards))
        elif member.type == FOLDER or member.is_file:
            made.add_folder(name)
        elif member.type == LINK:
            made.add(name, Link(member.link))
        elif member.type == HARD_LINK:
            made.add_hard_link(name, member.link)
        else:
            made.add(name, OTHER)
            if member.type == SPARSE:
                self.unread.note(SPARSE_FILES, name)
            elif not member.is_known:
                self.unread.note(UNKNOWN_ENTRIES, name, repr(member.type)[1:])

    def _file(self, member: TarMember, *, onwards: bool) -> File:
        name, content = posixpath.basename(member.name), member.content
        start = content.pread(0, 24)
        if not start.startswith(STARTS) and not is_binary_name(name):
            copy = self._root.keep_text(member.name, content) if self._root else ""
            return File(copy=copy) if copy else OTHER
        program = start.startswith(ELF) and may_be_binary(name, member.mode, content.size)
        with settled(content) if onwards else nullcontext(FirstReads(content)) as binary:
            facts = read_source(binary, name, deep=self._deep)
            if facts is None:
                return OTHER
            # What lies under no name of a library may be hard linked to one.
            wanted = self._root and (".so" in name or not program)
            copy = self._root.keep_library(binary) if self._root and wanted else ""
        return File(facts, program, copy)
