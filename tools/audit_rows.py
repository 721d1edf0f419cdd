"""Draw rows of what ships by a seed, with their sources, for a second reading: audit_rows.py [N] [--seed N].

Whoever reads them did not write them: each row is held against its source, which the last two columns tell:
`right`, `wrong`, `source` (right, and the source does not say it) or `lost` (the source cannot be read), and
what was read where. The same seed draws the same rows of the same knowledge; the seed of an audit is its day
(20261130). Rows of told/ alone are drawn, each with the same chance: those of measured/ are read again by
rebuild_knowledge.py.

    python tools/audit_rows.py 100 --seed 20261130 > docs/audit-2026-11-30.md
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.knowledge.checking import can_be_found
from stackcheck.knowledge.dated import files_of
from stackcheck.knowledge.folders import SHIPPED, TOLD, Folder
from stackcheck.knowledge.reading import Where, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# Rows of told/ for a second reading

{drawn} of {all} rows, drawn by `python tools/audit_rows.py {drawn} --seed {seed}` from the knowledge of
commit {commit}. Lines are those of that commit, below `stackcheck/knowledge/`. Verdicts:
`right`, `wrong`, `source` (right, and the source does not say it), `lost` (the source cannot be read). The
last column says what was read, and where.

| # | row | says | source | verdict | read |
|---|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Print the table; exit code 1 where a source could not be found by a stranger."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d}"))
    parser.add_argument("--folder", type=Path, default=SHIPPED)
    args = parser.parse_args(arguments)
    found = list(every(args.folder))
    drawn = random.Random(args.seed).sample(found, min(args.rows, len(found)))  # noqa: S311 - an audit
    sys.stdout.write(HEAD.format(drawn=len(drawn), all=len(found), seed=args.seed, commit=_commit()))
    for number, (where, says, source) in enumerate(sorted(drawn), 1):
        sys.stdout.write(f"| {number} | {where} | {_cell(says)} | {_cell(source)} | | |\n")
    lost = [where for where, _, source in drawn if not can_be_found(source)]
    return 1 if lost else 0


def every(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield place, content and source text of each row."""
    for path in files_of(Folder(folder)):
        if path.parent.name != TOLD:
            continue
        document = read_document(path)
        for kind, rows in document.arrays.items():
            for number, row in enumerate(rows, 1):
                line = Where(path, kind, number).line()
                yield f"{path.relative_to(folder)}:{line}", _says(kind, row), _source(document, row)


def _says(kind: str, row: dict[str, Any]) -> str:
    told = ", ".join(f"{key} = {value}" for key, value in row.items() if key not in {"source", "checked"})
    return f"{kind}: {told}"


def _source(document: Any, row: dict[str, Any]) -> str:
    stated = row["source"]
    keys = [stated] if isinstance(stated, str) else stated
    text = "; ".join(document.sources.get(key, key) for key in keys)
    for key, value in {"dist": document.stem, "name": document.stem, **row}.items():
        text = text.replace(f"{{{key}}}", str(value))
    return text


def _commit() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:600]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
