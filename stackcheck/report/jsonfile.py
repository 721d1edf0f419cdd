"""Reports as JSON, and back: one document holds one or many, and a JSON Schema ships beside this file."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from stackcheck import __version__
from stackcheck.errors import ReportError
from stackcheck.report.escape import one_line
from stackcheck.report.model import SCHEMA_VERSION, Hashes, Report, Subject
from stackcheck.verdict import Evidence, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def to_json(reports: Sequence[Report]) -> str:
    """Return the document, ASCII only, so that nothing in it can act on a terminal that shows it.

    `result`, `counts`, `exit_code` and `as_expected` repeat what follows from the verdicts, for readers that
    do not want to compute it; they are not read back.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "stackcheck", "version": __version__},
        "reports": [_report_out(report) for report in reports],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _report_out(report: Report) -> dict[str, Any]:
    return {
        "stack": report.stack,
        "file": report.file,
        "summary": report.summary,
        "command": report.command,
        "tool_version": report.tool_version,
        "started": report.started,
        "seconds": report.seconds,
        "result": report.result.name if report.result is not None else None,
        "counts": {outcome.name: count for outcome, count in report.counts.items()},
        "exit_code": report.exit_code(),
        "expect": report.expect,
        "expect_codes": list(report.expect_codes),
        "as_expected": report.as_expected,
        "subject": dataclasses.asdict(report.subject),
        "hashes": dataclasses.asdict(report.hashes),
        "verdicts": [verdict_out(verdict) for verdict in report.verdicts],
        "resolution": dict(report.resolution),
        "observation": _finite(report.observation),
    }


def _finite(value: Any) -> Any:
    """Spell NaN and infinities as text, because JSON has none; a probe's sums may hold them."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def verdict_out(verdict: Verdict) -> dict[str, Any]:
    """Return one verdict as it stands in the document."""
    row = {**dataclasses.asdict(verdict), "outcome": verdict.outcome.name}
    return {key: value for key, value in row.items() if key in schema()["$defs"]["verdict"]["properties"]}


def from_json(text: str, *, source: str = "the report") -> tuple[Report, ...]:
    """Read a document that `to_json` wrote.

    Raises ReportError, naming `source` and the place in it, when the text is no JSON, is of another schema
    version, or does not match the schema.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{source}: this is no JSON: {one_line(error)}") from None
    _require_version(document, source)
    _require_schema(document, source)
    return tuple(_report_in(row) for row in document["reports"])


def _require_version(document: Any, source: str) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise ReportError(
            f"{source}: schema_version is {one_line(json.dumps(version), 40)}, this stackcheck reads "
            f"{SCHEMA_VERSION}; give a file that `stackcheck check` or `verify` wrote with --format json"
        )


def _require_schema(document: Any, source: str) -> None:
    import jsonschema  # noqa: PLC0415 - 0.1 s to import, and only reading a file needs it

    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema()).iter_errors(document))
    if fault is not None:
        where = one_line(fault.json_path, 120)
        raise ReportError(f"{source}: {where}: {one_line(fault.message, 200)}")


@functools.cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    text = files("stackcheck.report").joinpath("schema.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _report_in(row: Mapping[str, Any]) -> Report:
    return Report(
        stack=row["stack"],
        verdicts=tuple(_verdict_in(each) for each in row["verdicts"]),
        file=row["file"],
        summary=row["summary"],
        command=row["command"],
        subject=Subject(**row["subject"]),
        started=row["started"],
        seconds=row["seconds"],
        expect=row["expect"],
        expect_codes=tuple(row["expect_codes"]),
        resolution=row["resolution"],
        observation=row["observation"],
        hashes=Hashes(**row["hashes"]),
        tool_version=row["tool_version"],
    )


def _verdict_in(row: Mapping[str, Any]) -> Verdict:
    evidence = tuple(Evidence(**each) for each in row["evidence"])
    return Verdict(**{**row, "outcome": Outcome[row["outcome"]], "evidence": evidence})
