"""Show that no row was lost when the tables were split by package and subject: moved_rows.py [COMMIT].

Every row of `stackcheck/knowledge/*.toml` at COMMIT (the last one that had them) is held against the rows
in `stackcheck/knowledge/told/`: the same keys and values, the same source texts, the same date, in the same
order within its kind and package. Prints how many rows there are, or each group that differs; exit code 1
for any.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).parent.parent
TOLD = ROOT / "stackcheck" / "knowledge" / "told"
BEFORE = "53fe6c3"
OTHER_NAMES = {("optional", "library"): "optional_library"}
"""Two tables had an array of the same name."""

Rows = dict[tuple[str, str], list[dict[str, Any]]]


def main(arguments: list[str]) -> int:
    """Compare and say."""
    commit = arguments[0] if arguments else BEFORE
    before, after = rows_before(commit), rows_after()
    differing = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    for kind, dist in differing:
        one, other = before.get((kind, dist), []), after.get((kind, dist), [])
        sys.stdout.write(f"{kind} {dist}: {len(one)} rows before, {len(other)} now, or not the same\n")
    counts = [sum(map(len, each.values())) for each in (before, after)]
    sys.stdout.write(f"{counts[0]} rows at {commit}, {counts[1]} now, {len(differing)} groups differ\n")
    return 1 if differing else 0


def rows_before(commit: str) -> Rows:
    """Return the rows of the tables of a commit by kind and package."""
    found: Rows = defaultdict(list)
    for name in _git("ls-tree", "--name-only", commit, "stackcheck/knowledge/").splitlines():
        if name.endswith(".toml"):
            document = tomli.loads(_git("show", f"{commit}:{name}"))
            stem = Path(name).stem
            _add(found, document, lambda kind, stem=stem: OTHER_NAMES.get((stem, kind), kind), "")
    return found


def rows_after() -> Rows:
    """Return the rows that stand in the files of packages and subjects."""
    found: Rows = defaultdict(list)
    for path in sorted(TOLD.glob("*.toml")):
        _add(found, tomli.loads(path.read_text(encoding="utf-8")), lambda kind: kind, path.stem)
    return found


def _add(found: Rows, document: dict[str, Any], name_of: Any, package: str) -> None:
    for array, rows in document.items():
        kind = name_of(array)
        for row in rows if isinstance(rows, list) else []:
            sources = [row["source"]] if isinstance(row["source"], str) else row["source"]
            whole = {
                **row,
                "source": [document.get("sources", {}).get(each, each) for each in sources],
                "checked": row.get("checked", document["checked"]),
            }
            key = "name" if kind == "companion" else "dist"
            if package and kind in BY_PACKAGE:
                whole.setdefault(key, package)
            of = whole.get(key, "") if kind in BY_PACKAGE else whole.get("wheel", "")
            found[kind, str(of)].append(whole)


BY_PACKAGE = frozenset(
    {
        *("asserted", "build_trap", "built_cuda", "cmake_file", "companion", "declared", "defective"),
        *("gpu_libraries", "kernels", "library", "needs_glibc", "newest", "numpy_api", "partly"),
        *("requirement", "toolkit_trap", "torch_import"),
    }
)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S607
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
