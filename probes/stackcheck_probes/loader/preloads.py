"""Which libraries of the nvidia-* wheels `import torch` loads by name, as torch/__init__.py states them.

Read in torch 2.5.0, 2.7.1 and 2.11.0, and held against the maps of their processes (2026-11-20). Calls and
lists of ("folder", "libx.so.*[0-9]") are loaded in every case; the dict of 2.5 and 2.7 only where loading
libtorch_global_deps.so has failed, because its search path misses the wheels.
"""

from __future__ import annotations

PATTERN = '.so.*[0-9]"'
MAX_SOURCE = 1 << 20


def preloaded(source: str) -> tuple[str, ...]:
    """Return how the file names begin of what the source of torch/__init__.py loads in every case."""
    pieces = source.split(PATTERN)[:-1]
    found = []
    for piece in pieces:
        before, _, name = piece.rpartition('"')
        if name.startswith("lib") and before.rstrip().endswith(","):  # in the dict a colon stands there
            found.append(name + ".so.")
    return tuple(dict.fromkeys(found))
