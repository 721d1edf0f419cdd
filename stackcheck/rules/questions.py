"""Questions that rules of several levels answer, each about one subject: the strongest answer decides."""

from __future__ import annotations

WORKS = "works with the torch that is there"
"""Subject: a companion or an extension of torch. METADATA tells it; importing and computing shows it."""


SERVES_GPUS = "has code for the GPUs of the stack"
"""Subject: the distribution. A table tells it, the list that torch itself states shows it."""


EXCHANGES_ARRAYS = "exchanges arrays with torch"
"""Subject: numpy."""


FINDS_NAMES = "finds the names that it imports of other packages"
"""Subject: the distribution. Rows of what was read tell it, the files that are there show it."""


HAS_A_FILE = "has a file that fits the Python and the platform"
"""Subject: the distribution. A table tells it, an index shows it."""


FITS_CUDA = "is built for the CUDA version of torch"
"""Subject: the distribution. Its name, its version and the page that it comes from tell it."""


AS_REQUIRED = "is what torch requires of it"
"""Subject: a library of CUDA that torch brings."""


def accepts(other: str) -> str:
    """Return the question whether the subject accepts the version of another distribution.

    METADATA says it; where that admits too much, rows of what was found do.
    """
    return f"{_ACCEPTS}{other}"


def works_with(other: str) -> str:
    """Return the question whether the subject works with another distribution than torch: part of `WORKS`."""
    return f"{_WITH}{other}"


def finds_names_of(other: str) -> str:
    """Return the question whether the subject finds its names in one distribution: part of `FINDS_NAMES`."""
    return f"{_NAMES_OF}{other}"


_ACCEPTS, _WITH, _NAMES_OF = "accepts ", "works with ", "finds the names that it imports of "
_PARTS = {_WITH: WORKS, _NAMES_OF: FINDS_NAMES}
_WITH_TORCH = frozenset({WORKS, EXCHANGES_ARRAYS, AS_REQUIRED})


def whole(question: str) -> str:
    """Return the question that an answer to this one answers in part, which may be itself.

    >>> whole(works_with("cumm-cu124")) == WORKS
    True
    """
    return next((each for start, each in _PARTS.items() if question.startswith(start)), question)


def partner(question: str) -> str:
    """Return the distribution that a question holds its subject against; "" where it names none.

    >>> partner(accepts("numpy")), partner(WORKS), partner(HAS_A_FILE)
    ('numpy', 'torch', '')
    """
    if question in _WITH_TORCH:
        return "torch"
    if question in _PARTS.values():
        return ""
    starts = (_ACCEPTS, *_PARTS)
    return next((question.removeprefix(each) for each in starts if question.startswith(each)), "")
