"""What a build computes on, and the tags in which wheels and indexes spell it: cu124, rocm6.1, cpu."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from stackcheck.model.versions import minor, parse_version

if TYPE_CHECKING:
    from packaging.version import Version

Kind: TypeAlias = Literal["cuda", "rocm", "cpu"]

_TAG = re.compile(r"(?:cu(?P<cuda>\d{2,4})|rocm(?P<rocm>\d+(?:\.\d+)*)|(?P<cpu>cpu))(?![0-9A-Za-z])")


class Backend(NamedTuple):
    """What a build computes on; `version` is that of CUDA or ROCm, None where there is none or not known."""

    kind: Kind
    version: Version | None = None

    @property
    def tag(self) -> str:
        """Return the tag that wheels carry: cu124, rocm6.1, cpu."""
        if self.version is None:
            return self.kind
        return cuda_tag(self.version) if self.kind == "cuda" else f"{self.kind}{self.version}"

    def same(self, other: Backend) -> bool:
        """Tell whether both are the same backend; CUDA is compared by major.minor."""
        return self.kind == other.kind and self.tag == other.tag


@lru_cache(maxsize=4096)
def parse_tag(text: str) -> Backend | None:
    """Parse the wheel tag at the beginning of a text; None for anything else.

    >>> parse_tag("cu124").version, parse_tag("cu12").version, parse_tag("cu92").version
    (<Version('12.4')>, <Version('12')>, <Version('9.2')>)
    """
    match = _TAG.match(text)
    if match is None:
        return None
    if digits := match["cuda"]:
        return Backend("cuda", _of_digits(digits))
    if match["rocm"]:
        return Backend("rocm", parse_version(match["rocm"]))
    return Backend("cpu")


def _of_digits(digits: str) -> Version:
    if len(digits) == 2 and digits[0] in "789":  # cu92 is CUDA 9.2; cu12 is the major version alone
        return parse_version(f"{digits[0]}.{digits[1]}")
    return parse_version(f"{digits[:2]}.{digits[2:]}" if len(digits) > 2 else digits)


def tag_cuda(tag: str) -> Version | None:
    """Return the CUDA version of a wheel tag: cu124 is 12.4, cu12 is 12; None for cpu and rocm."""
    backend = parse_tag(tag)
    return backend.version if backend and backend.kind == "cuda" else None


@lru_cache(maxsize=4096)
def cuda_tag(version: Version | str) -> str:
    """Return the wheel tag of a CUDA version: 12.4 and 12.4.1 are cu124, 12 alone is cu12."""
    parsed = parse_version(version) if isinstance(version, str) else version
    return f"cu{parsed.major}" if len(parsed.release) == 1 else f"cu{minor(parsed).replace('.', '')}"
