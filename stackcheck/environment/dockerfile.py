"""What a Dockerfile states of a stack: its base image, its compiler, arch lists, builds without isolation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.images.dockersteps import bases, scopes
from stackcheck.intake.installs import installs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables

_ARCH_LIST = "TORCH_CUDA_ARCH_LIST"
_COMPILER = re.compile(r"(?:.*/)?(?:gcc|g\+\+)-(?P<version>\d+)")


def with_dockerfile(stack: Stack, text: str, tables: Tables) -> Stack:
    """Return a definition with what its Dockerfile states, where the stack itself states nothing of it."""
    *_, (_, scope) = scopes(f"{text}\nRUN true\n")
    known = {_ARCH_LIST, *tables.unstated.arch_variables}
    env = {name: value for name, value in scope.env.items() if name in known}
    update: dict[str, Any] = {"env": {**env, **stack.env}}
    compiler = _COMPILER.fullmatch(scope.env.get("CC", ""))
    if compiler and stack.host_compiler is None:
        update["host_compiler"] = f"gcc {compiler['version']}"
    found = bases(text)
    if len(found) == 1 and not (stack.image.base or stack.image.ready):
        update["image"] = stack.image.model_copy(update={"base": found[0]})
    if stack.no_build_isolation in ((), False):
        update["no_build_isolation"] = tuple(sorted(set(_without_isolation(text))))
    return stack.model_copy(update=update)


def _without_isolation(text: str) -> Iterator[str]:
    """Yield the packages that a `pip install --no-build-isolation` names."""
    for each, scope in scopes(text):
        if each.word != "RUN":
            continue
        for install in installs(scope.expand(each.rest)):
            if "--no-build-isolation" in install.flags:
                yield from filter(None, map(_name, install.names))


def _name(word: str) -> str:
    """Return the distribution that an argument of pip names, "" for an option, a file or an address."""
    if word.startswith("-") or ("/" in word and "@" not in word):
        return ""
    try:
        return canonicalize_name(Requirement(word).name)
    except InvalidRequirement:
        return ""
