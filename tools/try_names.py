"""Import pairs of packages that the rows of `names/` speak of, to see whether the rows are right.

    python tools/try_names.py --python base/bin/python --choose 45 > pairs.json      # which pairs
    python tools/try_names.py --python base/bin/python pairs.json > tried.md

`--python` is that of an environment with a torch of its own and what packages need beside each other; a
pair is installed into a folder before it, with what both require but torch, for a row is about releases
that METADATA admits beside each other; it is imported in a fresh process, and the folder deleted. A pair
that fails for another reason than a missing name of its target decides nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from stackcheck import knowledge
from stackcheck.rules.requirements.stated_imports import package_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DROPPED = ("torch", "torchvision", "torchaudio", "triton", "nvidia-cublas-cu12", "bitsandbytes", "deepspeed")
_COMPILED = frozenset(("numpy", "torch", "torchaudio", "torchvision", "tokenizers"))
_NOT_HERE = frozenset(("vllm", "sglang", "lmdeploy", "dgl", "mmcv", "mmcv-full", "fairseq", "deepspeed"))
"""Packages that do not install or import without a GPU or a compiler."""
_NAMED = re.compile(r"cannot import name '([^']+)' from '([^']+)'|No module named '([^']+)'"
                    r"|module '?([\w.]+)'? has no attribute '([^']+)'")  # fmt: skip
HERE = Version("2.13.0")
_SECONDS = 400


def chosen(most: int) -> list[dict[str, str]]:
    """Return pairs that the rows call broken, and pairs that no row speaks of, of every package in turn."""
    table = knowledge.load().names
    bad: dict[str, list[dict[str, str]]] = {}
    good: dict[str, list[dict[str, str]]] = {}
    for name in sorted(table.packages - _NOT_HERE):
        known = table.of(name)
        for row in known.rows:
            root = "pyannote.audio" if name == "pyannote-audio" else package_of(row.at)
            pair = {"package": name, "target": row.target, "root": root}
            lacking = dict.fromkeys(row.lacking) if row.target not in _COMPILED else ()
            if row.target == "torch" and row.reaches(HERE):
                lacking = (HERE,)
            for of in () if row.module else lacking:
                bad.setdefault(name, []).append(
                    {**pair, "version": row.last, "of": str(of), "what": row.what}
                )
            free = known.free_of(row.target, row.lacking[1], Version(row.last))
            for version, of in ((row.last, row.nearest), (free, str(row.lacking[1]))):
                about = known.about(Version(str(version))) if version and of else ()
                if version and of and row.target not in _COMPILED:
                    spoken = any(each.target == row.target and each.reaches(Version(of)) for each in about)
                    if not spoken:
                        good.setdefault(name, []).append(
                            {**pair, "version": str(version), "of": of, "what": ""}
                        )
    return [*_in_turn(bad)][:most] + [*_in_turn(good)][:most]


def _in_turn(pairs: dict[str, list[dict[str, str]]]) -> Iterator[dict[str, str]]:
    """Yield the first pair of every package, then the second, each once."""
    seen: set[str] = set()
    for row in zip_longest(*pairs.values()):
        for pair in filter(None, row):
            key = f"{pair['package']} {pair['version']} {pair['target']} {pair['of']}"
            if key not in seen:
                seen.add(key)
                yield pair


def tried(pair: dict[str, str], python: str) -> dict[str, Any]:
    """Return a pair with what importing it said: "ok", the last line, or why it was not tried."""
    with tempfile.TemporaryDirectory(prefix="try-names-") as place:
        (Path(place) / "overrides.txt").write_text("".join(f"{n}; python_version < '3'\n" for n in DROPPED))
        folder = f"{place}/packages"
        install = ("uv", "pip", "install", "-q", "--python", python, "--target", folder, "--no-build")
        both = [f"{pair['package']}=={pair['version']}"]
        both += [] if pair["target"] in DROPPED else [f"{pair['target']}=={pair['of']}"]
        said = _run((*install, "--override", f"{place}/overrides.txt", *both), {})
        if said:
            return {**pair, "said": f"not installed: {said[-160:]}", "verdict": "undecided"}
        environ = {"PYTHONPATH": folder, "HOME": place, "CUDA_VISIBLE_DEVICES": ""}
        last = _run((python, "-W", "ignore", "-c", f"import {pair['root']}"), environ)
    sys.stderr.write(f"{pair}: {last or 'ok'}\n")
    return {**pair, "said": last[-200:] or "ok", "verdict": verdict(pair, last)}


def _run(command: tuple[str, ...], environ: dict[str, str]) -> str:
    """Return the last line of what a command that failed wrote; "" for one that did not fail."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}"
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return "" if done.returncode == 0 else (lines[-1] if lines else f"ended with {done.returncode}")


def verdict(pair: dict[str, str], last: str) -> str:
    """Return "right", "wrong" or "undecided" for what an import said."""
    found = _NAMED.search(last)
    named = [each for each in found.groups() if each] if found else []
    top = pair["what"].partition(":")[0].partition(".")[0] or pair["target"].replace("-", "_")
    of_target = any(each.partition(".")[0] == top for each in named)
    if pair["what"]:
        name = re.split("[:.]", pair["what"])[-1]
        if any(re.split("[.]", each)[-1] == name for each in named):
            return "right"
        return "wrong" if not last else "undecided"
    if not last:
        return "right"
    return "wrong" if of_target else "undecided"


def render(rows: list[dict[str, Any]], day: str) -> str:
    """Return the page: the ratio, and a line a pair."""
    lines = [
        "# Names that packages import, and what importing them said",
        "",
        "NEEDS103 and NEEDS301 say, from files alone, that importing a package fails for want of a name of",
        "another. `python tools/measure_names.py` reads the releases on PyPI and writes the rows;",
        "`python tools/try_names.py` installs pairs that the rows call broken, and pairs that no row calls",
        "so, and imports them. A pair that fails for another reason before that decides nothing.",
        "",
        f"Tried on {day}, Python 3.11, torch 2.13.0:",
        "",
        "| | right | wrong | undecided |",
        "|---|---|---|---|",
    ]
    for title, is_bad in (("called broken", True), ("not called broken", False)):
        mine = [row["verdict"] for row in rows if bool(row["what"]) is is_bad]
        lines.append(
            f"| {title} | {' | '.join(str(mine.count(v)) for v in ('right', 'wrong', 'undecided'))} |"
        )
    lines += ["", "| package | beside | missing by the row | import | |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (f"{row['package']} {row['version']}", f"{row['target']} {row['of']}", row["what"] or "-",
                 row["said"].replace("|", "/"), row["verdict"])  # fmt: skip
        lines.append(f"| {' | '.join(re.sub(r'/[^ )]*/(?:site-)?packages/', '', cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Choose pairs, or try those of a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", nargs="?", type=Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--choose", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=3)
    options = parser.parse_args()
    if options.choose:
        sys.stdout.write(json.dumps(chosen(options.choose), indent=1) + "\n")
        return 0
    with ThreadPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(lambda pair: tried(pair, options.python), json.loads(options.pairs.read_text())))
    sys.stdout.write(render(rows, datetime.now(tz=UTC).date().isoformat()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
