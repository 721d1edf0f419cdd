"""Read one table file that ships with stackcheck."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from stackcheck.errors import TableError

FOLDER = Path(__file__).parent


def read_table(name: str) -> dict[str, Any]:
    """Read `tables/<name>.toml`.

    Raises TableError, naming the file, when it cannot be read or is not TOML.
    """
    path = FOLDER / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TableError(
            f"{path}: this table of stackcheck cannot be read ({error}); reinstall stackcheck"
        ) from None
