"""Read the binaries inside a wheel in place: bounded, nothing unpacked, no path followed."""

from __future__ import annotations

from stackcheck_probes.binaries import zipmembers
from stackcheck_probes.binaries.binaryfiles import is_binary_name
from stackcheck_probes.binaries.bytesource import SourceError
from stackcheck_probes.binaries.inflate import budget_for
from stackcheck_probes.binaries.libraryfile import MAX_LIBRARIES, read_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import LibraryCode


def read_zip(source: ByteSource, *, deep: bool = False) -> Iterator[LibraryCode]:
    """Yield the facts of each binary of a wheel, as `libraryfile.read_source` does; its `path` is the member.

    A member that cannot be read is a fact with `error`. Raise `SourceError` when the zip itself is damaged.
    """
    budget = budget_for(source)
    binaries = (member for member in zipmembers.zip_members(source) if is_binary_name(member.name))
    for number, member in enumerate(binaries):
        if number >= MAX_LIBRARIES:
            raise SourceError(f"more than {MAX_LIBRARIES} binaries in one zip file: the rest was not read")
        try:
            facts = read_source(zipmembers.open_member(source, member, budget), member.name, deep=deep)
        except SourceError as error:
            facts = {"path": member.name, "error": str(error)}
        if facts is not None:
            yield facts
