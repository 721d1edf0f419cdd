"""The words in reports that are no codes of rules, for `stackcheck explain`: each with what it means.

A test holds each list to the place that the words come from.
"""

from __future__ import annotations

from typing import NamedTuple

from stackcheck.drift import change_classes
from stackcheck.model.evidence import Level


class Term(NamedTuple):
    """A word, what kind of word it is, and what it means."""

    word: str
    kind: str
    means: str
    more: tuple[str, ...] = ()


_OUTCOMES = {
    "PASS": "The check was made, and nothing speaks against the stack.",
    "WARN": "Something is to be known, or has no primary source; exit code 0.",
    "SKIP": "The check was not made, by choice or for want of data: the report says why and what to do.",
    "FAIL": "The stack does not work, or not as it says; the exit code is 1.",
    "ERROR": "stackcheck, an index or a probe could not do its work, which says nothing about the stack; the "
    "exit code is 3.",
    "NOTHING": "Not one check was made; the exit code is 3.",
    "ACCEPTED": "A finding that the definition or the configuration accepts, with the reason: it does not "
    "count.",
}
_UNRESOLVED = {
    "conflict": "Two requirements exclude each other.",
    "not-found": "No index or page that was read has the distribution, or the version.",
    "no-wheel": "The version is there as source alone, and no source build is allowed.",
    "no-python-wheel": "There are wheels, but none for this Python.",
    "no-platform-wheel": "There are wheels, but none for this platform or its glibc.",
    "unreachable": "The index did not answer (DNS, connection, time-out, TLS): the pins may be good.",
    "denied": "The index wants a login (401) or refuses this one (403).",
    "bad-index": "The index answered with an error or with a page that is not one.",
    "offline": "The cache does not have it, and --offline forbids to ask.",
    "not-stated": "The stack pins nothing, or states no Python.",
    "resolver": "uv could not be run, or said what is not understood.",
}
_CAUSES = {
    "expectation": "What the image was baked to expect cannot be read, or does not fit this container.",
    "no-gpu": "The container sees no GPU, and the image does not allow that.",
    "driver": "The driver's libraries or device files are missing or may not be opened.",
    "driver-too-old": "The driver knows an older CUDA than the packages need.",
    "devices": "The GPUs that the container is given, or that it names, cannot be used or listed.",
    "rocm": "The ROCm driver or its devices do not fit the packages.",
    "versions": "A package is there in another version than was locked, or is gone.",
    "two-torches": "Two copies of torch can be imported, or another one than was locked.",
    "libraries": "A shared library that a package needs is not found, or another one stands before it.",
    "gpu-code": "A library has no code for this GPU.",
    "headers": "CUDA's headers, which code compiled at run time needs, are missing or of another version.",
    "environment": "A variable is not what the image was baked with, or redirects what packages load.",
    "shared-memory": "The shared memory is smaller than the stack needs.",
}
_CHANGES = {
    "breaks-next-build": "The next build or install will fail, or gives something else.",
    "breaks-running": "What runs today stops working, or computes something else.",
    "changes-behaviour": "It still works, and may behave in another way.",
    "benign": "It has moved, and nothing follows from that.",
}
_OTHER = {
    "no code": "`inspect`: a library has no code for a GPU that was asked for.",
    "cannot": "`fits`: a release of torch that was asked for cannot load this wheel or library.",
}


def find(word: str) -> tuple[Term, ...]:
    """Return what a word means; a word may mean two things, such as `driver`."""
    wanted = word.casefold()
    return tuple(each for each in every() if each.word.casefold() == wanted)


def every() -> tuple[Term, ...]:
    """Return every word."""
    return (
        *(Term(word, "outcome", means) for word, means in _OUTCOMES.items()),
        *(Term(level.word, "level", f"How far the checks came: {level.meaning}.") for level in Level),
        *(Term(word, "why there is no lock", means) for word, means in _UNRESOLVED.items()),
        *(Term(word, "class of a change", means, _moves(word)) for word, means in _CHANGES.items()),
        *(Term(word, "cause at the start of a container", means) for word, means in _CAUSES.items()),
        *(Term(word, "finding", means) for word, means in _OTHER.items()),
    )


def _moves(rank: str) -> tuple[str, ...]:
    """Return the changes of a class, each with what it means and what to do."""
    rows = [row for row in change_classes.load().rows if row.rank == rank]
    return tuple(dict.fromkeys(f"{row.title}: {row.why}. Do: {row.do}." for row in rows))
