"""Compute capabilities, code targets, and which code serves which device.

Rules (NVIDIA Ada and Blackwell Compatibility Guides; "Family-Specific Architecture Features", NVIDIA blog on
CUDA 12.9; checked 2026-11-20):
- SASS (`sm_XY`) runs on the same major with the same or a higher minor, never across majors;
- that holds among cards only: an integrated part (Tegra) runs SASS of its own capability, and no other part
  runs its SASS;
- suffix `a` (`sm_90a`, `compute_90a`) runs on exactly that capability;
- suffix `f` (`sm_100f`) runs on its family: the same major, from its minor on;
- PTX (`compute_XY`) is compiled by the driver for every later capability, if the driver knows its PTX ISA;
- LTO IR is input of a linker: it serves no device by itself.

For integrated parts: CUDA C++ Programming Guide, binary compatibility; measured on an Orin in
github.com/jax-ml/jax/issues/40492, 2026-09: sm_80 ends in "no kernel image is available", sm_87 runs, and
compute_80 runs by PTX. Issue 1939 of bitsandbytes-foundation/bitsandbytes believes otherwise, unmeasured.
"""

from __future__ import annotations

from stackcheck_probes.binaries import ptxisa
from stackcheck_probes.binaries.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from collections.abc import Iterable

NATIVE, RUNS, PTX, NO = "native", "runs", "ptx", "no"
HOWS = (NATIVE, RUNS, PTX, NO)
"""Ways to serve a device, best first."""


