"""Read a drift document that `stackcheck drift --format json` wrote. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stackcheck.drift.rendering import SCHEMA_VERSION
from stackcheck.drift.report import DriftReport
from stackcheck.model.errors import ReportError
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_DERIVED = ("counts", "exit_code")


def is_drift(document: Any) -> bool:
    """Tell a drift document from one of reports, by its own key."""
    return isinstance(document, dict) and "drifts" in document


def drifts_of(document: Mapping[str, Any], source: str) -> tuple[DriftReport, ...]:
    """Return the drift reports of a parsed document.

    Raises ReportError, naming `source` and the place in it, for another schema version and for rows that do
    not match the types.
    """
    version = document.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ReportError(
            f"{source}: schema_version is {one_line(json.dumps(version), 40)}, this stackcheck reads drift "
            f"documents of version {SCHEMA_VERSION}; give a file that `stackcheck drift --format json` wrote."
        )
    rows, tool = document["drifts"], document.get("tool")
    if not isinstance(rows, list):
        raise ReportError(f"{source}: $.drifts: a list of drift reports has to stand here.")
    made = str(tool.get("version", "")) if isinstance(tool, dict) else ""
    return tuple(_report(row, made, f"{source}: $.drifts[{number}]") for number, row in enumerate(rows))


def _report(row: Any, tool_version: str, where: str) -> DriftReport:
    from pydantic import ConfigDict, TypeAdapter, ValidationError  # noqa: PLC0415 - 80 ms, and only to read

    if not isinstance(row, dict):
        raise ReportError(f"{where}: an object has to stand here.")
    kept = {key: value for key, value in row.items() if key not in _DERIVED}
    kept |= {"cve_same": kept.pop("vulnerabilities_same", None), "tool_version": tool_version}
    if isinstance(kept.get("changes"), list):
        kept["changes"] = [_change(each) for each in kept["changes"]]
    adapter = TypeAdapter(tuple[DriftReport, ...], config=ConfigDict(extra="forbid"))
    try:
        return adapter.validate_python([kept])[0]
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        keys = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in fault["loc"][1:])
        text = f"{fault['msg'][:1].lower()}{fault['msg'][1:]}"
        raise ReportError(f"{where}{one_line(keys, 120)}: {one_line(text, 200)}.") from None


def _change(row: Any) -> Any:
    """Give the class of a change the name that it has here."""
    if not isinstance(row, dict):
        return row
    return {"rank" if key == "class" else key: value for key, value in row.items()}
