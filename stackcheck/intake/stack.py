"""What a stack claims: the fields of a definition, and how one file of `matrices/` becomes `Stack` values.

A field that is not stated stays `None` or empty and means "not stated": no rule may fail a stack for it.
All faults of a file are reported at once, each with file, key and a suggestion.

pydantic reads the annotations: as texts, by `from __future__`, each would be compiled once more, 3 ms in all.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from packaging.version import Version
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    InstanceOf,
    ValidationError,
    field_validator,
    model_validator,
)

from stackcheck.knowledge.gpus import Gpu, find_gpu
from stackcheck.model import markers
from stackcheck.model.field_texts import PythonText, RequirementText, Strict, VersionText
from stackcheck.model.names import canonical_name
from stackcheck.model.near import did_you_mean
from stackcheck.model.package import BuiltFor, Package
from stackcheck.model.platforms import judged_for
from stackcheck.model.redact import redact
from stackcheck.model.smoke import Smoke
from stackcheck.model.written import packages_as_written

if TYPE_CHECKING:
    from typing import TypeAlias

    Tiers: TypeAlias = "tuple[Stack, ...]"
else:
    Tiers = tuple[Any, ...]  # a model that holds itself would need another JSON Schema for editors

__all__ = ["BuiltFor", "Index", "Package", "Stack", "parse_stack"]


FILLED_IN = frozenset(
    {
        "below", "left_out", "read_from", "places", "unread", "refused", "unsettled", "contradictions",
        "terms", "python_range",
    }
)  # fmt: skip
"""Fields of a Stack that its reader fills, and that no definition states."""


class Index(Strict):
    """Where wheels are looked for, in pip's words and with pip's meaning.

    `url` takes the place of PyPI (--index-url), `extra` are further indexes (--extra-index-url), `find_links`
    pages or folders beside them (--find-links). Without `url` it is PyPI, or what UV_DEFAULT_INDEX or
    PIP_INDEX_URL say. All are searched for every package, and the best version wins. A stack that takes torch
    from a PyTorch index and the rest from PyPI names that index under `extra`, or as the `index` of torch
    alone. Folders are relative to the definition file. Credentials belong in the environment or a netrc file,
    never here.
    """

    url: str | None = None
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()


class Image(Strict):
    """The container image: generated on a `base`, taken `ready`, or built from the user's `dockerfile`."""

    base: str | None = None
    build_base: str | None = None
    """A second base, with compilers, in which source builds are made; their wheels go into `base`."""
    ready: str | None = None
    dockerfile: str | None = None
    context: str | None = None
    target: str | None = None
    apt: tuple[str, ...] = ()
    python: str | None = None
    """The interpreter inside the image, when it is not `python3` on the PATH."""
    from_stack: str | None = None
    """The id of the stack on whose image this one is built: the tier below in a chain of images."""
    tag: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._/:-]*:[A-Za-z0-9_][A-Za-z0-9._-]*$")
    """A second name of the built image, by which the Dockerfile of the next tier finds it in its FROM."""
    manifest: str | None = None
    """A file that lists, one a line, the files and patterns that decide whether this image is built again."""


class Variant(Strict):
    """A targeted build, whose id is a promise: Python, CUDA, SM, CPU instruction set (torch-py313-sm90-avx2).

    A stack that states this table has its id held against its fields, and what was built against both.
    """

    isa: str | None = None
    """CPU instruction set that all code may use, such as "avx512": a name that `stackcheck tables` knows."""
    blas: Literal["cublas", "openblas", "mkl"] | None = None
    """What computes dense algebra: cuBLAS for what runs on the GPU, OpenBLAS or MKL on the CPU."""


class RecipePatch(Strict):
    """A patch that a recipe's overlay adds to one package."""

    package: str
    name: str
    url: str
    hash: str


class Recipe(Strict):
    """The Nix expression that makes this build: what it pins, overrides and names (`stackcheck recipes`)."""

    name: str
    """Its `pname`; the file is named by the id of the stack."""
    nixpkgs: str = Field(pattern=r"^[0-9a-f]{40}$")
    """Commit of nixpkgs that it is pinned to."""
    attribute: str = "torch"
    """The package of `python3Packages` that it overrides."""
    source_hash: str
    """Hash of the source archive with its submodules, as Nix states it."""
    cuda_packages: str | None = None
    """The CUDA package set that an overlay selects, such as "cudaPackages_13"."""
    patches: tuple[RecipePatch, ...] = ()
    steps: tuple[str, ...] = ()
    """Words that its build steps must hold, such as a directory or a file that they make."""


