"""Container images: tags that exist, and what NVIDIA's PyTorch containers hold."""

import re
from collections.abc import Mapping
from datetime import date

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, table


class MissingTag(Row, frozen=True, kw_only=True):
    """Tags of nvidia/cuda that do not exist: `pattern` is a regular expression for the whole tag."""

    pattern: str
    fault: str
    hint: str


class CudnnTag(Row, frozen=True, kw_only=True):
    """The words for cuDNN that tags of nvidia/cuda do not have, by CUDA version, and the one to use."""

    cuda: SpecifierSet
    gone: tuple[str, ...]
    instead: str
    holds: int
    """The major version of cuDNN in the image of that tag."""


class CudaTag(Row, frozen=True, kw_only=True):
    """A version of nvidia/cuda, and the systems that its images are built on.

    On each there are base, runtime and devel; with cuDNN there are runtime and devel, but for `no_cudnn`.
    open: the list may be longer than what is known; where it is not, what it lacks does not exist.
    """

    cuda: Version
    systems: tuple[str, ...]
    no_cudnn: tuple[str, ...] = ()
    open: bool = False

    def has(self, tag: "CudaTagParts") -> bool:
        """Tell whether the list has a tag of this version whose word for cuDNN is right."""
        plain = not tag.cudnn
        return tag.system in self.systems and (
            plain or (tag.kind != "base" and tag.system not in self.no_cudnn)
        )


class CudaTagParts(msgspec.Struct, frozen=True):
    """What a tag of nvidia/cuda is made of: 12.4.1, cudnn, devel, ubuntu22.04."""

    cuda: Version
    cudnn: str
    kind: str
    system: str

    def __str__(self) -> str:
        return "-".join(filter(None, (str(self.cuda), self.cudnn, self.kind, self.system)))


_TAG = re.compile(
    r"(?P<cuda>\d+\.\d+\.\d+)-(?:(?P<cudnn>cudnn\d*)-)?(?P<kind>base|runtime|devel)-(?P<system>[a-z0-9.]+)"
)


def cuda_tag_parts(tag: str) -> CudaTagParts | None:
    """Take a tag of nvidia/cuda apart; None for one of another form."""
    match = _TAG.fullmatch(tag)
    return match and CudaTagParts(
        Version(match["cuda"]), match["cudnn"] or "", match["kind"], match["system"]
    )


class NvidiaPytorch(Row, frozen=True, kw_only=True):
    """One release of nvcr.io/nvidia/pytorch. cudnn, nccl: the libraries in it, None where nothing says."""

    tag: str
    torch: Version
    cuda: Version
    python: str
    cudnn: Version | None = None
    nccl: Version | None = None


class ImageTorch(Row, frozen=True, kw_only=True):
    """An image of another project, "owner/name:tag", and the torch in it with the CUDA that it is for."""

    image: str
    torch: Version
    cuda: Version


class ImageTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Everything in `images.toml`, indexed."""

    checked: date
    missing_tags: tuple[MissingTag, ...]
    cudnn_tags: tuple[CudnnTag, ...]
    cuda_tags: tuple[CudaTag, ...]
    nvidia: Mapping[str, NvidiaPytorch]
    others: Mapping[str, ImageTorch]

    def missing_tag(self, tag: str) -> MissingTag | None:
        """Return the row that says that a tag of nvidia/cuda does not exist; None is "no data"."""
        return next((row for row in self.missing_tags if re.fullmatch(row.pattern, tag)), None)

    def cuda_tag(self, cuda: Version) -> CudaTag | None:
        """Return the row of a version of nvidia/cuda; None is "no data"."""
        return next((row for row in self.cuda_tags if row.cuda == cuda), None)

    def near_tags(self, parts: CudaTagParts) -> list[CudaTagParts]:
        """Return tags that exist and are like one that does not: of the same CUDA and system first."""
        family = parts.system.rstrip("0123456789.")
        found = []
        for row in reversed(self.cuda_tags):
            word = self.cudnn_tag(row.cuda) if parts.cudnn else None
            kind = "runtime" if word and parts.kind == "base" else parts.kind
            for system in (each for each in row.systems if each.startswith(family)):
                other = CudaTagParts(row.cuda, word.instead if word else "", kind, system)
                if row.cuda.major == parts.cuda.major and row.has(other):
                    found.append(other)
        return sorted(found, key=lambda each: _distance(parts, each))

    def cudnn_tag(self, cuda: Version) -> CudnnTag | None:
        """Return the row for a CUDA version; None is "no data"."""
        return next((row for row in self.cudnn_tags if cuda in row.cuda), None)

    def with_torch(self, name: str) -> ImageTorch | None:
        """Return what is known of the torch in an image of another project; None is "no data"."""
        return self.others.get(name.removeprefix("docker.io/").partition("@")[0])

    def nvidia_pytorch(self, tag: str) -> NvidiaPytorch | None:
        """Return a release of NVIDIA's container; "24.8" is 24.08."""
        year, _, month = tag.partition(".")
        return self.nvidia.get(f"{year}.{month.zfill(2)}")


def _distance(one: CudaTagParts, other: CudaTagParts) -> tuple[bool, bool, int]:
    """Return how far a tag is from another: the minor version counts first, then the system."""
    return (
        other.cuda.minor != one.cuda.minor,
        other.system != one.system,
        abs(other.cuda.minor - one.cuda.minor),
    )


@table
def load(told: Told) -> ImageTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    tags = told.rows("cudnn_tag", CudnnTag)
    for row in tags:
        require(
            row, "instead", holds=row.instead not in row.gone, else_say=f"{row.instead} is listed as gone"
        )
    return ImageTable(
        checked=told.checked("cuda_tag"),
        missing_tags=told.rows("missing_tag", MissingTag),
        cudnn_tags=tags,
        cuda_tags=told.rows("cuda_tag", CudaTag),
        nvidia=unique(told.rows("nvidia_pytorch", NvidiaPytorch), lambda row: row.tag, "tag"),
        others=unique(told.rows("image_torch", ImageTorch), lambda row: row.image, "image"),
    )
