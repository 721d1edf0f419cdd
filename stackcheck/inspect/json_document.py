"""What `inspect` says to programs; its `schema_version` counts changes of this document alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.inspect.answer import gated
from stackcheck.inspect.diff_section import diff_data
from stackcheck.inspect.sizes import library_sizes, sizes
from stackcheck.report.jsonfile import verdict_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.inspect.answer import Answer
    from stackcheck.inspect.diff import Difference
    from stackcheck.inspect.inspection import Contents
    from stackcheck.inspect.judgement import Judged
    from stackcheck.inspect.serving import Cell, Row
    from stackcheck.inspect.sizes import Size
    from stackcheck.knowledge.gpus import Gpu

SCHEMA_VERSION = 2
"""1: libraries with `serves`, `sizes`, `loading`. 2: an answer for each GPU, every library with GPU code, its
package, targets and bytes, what was left out, and the difference from another target."""


def data(judged: Judged, difference: Difference | None = None, *, hashed: bool = False) -> dict[str, Any]:
    """Return the document; `hashed` adds the SHA-256 of files that lie on this machine."""
    contents = judged.contents
    asked = judged.gpus if judged.asked else ()
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "target": {"kind": contents.kind, "name": contents.name},
        "asked": judged.asked,
        "gate": {
            "at_least": judged.gate.at_least,
            "packages": list(judged.gate.packages),
            "ignored": list(judged.gate.ignored),
        },
        "gpus": [_answer(each) for each in judged.answers],
        "libraries": [_library(judged, row, hashed=hashed) for row in judged.rows],
        "sizes": [_size(row) for row in sizes((row.code for row in judged.rows), asked)],
        "loading": [verdict_out(verdict) for verdict in gated(contents, judged.gate).loading],
        "binaries": contents.binaries,
        "unreadable": [{"path": path, "error": error} for path, error in contents.unreadable],
        "skipped": list(contents.skipped),
        "left_out": list(contents.left_out),
    }
    if difference:
        document["diff"] = diff_data(difference)
    if hashed and (digest := _digest(Path(contents.name))):
        document["target"]["sha256"] = digest
    return document


def target_of(gpu: Gpu) -> dict[str, str]:
    """Return a GPU with what code has to be made for."""
    return {"name": gpu.name, "target": gpu.gfx or str(gpu.capability)}


def _answer(answer: Answer) -> dict[str, Any]:
    def rows(pairs: Sequence[tuple[Row, Cell]]) -> list[dict[str, str]]:
        return [{"path": row.path, "package": row.package.name, "how": cell.how, "reason": cell.reason}
                for row, cell in pairs]  # fmt: skip

    return {
        **target_of(answer.gpu),
        "answer": answer.word,
        "reason": answer.reason,
        "serving": answer.serving,
        "by_ptx": answer.by_ptx,
        "needs_driver": answer.needs_driver,
        "missed": rows(answer.missed),
        "weak": rows(answer.weak),
        "not_told": [row.path for row in answer.untold],
        "without_code": answer.without,
    }


def _library(judged: Judged, row: Row, *, hashed: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "path": row.path,
        "package": row.package.name,
        "version": row.package.version,
        "counts": judged.gate.counts(row.path, row.package),
        "targets": [_size(each) for each in library_sizes(row.code, judged.gpus if judged.asked else ())],
        "unread": list(row.code.unread),
        "serves": {gpu.name: _cell(cell) for gpu, cell in zip(judged.gpus, row.cells, strict=True)},
    }
    if hashed:
        document["sha256"] = _file_digest(judged.contents, row.path)
    return document


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "how": cell.how,
        "by": cell.by,
        "needs_driver": cell.needs_driver,
        "partial": cell.partial,
        "unseen": cell.unseen,
        "not_needed": cell.spared,
        "reason": cell.reason,
    }


def _size(row: Size) -> dict[str, Any]:
    """Return one row; `bytes` are those in the file, of HIP code (`unpacked`) those it unpacks to."""
    return {
        "code": row.code,
        "images": row.images,
        "bytes": row.bytes,
        "unpacked": row.unpacked,
        "unused_bytes": row.unused,
    }


def _file_digest(contents: Contents, path: str) -> str | None:
    """Return the SHA-256 of a library that is a file of its own here; None inside an archive or image."""
    places = [Path(path)] if contents.kind == "file" else [Path(root) / path for root in contents.roots]
    return next((digest for place in places if (digest := _digest(place))), None)


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
