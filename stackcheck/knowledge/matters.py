"""Which distributions the tables know something of: what is kept of the requirements in METADATA.

A list of names that somebody typed goes stale with the first new row. A package that has a file of rows, was
measured, or is named by a declared row matters, and so does its sibling for another CUDA: nvidia-cufft beside
nvidia-cufft-cu12. What a pattern of names with a CUDA version covers matters without its siblings, so that
reading what is kept again gives the same names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.knowledge.kinds import SUBJECTS
from stackcheck.knowledge.unstated import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.knowledge import Tables

_OF_CUDA = re.compile(r"-cu(?:da)?\d+x?$")


class Matters:
    """The canonical names of which something is known: `name in matters`."""

    def __init__(self, tables: Tables, new: Iterable[str] = ()) -> None:
        """Read which names there are, and no rows but those about requirements; `new` ones get rows now."""
        packages = tables.packages
        named = {
            name
            for dist in packages.declared_dists
            for _, row in packages.declared(dist, EVERYTHING)
            for name in row.named()
            if not tables.wheels.named_cuda(name)
        }
        known = named | {*tables.told_of, *new} | tables.measured.names
        self._families = frozenset(map(_family, known - SUBJECTS))
        self._named_cuda = tables.wheels.named_cuda

    def __contains__(self, name: object) -> bool:
        """Tell whether anything is known of a distribution, or of its sibling for another CUDA."""
        return isinstance(name, str) and (
            _family(name) in self._families or self._named_cuda(name) is not None
        )


def _family(name: str) -> str:
    return _OF_CUDA.sub("", name)
