"""What the probes of the packages around torch return."""

from __future__ import annotations

from typing import TypedDict

from stackcheck_probes.facts.measured import Attempt, BesideTorch, Bridge, Check, ErrorFact, Kept, Loaded


class Operators(TypedDict):
    """The files of torchvision's operators, and the loader's message."""

    files: list[str]
    error: ErrorFact | None


class PackedCuda(Attempt, total=False):
    """The CUDA version of compiled operators: 12040 for 12.4, -1 for a CPU build."""

    version: int


class TorchvisionOps(BesideTorch, total=False):
    """torchvision's operators; what `nms` kept by device: "cpu", and "cuda:0" where there is a GPU."""

    requires_torch: str | None
    expected: list[int]
    operators: Operators
    cuda: PackedCuda
    nms: dict[str, Kept]


class Extension(TypedDict):
    """Whether torchaudio loaded its compiled operators; None where it does not tell."""

    loaded: bool | None
    error: ErrorFact | None


class TorchaudioOps(BesideTorch, total=False):
    """torchaudio's extension and transforms."""

    requires_torch: str | None
    extension: Extension
    checks: dict[str, Check]


class MmcvCompiled(Attempt, total=False):
    """With what mmcv's extension was compiled."""

    cuda: str
    compiler: str


class MmcvOps(BesideTorch, total=False):
    """mmcv's extension and operators."""

    extension_files: list[str]
    extension: Loaded
    expected: list[int]
    compiled: MmcvCompiled
    checks: dict[str, Check]
    nms: dict[str, Kept]


class Companion(Loaded, total=False):
    """A compiled companion of PyTorch Geometric; `check` is None when it does not import."""

    requires_torch: str | None
    check: Check | None


class _PygCompanions(BesideTorch):
    companions: dict[str, Companion]


class PygOps(_PygCompanions, total=False):
    """torch_geometric, and those of its companions that are installed."""

    torch_cuda: str | None
    checks: dict[str, Check]


class NumpyModule(TypedDict):
    """A compiled module of a distribution, and the major of NumPy that it was built with.

    required: whether the METADATA of the distribution require NumPy.
    """

    distribution: str
    version: str
    required: bool
    file: str
    api: int


class NumpyModules(TypedDict):
    """The NumPy that is installed, "" for none, and a compiled module of each distribution with any."""

    numpy: str
    modules: list[NumpyModule]


class NumpyAbi(Loaded):
    """NumPy, what was imported beside it, and its bridge to torch; None when torch does not import."""

    modules: dict[str, Loaded]
    bridge: Bridge | None


class MissingName(TypedDict):
    """Something that importing `root` takes from the distribution `of`, which does not have it.

    what: "torch._six" for a module, "huggingface_hub:cached_download" for a name. at: file and line.
    """

    distribution: str
    version: str
    root: str
    of: str
    of_version: str
    what: str
    at: str


class ImportNames(TypedDict):
    """What the distributions that were looked at import of others in vain."""

    missing: list[MissingName]
    looked_at: list[str]
    untold: list[str]
    left_out: list[str]
