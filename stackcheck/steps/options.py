"""What the user may say about a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackcheck.model.limits import TIMEOUT_S
from stackcheck.resolve.memory import RunMemory
from stackcheck.targets import BuildOptions

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.resolve.uvrun import UvAnswer
    from stackcheck.rules.alike import Alike


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about a run.

    `engine` names one of `targets.registry.names()`; `locks` is the folder of lock files; `keep_going` builds
    a stack although rules failed before the build; `timeout_s` bounds what uv is asked about one stack, and
    all probes of one target together; `cached` reuses what they saw of this very image; `bytes` has `check`
    look at the files of wheels. `answers` keeps what uv said, for stacks that ask it the same at the same
    time; `memory` what the run has learned of indexes that do not answer; `alike` what rules have said, for
    stacks that differ in nothing that these read.
    """

    offline: bool = False
    engine: str | None = None
    build: BuildOptions = field(default_factory=BuildOptions)
    locks: Path | None = None
    keep_going: bool = False
    timeout_s: float = TIMEOUT_S
    cached: bool = False
    bytes: bool = False
    answers: dict[tuple[Any, ...], UvAnswer] | None = field(default=None, repr=False, compare=False)
    memory: RunMemory = field(default_factory=RunMemory, repr=False, compare=False)
    alike: Alike | None = field(default=None, repr=False, compare=False)
