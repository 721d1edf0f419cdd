"""What the user may say about resolving, and what one run shares among its stacks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackcheck.model.limits import TIMEOUT_S
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.memory import RunMemory
from stackcheck.storage.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stackcheck.model.index_pages import Page, Unreachable
    from stackcheck.resolve.uvrun import UvAnswer


@dataclass(frozen=True)
class Options:
    """How to resolve: `offline` uses only what is cached; `environ` stands for os.environ.

    `timeout_s` is how long uv may take for all questions about one stack.

    `cache` is where pages and uv's input are kept, `uv` the binary, both found when not given. `answers`
    keeps what uv said, for variants of one stack that ask it the same question; by default it is kept for one
    stack. `memory` is what one run learns of indexes, for all its stacks; `pages` keeps those that were read,
    where several stacks of a run look at the same.
    """

    offline: bool = False
    timeout_s: float = TIMEOUT_S
    cache: Path | None = None
    uv: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    answers: dict[tuple[Any, ...], UvAnswer] | None = field(default=None, repr=False, compare=False)
    memory: RunMemory = field(default_factory=RunMemory, repr=False, compare=False)
    pages: dict[str, Page | Unreachable] | None = field(default=None, repr=False, compare=False)

    @property
    def cache_folder(self) -> Path:
        """Return the folder in use."""
        return self.cache or cache_folder(self.environ)

    @property
    def fetcher(self) -> Fetcher:
        """Return a reader of index pages with these settings."""
        return Fetcher(self.environ, self.cache_folder, self.offline, once=self.pages)
