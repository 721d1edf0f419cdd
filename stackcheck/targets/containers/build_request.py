"""What a builder is given: one build, whichever way it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class BuildRequest:
    """One image to build: `folder` is the context, `dockerfile` a file in it or elsewhere.

    `secrets` are files by id (the CA bundle and the netrc file among them), for the build steps only.
    `what` names the build in messages.
    """

    what: str
    folder: Path
    dockerfile: Path
    tag: str
    labels: Mapping[str, str]
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    platform: str | None = None
    network: str = ""
    no_cache: bool = False
    timeout_s: float = 3600.0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