class Probes(Strict):
    """Which probes are wanted (all that fit, when not stated), and their parameters."""

    want: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    timeout_s: int | None = Field(default=None, ge=1, le=3600)
    params: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def __hash__(self) -> int:
        """Make it hashable in spite of `params`: pydantic copies a default that is not, for every stack."""
        return hash((self.want, self.skip, self.timeout_s, *self.params))


def _gpu(value: Any) -> Gpu:
    if not isinstance(value, str):
        raise ValueError("name a GPU as text: 'L4', '8.9' or 'gfx90a'")  # noqa: TRY004 - pydantic wants ValueError
    return find_gpu(value)


class Stack(Strict):
    """What a stack claims; every field but `id` may be left out, and then it is "not stated".

    >>> Stack(id="small", packages={"torch": "2.5.0+cu124"}).version("torch")
    <Version('2.5.0+cu124')>
    """

    id: str = Field(pattern=r"^[a-z0-9][A-Za-z0-9._-]*$", max_length=120)
    family: str = ""
    file: str = ""
    summary: str = ""
    python: PythonText | None = None
    platform: Literal["linux/amd64", "linux/arm64", "windows/amd64", "macos/arm64", "macos/amd64"] | None = (
        None
    )
    glibc: VersionText | None = None
    os: str | None = None
    accelerator: Literal["cuda", "rocm", "cpu"] | None = None
    cuda: VersionText | None = None
    """CUDA version of the wheels, such as "12.4"."""
    toolkit: VersionText | None = None
    """Version of the CUDA toolkit (nvcc) that source builds use."""
    host_compiler: str | None = None
    """Host compiler of source builds, such as "gcc 12"."""
    rocm: VersionText | None = None
    driver: str | None = None
    """Driver of the hosts: an exact version or a range such as ">=550.54.15"."""
    driver_cuda: VersionText | None = None
    """The CUDA version that the driver reports (nvidia-smi), when the driver's own version is not known."""
    gpus: tuple[Annotated[InstanceOf[Gpu], BeforeValidator(_gpu)], ...] = ()
    arch_list: tuple[str, ...] = ()
    """Architectures that source builds are made for, as TORCH_CUDA_ARCH_LIST spells them."""
    arch_mode: Literal["native", "runs"] | None = None
    """`native`: every GPU needs SASS of its own; `runs` (the default of the rules): anything that runs."""
    packages: Annotated[
        dict[Annotated[str, AfterValidator(canonical_name)], Package],
        BeforeValidator(packages_as_written),
    ] = Field(default_factory=dict)
    requires: tuple[RequirementText, ...] = ()
    """What the stack's own code needs, such as "mmcv>=1.3,<1.5": judged and resolved, but not a pin."""
    constraints: tuple[RequirementText, ...] = ()
    """Versions that a package must have if anything draws it in: uv's constraint-dependencies, pip's -c."""
    overrides: tuple[RequirementText, ...] = ()
    """What takes the place of every requirement on a package: uv's override-dependencies."""
    source_builds: Literal["allow", "forbid"] | None = None
    """`forbid`: a package without a wheel fails the stack; `allow` (the default): pip would build it."""
    no_build_isolation: bool | tuple[str, ...] = ()
    """The source builds that use the packages of the environment: `true` for all, or their names."""
    index: Index = Index()
    env: dict[str, str] = Field(default_factory=dict)
    image: Image = Image()
    variant: Variant | None = None
    recipe: Recipe | None = None
    probes: Probes = Probes()
    smoke: tuple[Smoke, ...] = ()
    """The team's own tests, run in the target as probes are."""
    ignore: dict[str, Annotated[str, Field(min_length=8)]] = Field(default_factory=dict)
    """Rule code -> the written reason for accepting its finding."""
    expect: Literal["pass", "fail"] = "pass"
    expect_codes: tuple[str, ...] = ()
    axes: dict[str, str] = Field(default_factory=dict)
    """The values that this member of a family was expanded with."""
    below: Tiers = ()
    """The tiers that this stack's image is built on, lowest first; the reader fills it from `from_stack`."""
    left_out: dict[str, str] = Field(default_factory=dict)
    """The packages whose marker is false here, and that marker; the reader fills it."""
    read_from: tuple[str, ...] = ()
    """The project's own files that state it; empty for a definition."""
    places: dict[str, str] = Field(default_factory=dict)
    """Where each key was stated, as "Dockerfile:12"; readers of a project's own files fill it."""
    unread: tuple[str, ...] = ()
    """What those files say and was not understood, a sentence each with its place."""
    refused: tuple[tuple[str, str], ...] = ()
    """The lines at which an installer stops: the place, and a sentence."""
    python_range: str = ""
    """The Pythons that those files admit, where they do not state one: `>=3.10,<3.13`."""
    unsettled: tuple[str, ...] = ()
    """What they leave to choose, or to look at elsewhere: a sentence each with its place and what to do."""
    terms: tuple[str, ...] = ()
    """What the call did not take of it, a sentence each (`stackcheck.intake.untrusted`)."""
    contradictions: tuple[tuple[str, str], ...] = ()
    """Where those files take back what they have stated: the place, and a sentence."""

    @field_validator("smoke")
    @classmethod
    def _named_once(cls, smoke: tuple[Smoke, ...]) -> tuple[Smoke, ...]:
        names = [each.name for each in smoke]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f"two smoke tests are named {twice!r}; a report tells them apart by name")
        return smoke

    @model_validator(mode="after")
    def _leave_out(self) -> "Stack":
        """Take the packages whose marker is false out of the stack: every reader sees the same set."""
        host = {"python": self.python, "platform": judged_for(self.platform)}
        absent = {
            name: package.marker
            for name, package in self.packages.items()
            if package.marker and markers.holds(package.marker, **host) is False
        }
        if absent:  # the model is frozen for its users; here it is still being made
            kept = {name: package for name, package in self.packages.items() if name not in absent}
            self.__dict__.update(packages=kept, left_out={**self.left_out, **absent})
        return self

    def builds_in_place(self, name: str) -> bool:
        """Tell whether a package is built without build isolation."""
        stated = self.no_build_isolation
        return stated if isinstance(stated, bool) else canonical_name(name) in map(canonical_name, stated)

    def version(self, name: str) -> Version | None:
        """Return the exactly pinned version of a distribution; None when absent or not pinned."""
        package = self.packages.get(canonical_name(name))
        return package.exact if package else None

    @property
    def title(self) -> str:
        """Return `file::id`, as verdicts and test items name the stack."""
        return f"{self.file}::{self.id}" if self.file else self.id


