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


def accepts(other: str) -> str:
    """Return the question whether METADATA of the subject accepts the version of another distribution."""
    return f"accepts {other}"


SAID_ONCE = {WORKS: accepts("torch")}
"""Question -> the one that says the same where both are answered by a FAIL: what accepts no such torch."""