class Capability(Frozen):
    """A compute capability, `8.9`: ordered, printed as NVIDIA writes it."""

    fields = ("major", "minor")
    __slots__ = fields

    major: int
    minor: int

    def __init__(self, major: int, minor: int) -> None:
        self._set(major, minor)

    def __lt__(self, other: Capability) -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    def __le__(self, other: Capability) -> bool:
        return (self.major, self.minor) <= (other.major, other.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def sm(self) -> int:
        """The number in `sm_89`."""
        return self.major * 10 + self.minor


class Code(Frozen):
    """What an image was compiled for: a capability and a suffix ('', 'a', 'f'). See `Sass`, `Ptx`, `Lto`."""

    fields = ("capability", "suffix", "isa")
    __slots__ = (*fields, "_hash")

    capability: Capability
    suffix: str
    isa: tuple[int, int] | None
    _hash: int

    prefix = ""

    def __init__(self, capability: Capability, suffix: str = "", isa: tuple[int, int] | None = None) -> None:
        self._set(capability, suffix, isa)
        object.__setattr__(self, "_hash", hash((self.prefix, capability.sm, suffix, isa)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Code) and super().__eq__(other))

    def __str__(self) -> str:
        return f"{self.prefix}_{self.capability.sm}{self.suffix}"

    @property
    def spec(self) -> str:
        """The name with the PTX ISA version, where there is one: `compute_90:8.4`."""
        return f"{self}:{_dotted(self.isa)}" if self.isa else str(self)

    def reaches(self, device: Capability) -> bool:
        """Whether this code can execute on `device`, leaving drivers aside."""
        raise NotImplementedError


class Sass(Code):
    """Machine code, a cubin: `sm_90a`."""

    __slots__ = ()

    prefix = "sm"

    def reaches(self, device: Capability) -> bool:
        """Whether the hardware executes this cubin."""
        own = self.capability
        if RENAMED.get(own) == device and not self.suffix:
            return True
        if self.suffix == "a":
            return own == device
        if own in INTEGRATED or device in INTEGRATED:
            return own == device
        return own.major == device.major and own <= device


class Ptx(Code):
    """Code that the driver compiles: `compute_90`; `isa` is its PTX ISA version, (8, 7), or None."""

    __slots__ = ()

    prefix = "compute"

    def reaches(self, device: Capability) -> bool:
        """Whether a driver that is new enough compiles this for `device`."""
        if self.suffix:
            return Sass(self.capability, self.suffix).reaches(device)
        return self.capability <= device


class Lto(Code):
    """LTO IR, `lto_90`: input of nvJitLink or nvlink, runs nowhere by itself."""

    __slots__ = ()

    prefix = "lto"

    def reaches(self, device: Capability) -> bool:  # noqa: ARG002
        """Return False: a linker has to make SASS of it first."""
        return False


class Coverage(Frozen):
    """How code serves a device.

    how: 'native' (SASS of that very capability), 'runs' (SASS of a lower minor), 'ptx' (the driver compiles),
    'no'. by: the code that serves. needs_driver, needs_cuda: with 'ptx', the least Linux driver and CUDA
    release, None if unknown. note: what a reader must know.
    """

    fields = ("how", "by", "needs_driver", "note", "needs_cuda")
    __slots__ = fields

    how: str
    by: Code | None
    needs_driver: str | None
    note: str
    needs_cuda: tuple[int, int] | None

    def __init__(
        self,
        how: str,
        by: Code | None = None,
        needs_driver: str | None = None,
        note: str = "",
        needs_cuda: tuple[int, int] | None = None,
    ) -> None:
        self._set(how, by, needs_driver, note, needs_cuda)


# Thor: capability 10.1 up to CUDA 12.9, 11.0 from 13.0, the same chip (torch 2.13.0 table; NVIDIA).
RENAMED = {Capability(10, 1): Capability(11, 0)}

INTEGRATED = frozenset(Capability(*each) for each in ((5, 3), (6, 2), (7, 2), (8, 7), (10, 1)))
"""Tegra parts that share a major with cards: Nano, TX2, Xavier, Orin, and Thor by its old number; as 11.0 it
is alone in its major. GB10 (12.1) runs the code of cards (docs.nvidia.com/cuda, checked 2026-11-30)."""


def parse_capability(text: str) -> Capability:
    """Parse `8.9`, `sm_89` or `89`; raise ValueError for anything else, a suffix included."""
    major, dot, minor = text.partition(".")
    if dot and major.isdecimal() and minor.isdecimal() and len(minor) == 1 and len(major) < 4:
        return Capability(int(major), int(minor))
    number = text[3:] if text.startswith("sm_") else text
    if not dot and number.isdecimal() and number.isascii() and 2 <= len(number) <= 4:
        return capability_of(int(number))
    raise ValueError(f"{text!r} is not a compute capability such as 8.9 or sm_89")


def capability_of(sm: int) -> Capability:
    """Return the capability that an SM number stands for: 121 is 12.1."""
    return Capability(sm // 10, sm % 10)


def parse_code(text: str) -> Code:
    """Parse `sm_90a`, `compute_120`, `lto_90`, `compute_90:8.4` (with its PTX ISA); a bare `9.0a` is SASS.

    Raise ValueError for anything else.
    """
    name, colon, isa = text.partition(":")
    prefix, underscore, rest = name.rpartition("_")
    kind = {"sm": Sass, "compute": Ptx, "lto": Lto, "": Sass}.get(prefix)
    suffix = rest[-1:] if rest[-1:] in ("a", "f") else ""
    number = rest[: len(rest) - len(suffix)]
    well_formed = bool(underscore) != ("." in number) and (not colon or kind is Ptx)
    try:
        if kind is not None and well_formed:
            return kind(parse_capability(number), suffix, _parse_isa(isa) if colon else None)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a code target such as sm_90a, compute_120 or 9.0a")


def _parse_isa(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def covers(
    codes: Iterable[Code],
    device: Capability,
    *,
    driver_cuda: tuple[int, int] | None = None,
) -> Coverage:
    """Return how the best of `codes` serves `device`.

    driver_cuda: the newest CUDA release that the driver supports, (12, 4); PTX of a later ISA then does not
    count. None: the driver is not known, and `needs_cuda` and `needs_driver` say what it has to be.
    """
    codes = list(codes)
    reaching = sorted((code for code in codes if code.reaches(device)), key=_preference)
    sass = [code for code in reaching if isinstance(code, Sass)]
    if sass:
        return _sass_coverage(sass[-1], device)
    late = _kept_apart(codes, device)
    for code in reversed(reaching):
        found = _ptx_coverage(code)
        if driver_cuda is None or found.needs_cuda is None or found.needs_cuda <= driver_cuda:
            return found
        needs = f"{code} needs a driver of CUDA {_dotted(found.needs_cuda)}"
        late = late or f"{needs}, this one has {_dotted(driver_cuda)}"
    return Coverage(NO, note=late)


def _preference(code: Code) -> tuple[int, str, tuple[int, int]]:
    # An older PTX ISA asks less of the driver: it comes last, and last wins.
    isa = code.isa or (99, 0)
    return code.capability.sm, code.suffix, (-isa[0], -isa[1])


def _sass_coverage(code: Code, device: Capability) -> Coverage:
    renamed = code.capability.major != device.major
    note = f"{code.capability} was renamed {device} in CUDA 13.0: the same chip" if renamed else ""
    return Coverage(NATIVE if code.capability == device else RUNS, code, note=note)


def _kept_apart(codes: list[Code], device: Capability) -> str:
    """Say it where numbers alone would let some machine code run, and a part is integrated."""
    near = [
        code
        for code in codes
        if isinstance(code, Sass) and code.capability.major == device.major and code.capability < device
    ]
    if not near or not (device in INTEGRATED or all(code.capability in INTEGRATED for code in near)):
        return ""
    code = max(near, key=_preference)
    one, other = ("cards", "an integrated part") if device in INTEGRATED else ("an integrated part", "a card")
    return f"{code} is machine code for {one}, and {device} is {other}: neither runs the other's"


def _ptx_coverage(code: Code) -> Coverage:
    if code.isa is None:
        return Coverage(PTX, code, note="PTX ISA version not known: so is the driver it needs")
    cuda = ptxisa.cuda_for(code.isa)
    if cuda is None:
        return Coverage(PTX, code, note=f"PTX ISA {_dotted(code.isa)} is newer than the table of drivers")
    return Coverage(PTX, code, ptxisa.driver_for(code.isa), f"PTX ISA {_dotted(code.isa)}", cuda)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
