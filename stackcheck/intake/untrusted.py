"""A tree that a stranger has changed, a pull request say: what it claims counts, what it decides does not.

Its stacks are judged; what it accepts, expects and configures is left out, and no server is asked that it
chooses. Rules, probes and engines of installed packages, tables and variables are of who calls, and stay.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.intake.configuration import files_of_configuration
from stackcheck.knowledge.folders import VARIABLE
from stackcheck.model.errors import UsageError
from stackcheck.model.index_urls import local_path
from stackcheck.model.redact import without_userinfo
from stackcheck.storage.confinement import repository_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from stackcheck.intake.stack import Stack

PYPI = "https://pypi.org/simple"
"""What uv and pip ask where nobody states an index (docs.astral.sh/uv/concepts/indexes, 2026-11-30)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one call trusts: `indexes` are those that it states, `lies_in` whether a URL is of a place."""

    indexes: Sequence[str]
    lies_in: Callable[[str, str], bool]

    def judge(self, stacks: Sequence[Stack]) -> tuple[Stack, ...]:
        """Return the stacks as they are judged, each with what was left out of it.

        Raises UsageError, with every place, where one states an index or page that the call does not.
        """
        faults = [
            f"{stack.title}: {key}: {without_userinfo(url)} is not asked: this call does not state it."
            for stack in stacks
            for key, url in _asked(stack)
            if not any(self.lies_in(url, place) for place in self.indexes)
        ]
        if faults:
            advice = "With --untrusted, name the indexes that may be asked: --index URL."
            raise UsageError("\n".join([*dict.fromkeys(faults), advice]))
        return tuple(self._stripped(stack) for stack in stacks)

    def _stripped(self, stack: Stack) -> Stack:
        left = [
            *(["its ignore"] if stack.ignore else []),
            *(["its expect"] if stack.expect == "fail" or stack.expect_codes else []),
            *files_of_configuration(),
        ]
        asked = ", ".join(map(without_userinfo, self.indexes))
        head = f"untrusted: nothing was built or run, and no index was asked but {asked}; "
        terms = [f"{head}what the checked tree says of engines, tables and plug-ins counts for nothing"]
        terms += [f"left out as untrusted: {', '.join(left)}"] if left else []
        return stack.model_copy(
            update={"ignore": {}, "expect": "pass", "expect_codes": (), "terms": tuple(terms)}
        )


def _asked(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yield every address of a server that a stack names, under its key."""
    stated: list[tuple[str, str | None]] = [("index.url", stack.index.url)]
    stated += [("index.extra", each) for each in stack.index.extra]
    stated += [("index.find_links", each) for each in stack.index.find_links]
    for name, package in stack.packages.items():
        own = {"index": package.index, "find_links": package.find_links, "url": package.url}
        stated += [(f"packages.{name}.{key}", place) for key, place in own.items()]
    yield from ((key, place) for key, place in stated if place and local_path(place) is None)


def keep_out(tree: Iterable[Path], environ: Mapping[str, str]) -> None:
    """Take nothing of the trees that are checked for code or knowledge of stackcheck's own.

    Raises UsageError where a folder of $STACKCHECK_KNOWLEDGE lies in one of them: somebody has chosen it.
    """
    roots = {repository_of(path) for path in tree} | {repository_of(Path.cwd())}
    for stated in filter(None, environ.get(VARIABLE, "").split(os.pathsep)):
        folder = Path(os.path.realpath(stated))
        if inside := next((root for root in roots if folder.is_relative_to(root)), None):
            raise UsageError(
                f"{VARIABLE}: {folder} lies in {inside}, which is checked as untrusted; name another folder."
            )
    # `python -m` and "" in PYTHONPATH put the working folder first: plug-ins would be found there.
    sys.path[:] = [each for each in sys.path if each and not _in_one(each, roots)]


def _in_one(entry: str, roots: Iterable[Path]) -> bool:
    """Tell whether an entry of sys.path lies in a tree; that of stackcheck itself stays."""
    real, own = Path(os.path.realpath(entry)), Path(__file__).resolve().parents[2]
    if own == real or real.name == "site-packages" or own.is_relative_to(real):
        return False
    return any(real.is_relative_to(root) for root in roots)
