"""The files of a target as its engine has them: read without starting anything of the target."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcheck_probes.facts.binaries import LibraryCode


@dataclass(frozen=True, slots=True)
class OutsideFiles:
    """Files below folders of packages, by whole path.

    `texts` are those of metadata and of torch's version.py, `sizes` the bytes of each regular file, `infos`
    the folders and files of metadata, `links` every symbolic link. What is below a link is not known here.
    `code` is the GPU code of each binary that was read, as the probe `libraries` reports it.
    """

    texts: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    infos: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    code: dict[str, LibraryCode] = field(default_factory=dict)

    def is_known(self, path: str) -> bool:
        """Tell whether a path is where it says: neither a link nor below one."""
        while path not in ("", "/"):
            if path in self.links:
                return False
            path = posixpath.dirname(path)
        return True


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What a target says of the thing at `path`, and what lies there."""

    what: str
    said: str
    found: str
    path: str
