"""Read the binaries inside a wheel in place: bounded, nothing unpacked, no path followed."""

from __future__ import annotations

import stat

from stackcheck_probes.binaries import zipmembers
from stackcheck_probes.binaries.binaryfiles import is_binary_name, may_be_binary
from stackcheck_probes.binaries.bytesource import SourceError
from stackcheck_probes.binaries.inflate import budget_for
from stackcheck_probes.binaries.leftout import LINKS, LONG_NAMES, LeftOut
from stackcheck_probes.binaries.libraryfile import MAX_LIBRARIES, read_source
from stackcheck_probes.binaries.magic import ELF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.inflate import Budget
    from stackcheck_probes.binaries.zipmembers import ZipMember
    from stackcheck_probes.facts.binaries import LibraryCode


def read_zip(
    source: ByteSource, *, deep: bool = False, left_out: LeftOut | None = None, unread: LeftOut | None = None
) -> Iterator[LibraryCode]:
    """Yield the facts of each binary of a wheel, as `libraryfile.read_source` does; its `path` is the member.

    A member that cannot be read is a fact with `error`. `left_out` takes what is of a kind that is not read,
    `unread` what may hold code and could not be looked at. Raise `SourceError` for a damaged zip.
    """
    budget = budget_for(source)
    unread = LeftOut() if unread is None else unread
    members = _worth_opening(source, LeftOut() if left_out is None else left_out, unread)
    for number, member in enumerate(members):
        if number >= MAX_LIBRARIES:
            raise SourceError(f"more than {MAX_LIBRARIES} binaries in one zip file: the rest was not read")
        facts = _facts(source, member, budget, deep=deep)
        if facts is not None:
            yield facts


def _worth_opening(source: ByteSource, left_out: LeftOut, unread: LeftOut) -> Iterator[ZipMember]:
    for member in zipmembers.zip_members(source):
        if len(member.name) > zipmembers.MAX_NAME:
            unread.note(LONG_NAMES, member.name)
        elif stat.S_ISLNK(member.mode):
            if is_binary_name(member.name):
                left_out.note(LINKS, member.name)
        elif is_binary_name(member.name) or (
            not left_out.note_kind(member.name) and may_be_binary(member.name, member.mode, member.size)
        ):
            yield member


def _facts(source: ByteSource, member: ZipMember, budget: Budget, *, deep: bool) -> LibraryCode | None:
    try:
        content = zipmembers.open_member(source, member, budget)
        if not is_binary_name(member.name) and content.pread(0, len(ELF)) != ELF:
            return None
        return read_source(content, member.name, deep=deep)
    except SourceError as error:
        return {"path": member.name, "error": str(error)}
