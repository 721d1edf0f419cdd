"""What rules are told: facts by name, the level of each, and what stands in for one that is missing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from stackcheck.model.evidence import Level

Facts: TypeAlias = Mapping[str, Any]
"""Fact name -> value, or `Missing`."""


class Missing(NamedTuple):
    """Stands in the facts for one that could not be had; `reason` completes "not checked: ...".

    `level` is the level that the run did not reach, where that is why; `hint` what would reach it. What
    `applies` to nothing, such as the image of an environment, leaves nothing to judge.
    """

    reason: str
    level: Level | None = None
    hint: str = ""
    applies: bool = True


class Fault(NamedTuple):
    """Stands in the facts for a step that could not do its work (`building`, `probing`).

    `proven` tells a stack that does not build from an engine that does not work. `log_tail` is the end of the
    log, escaped and bounded; `log_file` where it lies.
    """

    message: str
    proven: bool = False
    log_tail: str = ""
    log_file: str = ""


class Fact(NamedTuple):
    """A fact that rules can name: how strong it is as evidence, and whether only a target shows it."""

    level: Level
    of_target: bool = False
    of_files: bool = False
    """Whether the unpacked files of the packages show it, on any machine and without the target's Python."""


class TargetPython(NamedTuple):
    """The Python that the packages are for: the interpreter that was seen, or the one of the lock.

    `torch` is the version that torch/version.py of the torch that is imported states, None where there is
    none. `elsewhere` are packages that lie somewhere else, by name: conda's, those of a base image.
    """

    version: str
    markers: Mapping[str, str]
    torch: str | None = None
    elsewhere: Mapping[str, str] = MappingProxyType({})


class Unpacked(NamedTuple):
    """The wheels of a lock, unpacked: how many, their size in bytes, and for which Python and platform.

    `left_out` says of each package that is not among them why ("x 1.0 comes as source"); `failures` of each
    probe that could not do its work. `kept`: what an earlier look at every one of them saw was enough, and
    no wheel was opened.
    """

    wheels: int
    size_bytes: int
    python: str
    platform: str
    left_out: tuple[str, ...] = ()
    failures: Mapping[str, str] = MappingProxyType({})
    kept: bool = False


HOST_FACTS: Mapping[str, Fact] = {
    "stack": Fact(Level.STATED),
    "tables": Fact(Level.STATED),
    "env": Fact(Level.STATED),
    "dated": Fact(Level.STATED),
    "dockerfile": Fact(Level.STATED),
    "shelf": Fact(Level.STATED),
    "resolving": Fact(Level.RESOLVED),
    "resolution": Fact(Level.RESOLVED),
    "lock": Fact(Level.RESOLVED),
    "pages": Fact(Level.RESOLVED),
    "python": Fact(Level.BYTES, of_target=True, of_files=True),
    "unpacked": Fact(Level.BYTES, of_target=True, of_files=True),
    "image": Fact(Level.BYTES, of_target=True),
    "building": Fact(Level.RUN, of_target=True),
    "document": Fact(Level.RUN, of_target=True),
    "probing": Fact(Level.RUN, of_target=True),
    "observation": Fact(Level.RUN, of_target=True),
    "contradictions": Fact(Level.BYTES, of_target=True),
}
"""What the host itself knows of a stack; every probe adds a fact of its own name.

`env` is the Environment: one record a distribution, each field with its evidence and level. `dated` says how
old the knowledge of its packages is.
"""

OF_PROBE = "probe:"
"""What the name of a probe has before it as the key of a fact: no target names one of the host's facts."""


def key_of(name: str) -> str:
    """Return the key of a fact that rules name so: the host's as it is, a probe's with its prefix."""
    return name if name in HOST_FACTS else OF_PROBE + name


def as_named(facts: Facts) -> Facts:
    """Return facts by the names that rules have for them: those of probes without their prefix.

    What a probe is called like a fact of the host's does not take its place, and a name that is not an
    identifier is nothing that a rule could ask for.
    """
    probes = {key: key.removeprefix(OF_PROBE) for key in facts if key.startswith(OF_PROBE)}
    if not probes:
        return facts
    named = {key: value for key, value in facts.items() if key not in probes}
    ours = {key: name for key, name in probes.items() if name.isidentifier() and name not in HOST_FACTS}
    return named | {name: facts[key] for key, name in ours.items()}


GRADES: Mapping[str, Level] = {"static": Level.BYTES, "import": Level.RUN, "gpu": Level.GPU}
"""Grade of a probe -> the level of what it reports."""
