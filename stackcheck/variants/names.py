"""What the name of a targeted build promises: `pytorch-py313-sm90-avx512`, `python312Packages.torch-cpu`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcheck_probes.binaries.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Collection

_PYTHON = re.compile(r"py(?:thon)?(\d)(\d{1,2})(?:Packages)?")
_CUDA = re.compile(r"cu(?:da)?(\d\d)_?(\d)")
_SM = re.compile(r"sm_?(\d{1,2})(\d)([af]?)")


@dataclass(frozen=True, slots=True)
class Promise:
    """The parts of a name; None for a part that it does not have.

    python, cuda: "3.13", "13.0". sm: the capability; suffix: what follows it ('', 'a', 'f'). cpu: the name
    says that no GPU is used. isa: one of the known names.
    """

    python: str | None = None
    cuda: str | None = None
    sm: Capability | None = None
    suffix: str = ""
    cpu: bool = False
    isa: str | None = None

    @property
    def sm_title(self) -> str:
        """Return "SM90", as names write it."""
        return f"SM{self.sm.sm}{self.suffix}" if self.sm else ""


def parse_name(name: str, isas: Collection[str]) -> Promise:
    """Read a name by its parts between hyphens and dots; a part that is no promise counts for nothing."""
    python = cuda = sm = isa = None
    suffix, cpu = "", False
    for part in re.split(r"[-.]", name):
        if part in isas:
            isa = part
        elif part == "cpu":
            cpu = True
        elif match := _PYTHON.fullmatch(part):
            python = f"{match[1]}.{match[2]}"
        elif match := _CUDA.fullmatch(part):
            cuda = f"{match[1]}.{match[2]}"
        elif match := _SM.fullmatch(part):
            sm, suffix = Capability(int(match[1]), int(match[2])), match[3]
    return Promise(python, cuda, sm, suffix, cpu, isa)
