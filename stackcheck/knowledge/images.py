"""Container images: tags that exist, what distributions bring, what NVIDIA's PyTorch containers hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, current


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTag(Row):
    """Tags of nvidia/cuda that do not exist: `pattern` is a regular expression for the whole tag."""

    pattern: str
    fault: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CudnnTag(Row):
    """The words for cuDNN that tags of nvidia/cuda do not have, by CUDA version, and the one to use."""

    cuda: SpecifierSet
    gone: tuple[str, ...]
    instead: str
    holds: int
    """The major version of cuDNN in the image of that tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaTag(Row):
    """A version of nvidia/cuda that is there as a devel image, and the systems that it is built on."""

    cuda: Version
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution(Row):
    """A Linux distribution, found by a regular expression in an image reference or an OS name."""

    pattern: str
    python: str = ""
    """The version of its `python3`; "" where the image has none or several."""
    musl: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NvidiaPytorch(Row):
    """One release of nvcr.io/nvidia/pytorch."""

    tag: str
    torch: Version
    cuda: Version
    python: str


@dataclass(frozen=True)
class ImageTable:
    """Everything in `images.toml`, indexed."""

    checked: date
    missing_tags: tuple[MissingTag, ...]
    cudnn_tags: tuple[CudnnTag, ...]
    cuda_tags: tuple[CudaTag, ...]
    distributions: tuple[Distribution, ...]
    nvidia: Mapping[str, NvidiaPytorch]
    _patterns: tuple[tuple[re.Pattern[str], Distribution], ...] = field(repr=False)
    _found: dict[str, Distribution | None] = field(repr=False, default_factory=dict)

    def missing_tag(self, tag: str) -> MissingTag | None:
        """Return the row that says that a tag of nvidia/cuda does not exist; None is "no data"."""
        return next((row for row in self.missing_tags if re.fullmatch(row.pattern, tag)), None)

    def cudnn_tag(self, cuda: Version) -> CudnnTag | None:
        """Return the row for a CUDA version; None is "no data"."""
        return next((row for row in self.cudnn_tags if cuda in row.cuda), None)

    def distribution(self, text: str) -> Distribution | None:
        """Find the distribution that an image reference or an OS name speaks of."""
        if text not in self._found:
            hits = (row for pattern, row in self._patterns if pattern.search(text.lower()))
            self._found[text] = next(hits, None)
        return self._found[text]

    def nvidia_pytorch(self, tag: str) -> NvidiaPytorch | None:
        """Return a release of NVIDIA's container; "24.8" is 24.08."""
        year, _, month = tag.partition(".")
        return self.nvidia.get(f"{year}.{month.zfill(2)}")


def load(told: Told | None = None) -> ImageTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    return _load(told or current())


@cache
def _load(told: Told) -> ImageTable:
    tags = told.rows("cudnn_tag", CudnnTag)
    for row in tags:
        require(
            row, "instead", holds=row.instead not in row.gone, else_say=f"{row.instead} is listed as gone"
        )
    distributions = told.rows("distribution", Distribution)
    return ImageTable(
        checked=told.checked("cuda_tag"),
        missing_tags=told.rows("missing_tag", MissingTag),
        cudnn_tags=tags,
        cuda_tags=told.rows("cuda_tag", CudaTag),
        distributions=distributions,
        nvidia=unique(told.rows("nvidia_pytorch", NvidiaPytorch), _tag, "tag"),
        _patterns=tuple((re.compile(row.pattern), row) for row in distributions),
    )


def _tag(row: NvidiaPytorch) -> str:
    return row.tag
