"""The probes that the agent carries, and what each states of itself; none is imported for it."""

from __future__ import annotations

import os
import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GRADE_LINE = re.compile(rb"""^GRADE = ["'](static|import|gpu)["']""", re.MULTILINE)
_LOOKS_IN_LINE = re.compile(rb"""^LOOKS_IN = ["'](\w+)["']""", re.MULTILINE)
_PRELOAD_LINE = re.compile(rb"""^PRELOAD = ["'](\w+)["']""", re.MULTILINE)


def grade_of(name: str) -> str | None:
    """Return the grade that a probe states, read from its source without importing it; None when no probe."""
    return _stated(name, _GRADE_LINE)


def looks_in(name: str) -> str | None:
    """Return the parameter that names the folders of packages, of a probe that looks at nothing but them."""
    return _stated(name, _LOOKS_IN_LINE)


def preload_of(name: str) -> str | None:
    """Return the module that a probe wants to find imported already."""
    return _stated(name, _PRELOAD_LINE)


def every_probe() -> list[str]:
    """Return the names of all probes that lie here, in a folder or in the archive that travels."""
    from stackcheck_probes import probes

    folder = probes.__path__[0]
    if os.path.isdir(folder):
        names = [name[:-3] for name in os.listdir(folder) if name.endswith(".py")]
    else:
        import pkgutil  # it imports `inspect` to look into a folder, 5 ms

        names = [module.name for module in pkgutil.iter_modules(probes.__path__)]
    return sorted(name for name in names if grade_of(name))


def _stated(name: str, line: re.Pattern[bytes]) -> str | None:
    match = line.search(_source(name)) if name.isidentifier() else None
    return match.group(1).decode() if match else None


@lru_cache(maxsize=None)
def _source(name: str) -> bytes:
    """Return the text of a probe, b"" where there is none."""
    from stackcheck_probes import probes

    loader: Any = probes.__loader__
    try:
        text: bytes = loader.get_data(os.path.join(probes.__path__[0], name + ".py"))
    except OSError:
        return b""
    return text
