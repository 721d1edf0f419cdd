"""What torch's version.py says of the build: the file is read, torch is not imported."""

from __future__ import annotations

import os

from stackcheck_probes.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("__version__", "cuda", "hip")


def read(folder: str) -> Mapping[str, str | None]:
    """Return `__version__`, `cuda` and `hip` of a package folder; None for None, empty without a file."""
    return stated(files.text(os.path.join(folder, "version.py"), 1 << 16))


def stated(text: str) -> Mapping[str, str | None]:
    """Return what the text of version.py says, see `read`.

    The first assignment of each counts: `__version__ = '2.5.0+cu124'`, `cuda: Optional[str] = '12.4'`.
    """
    rows: dict[str, str | None] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        name = name.partition(":")[0].strip()
        if equals and name in NAMES and name not in rows:
            text = value.strip()
            rows[name] = text[1:-1][:100] if text[:1] in ("'", '"') else None
    return rows
