"""What uv's lock does not say: the index of each package, and what it drew in."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.lock import Origin
from stackcheck.model.redact import without_userinfo
from stackcheck.resolve.uvinput import PROJECT
from stackcheck.resolve.uvrun import project_folder
from stackcheck.storage.folders import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.resolve.asking import Asker
    from stackcheck.resolve.uvinput import UvInput


def origins_of(asked: UvInput, lock: str, asker: Asker) -> dict[str, Origin]:
    """Ask uv once more, from its cache alone, for what its lock does not say: indexes and dependencies.

    They follow from the question and the files chosen, so the same lock is asked about only once.
    """
    folder, environ = asker.options.cache_folder, asker.options.environ
    settings = [Path(each.partition("=")[2]).read_bytes() for each in settings_files(environ)]
    subject = (asked.project, asked.args, asked.honoured, settings, lock)
    key = hashlib.sha256(repr(subject).encode()).hexdigest()
    kept = project_folder(folder, asked.project) / "origins.json"
    if (known := _kept_origins(kept, key)) is not None:
        return known
    args = (*asked.args, "--emit-index-annotation", "--annotation-style", "split", "--no-strip-extras")
    if "--offline" not in args:
        args = (*args, "--offline")
    answer = asker.compile(asked, args, "requirements.txt")
    if answer.code:
        return {}
    found = read_annotations(answer.stdout)
    rows = {name: [origin.index, list(origin.requires)] for name, origin in found.items()}
    with suppress(OSError):
        write_atomically(kept, json.dumps({"key": key, "origins": rows}).encode(), mode=0o600)
    return found


def settings_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the settings files that uv reads on this machine, as `uv.toml=PATH`.

    Source: https://docs.astral.sh/uv/concepts/configuration-files/, checked 2026-11-20.
    """
    home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    files = (Path(home) / "uv" / "uv.toml", Path("/etc/uv/uv.toml"))
    return tuple(f"uv.toml={file}" for file in files if file.is_file() and os.access(file, os.R_OK))


def _kept_origins(path: Path, key: str) -> dict[str, Origin] | None:
    """Return what was kept for this very lock; None when there is nothing, or it is damaged."""
    try:
        kept = json.loads(path.read_bytes())
        if kept["key"] != key:
            return None
        return {str(name): Origin(str(index), tuple(map(str, requires)))
                for name, (index, requires) in kept["origins"].items()}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def read_annotations(text: str) -> dict[str, Origin]:
    """Read uv's comments: `# from URL`, and `# via NAME` turned around into what NAME requires."""
    index: dict[str, str] = {}
    requires: dict[str, list[str]] = defaultdict(list)
    name, via = "", False
    for line in text.splitlines():
        words = line.strip().lstrip("# ").split()
        if not line.startswith((" ", "#")) and "==" in line:
            name, via = re.split(r"[=\[]", line, maxsplit=1)[0], False
        elif words[:1] == ["from"] and len(words) > 1:
            index[name], via = without_userinfo(words[1]), False
        elif words[:1] == ["via"] or (via and words):
            via = True
            parent = words[-1] if words[0] == "via" else words[0]
            if parent not in ("via", PROJECT) and not parent.startswith("("):
                requires[parent.partition("[")[0]].append(name)
    names = {*index, *requires}
    return {each: Origin(index.get(each, ""), tuple(sorted(set(requires[each])))) for each in names if each}
