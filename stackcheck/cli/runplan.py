"""The plan of `verify` as a document: what it would download, build and run, stack by stack."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackcheck.report.document import Document, Lines, Section, Table
from stackcheck.report.wording import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.steps.planning import Planned

SCHEMA_VERSION = 1


def document(plans: Sequence[Planned]) -> Document:
    """Return the plans as a document; nothing in it is a verdict."""
    table = Table(
        ("stack", "engine", "packages", "to download", "last time"), tuple(map(_cells, plans)), right=2
    )
    told = tuple(f"{each.stack}: {_does(each)}" for each in plans)
    sections = (
        Section(name="the plan", headline=_sum(plans), parts=(table,)),
        Section(title="stacks", parts=(Lines(told),)),
    )
    return Document(sections, lambda: _data(plans))


def _sum(plans: Sequence[Planned]) -> str:
    there, most = sum(bool(each.ready) for each in plans), sum(each.download_bytes for each in plans)
    words = [plural(len(plans), "stack")]
    words += [f"{there} built already"] if there else []
    words += [f"at most {size(most)} to download (what is cached is not downloaded again)"] if most else []
    return f"{', '.join(words)}; nothing was done."


def _cells(each: Planned) -> tuple[str, ...]:
    unknown = f" and {plural(each.unknown, 'file')} of unknown size" if each.unknown else ""
    download = f"{size(each.download_bytes)}{unknown}" if each.packages else ""
    last = f"{duration(each.last.seconds)} ({each.last.when[:10]})" if each.last else ""
    return (each.stack, each.engine, str(each.packages or ""), download, last)


def _does(each: Planned) -> str:
    return f"{each.does}: {each.ready}." if each.ready else f"{each.does}."


def _data(plans: Sequence[Planned]) -> dict[str, Any]:
    rows = [asdict(each) | {"last": dict(each.last._asdict()) if each.last else None} for each in plans]
    return {"schema_version": SCHEMA_VERSION, "plans": rows}
