"""Read a package that is one file: a wheel or another zip file in place, and the archive inside a .conda."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.inspect.imagearchive import Archived, read_archive
from stackcheck_probes.binaries import archives, zipmembers
from stackcheck_probes.binaries.inflate import budget_for
from stackcheck_probes.binaries.leftout import LeftOut

if TYPE_CHECKING:
    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.binaries.zipmembers import ZipMember


def read_package(source: ByteSource, *, deep: bool = False) -> Archived:
    """Read a zip file as what it is; raise SourceError when it is damaged.

    Source: docs.conda.io/projects/conda-build, "package specification" (a .conda is a zip file that holds
    `pkg-NAME.tar.zst`).
    """
    inner = _conda_part(source)
    if inner is not None:
        found = read_archive(zipmembers.open_member(source, inner, budget_for(source)), deep=deep)
        return replace(found, kind="conda package")
    left_out, unread = LeftOut(), LeftOut()
    facts = list(archives.read_zip(source, deep=deep, left_out=left_out, unread=unread))
    return Archived(
        "wheel",
        tuple(row for row in facts if len(row) > 1),
        len(facts),
        tuple(unread.sentences()),
        tuple(left_out.sentences()),
    )


def _conda_part(source: ByteSource) -> ZipMember | None:
    """Return the member with the files of a .conda: it stands at the top, among three at most."""
    found = None
    for number, member in enumerate(zipmembers.zip_members(source)):
        if number > 8:
            return None
        if member.name.startswith("pkg-") and member.name.endswith(".tar.zst"):
            found = member
    return found
