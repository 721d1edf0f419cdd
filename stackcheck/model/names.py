"""Names of distributions, as indexes compare them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from packaging.utils import NormalizedName


def canonical_name(name: str) -> NormalizedName:
    """Return a name as indexes spell it; `packaging.utils` has the same, and imports wheel tags, 9 ms.

    Source: https://packaging.python.org/en/latest/specifications/name-normalization/, 2026-11-30.

    >>> canonical_name("Torch_Scatter")
    'torch-scatter'
    """
    return cast("NormalizedName", re.sub(r"[-_.]+", "-", name).lower())