def parse_stack(
    row: dict[str, Any], *, file: str = "", where: str = "stack"
) -> tuple[Stack | None, list[str]]:
    """Make a Stack of an expanded row; return it, or None and every fault as `file: key: what is wrong`."""
    label = f"{where} ({row['id']})" if isinstance(row.get("id"), str) else where
    for key in FILLED_IN & row.keys():
        instead = {"below": "; state image.from_stack", "left_out": "; state a marker of the package"}.get(
            key, ""
        )
        return None, [f"{file}: {label}.{key}: unknown key{instead}"]
    try:
        return Stack.model_validate({**row, "file": file}), []
    except ValidationError as error:
        return None, [f"{file}: {label}.{text}" for text in _faults(error)]


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        keys = [str(key) for key in fault["loc"] if not str(key).startswith("function-")]
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = f"unknown key{did_you_mean(keys[-1], _known_keys(keys[:-1]))}"
        elif not message.endswith(".") and fault["type"] != "value_error":
            message = f"{message[0].lower()}{message[1:]} (found {redact(str(fault['input']))[:80]!r})"
        yield f"{'.'.join(keys)}: {message}"


def _known_keys(path: list[str]) -> list[str]:
    nested: dict[str, type[BaseModel]] = {
        "index": Index,
        "image": Image,
        "probes": Probes,
        "variant": Variant,
        "recipe": Recipe,
        "smoke": Smoke,
        "packages": Package,
    }
    model = nested.get(path[0], Stack) if path else Stack
    return [info.alias or name for name, info in model.model_fields.items()]
