"""What the probes that run packages have in common: imports, attempts, numeric checks."""

from __future__ import annotations

from typing import TypedDict


class ErrorFact(TypedDict):
    """An exception: its type, its text, and the line that raised it."""

    type: str
    message: str
    at: str


class _LookedFor(TypedDict):
    installed: bool
    import_error: ErrorFact | None


class Loaded(_LookedFor, total=False):
    """What importing a package told; of one that is not installed only the first two are known."""

    version: str | None
    distribution_version: str | None
    file: str | None
    warnings: list[str]
    stderr: str


class TorchBeside(TypedDict):
    """How importing torch went, for the packages that ride on it."""

    installed: bool
    import_error: ErrorFact | None
    version: str | None


class BesideTorch(Loaded, total=False):
    """A package that rides on torch; `torch` is not there when the package is not installed."""

    torch: TorchBeside


class Attempt(TypedDict, total=False):
    """Something that was tried: `error` is None when it went well, and alone when it did not."""

    error: ErrorFact | None


class Check(Attempt, total=False):
    """A computed tensor against its reference; the errors are None for values that are not finite."""

    shape: list[int]
    expected_shape: list[int]
    tolerance: float
    max_abs_error: float | None
    max_rel_error: float | None
    finite: bool
    points: int
    sites_kept: bool
    weight_shape: list[int]


class Kept(Attempt, total=False):
    """Which boxes `nms` kept."""

    kept: list[int]


class Bridge(Attempt, total=False):
    """An array passed to torch and back."""

    shares_memory: bool
    equal: bool
    warnings: list[str]
    stderr: str
