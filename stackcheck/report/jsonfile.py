"""Reports as JSON, and back: one document holds one or many. The types are the schema, read by pydantic.

pydantic is imported when a document is written or read: most commands do neither.
"""

from __future__ import annotations

import functools
import json
import math
import re
from dataclasses import asdict, dataclass, fields, make_dataclass
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from stackcheck import __version__
from stackcheck.model.errors import ReportError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.report import SCHEMA_VERSION, Report
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.report.wording import NOTHING
from stackcheck.storage.parsing import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import TypeAdapter

_READ = (1, SCHEMA_VERSION)
"""Versions of the document that can be read."""
_LEVELS_OF_1 = {"1": Level.STATED, "2": Level.RESOLVED, "3": Level.RUN, "4": Level.GPU}
"""The level that the hundreds digit of a code meant in version 1 of the document."""
_CODE = re.compile(r"[A-Z]+[0-9]{3}")


@dataclass(frozen=True, slots=True)
class ReachRow:
    """How far the run came: the level, and for each level above the reason why it was not reached."""

    level: Level | None
    unreached: dict[Level, str]


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from the verdicts, for readers that do not want to compute it; it is not read back."""

    result: str
    """PASS, WARN, FAIL, ERROR, or NOTHING when not one check was made; a SKIP never leads."""
    reach: ReachRow
    counts: dict[Outcome, int]
    exit_code: int
    """Of this report alone, without --strict and --require: 0, 1 or 3."""
    as_expected: bool


_STORED = tuple(field.name for field in fields(Report))
_DERIVED = tuple(field.name for field in fields(Derived))


def to_json(reports: Iterable[Report]) -> str:
    """Return the document, ASCII only, so that nothing in it can act on a terminal that shows it."""
    return "".join(json_chunks(reports))


def json_chunks(reports: Iterable[Report]) -> Iterator[str]:
    """Yield the document in pieces, a report at a time, so that nobody has to hold them all."""
    tool = json.dumps({"name": "stackcheck", "version": __version__})
    yield f'{{\n  "schema_version": {SCHEMA_VERSION},\n  "tool": {tool},\n  "reports": ['
    before = "\n    "
    for report in reports:
        yield before + report_text(report)
        before = ",\n    "
    yield "\n  ]\n}\n"


def report_text(report: Report) -> str:
    """Return one report as it stands in the document."""
    more = derived(report)
    row = {name: getattr(report, name) for name in _STORED}
    row |= {name: getattr(more, name) for name in _DERIVED} | {"observation": _finite(report.observation)}
    adapter = _adapter("row")
    try:
        text = adapter.dump_json(_row_type()(**row), indent=2, ensure_ascii=True).decode("ascii")
        text = text.replace("\x7f", "\\u007f")  # ASCII, and yet a control character
    except ValueError:  # text that is not UTF-8, such as a file's name: pydantic writes none, JSON can
        text = json.dumps(adapter.dump_python(_row_type()(**row)), indent=2)
    return text.replace("\n", "\n    ")


def derived(report: Report) -> Derived:
    """Return what follows from the verdicts."""
    reach = report.reach
    result = NOTHING if report.result is None else report.result.word
    return Derived(
        result,
        ReachRow(reach.level, dict(reach.unreached)),
        report.counts,
        report.exit_code(),
        report.as_expected,
    )


def _finite(value: Any) -> Any:
    """Spell NaN and infinities as text, because JSON has none; a probe's sums may hold them."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def verdict_out(verdict: Verdict) -> dict[str, Any]:
    """Return one verdict as it stands in the document."""
    return asdict(verdict) | {"outcome": verdict.outcome.word, "level": verdict.level.word}


def from_json(text: str, *, source: str = "the report") -> tuple[Report, ...]:
    """Read a document that `to_json` wrote, of this version or of version 1.

    Raises ReportError, naming `source` and the place in it, when the text is not JSON, is of another schema
    version, or does not match the types.
    """
    try:
        document = parse_json(text, source)
    except UsageError as error:
        raise ReportError(str(error)) from None
    return reports_of(document, source)


def reports_of(document: Any, source: str) -> tuple[Report, ...]:
    """Return the reports of a parsed document; raises ReportError as `from_json` does."""
    rows = _rows(document, source)
    return tuple(_report_in(row, number, source) for number, row in enumerate(rows))


def _rows(document: Any, source: str) -> list[Any]:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in _READ or isinstance(version, bool):
        raise ReportError(
            f"{source}: schema_version is {one_line(json.dumps(version), 40)}, this stackcheck reads "
            f"{' and '.join(map(str, _READ))}; give a file that `stackcheck check` or `verify` wrote with "
            "--format json."
        )
    surplus = sorted(document.keys() - {"schema_version", "tool", "reports"})
    if surplus:
        raise ReportError(f"{source}: $: {one_line(repr(surplus[0]), 80)} is not a key of a report.")
    rows = document.get("reports")
    if not isinstance(rows, list):
        raise ReportError(f"{source}: $.reports: a list of reports has to stand here.")
    return [_of_version_1(row) for row in rows] if version == 1 else rows


def _of_version_1(row: Any) -> Any:
    """Give the verdicts of a report of version 1 their level; what has another form is left for the types."""
    verdicts = row.get("verdicts") if isinstance(row, dict) else None
    if not isinstance(verdicts, list):
        return row
    return row | {"verdicts": [_with_level(verdict) for verdict in verdicts]}


def _with_level(verdict: Any) -> Any:
    code = verdict.get("code") if isinstance(verdict, dict) else None
    level = _LEVELS_OF_1.get(code[-3:-2]) if isinstance(code, str) else None
    return verdict if level is None else verdict | {"level": level.word}


def _report_in(row: Any, number: int, source: str) -> Report:
    from pydantic import ValidationError  # noqa: PLC0415 - see the module

    if isinstance(row, dict):
        row = {key: value for key, value in row.items() if key not in _DERIVED}
    try:
        report: Report = _adapter("report").validate_python([row])[0]
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        keys = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in fault["loc"][1:])
        place = one_line(f"$.reports[{number}]{keys}", 120)
        found = f" (found {one_line(repr(fault['input']), 80)})" if fault["type"] != "missing" else ""
        told = "unknown key" if fault["type"] == "unexpected_keyword_argument" else fault["msg"]
        text = f"{told[:1].lower()}{told[1:]}{found}"
        raise ReportError(f"{source}: {place}: {one_line(text, 300)}.") from None
    for index, verdict in enumerate(report.verdicts):
        if not _CODE.fullmatch(verdict.code):
            where = f"$.reports[{number}].verdicts[{index}].code"
            raise ReportError(f"{source}: {where}: {one_line(repr(verdict.code), 60)} is not a rule's code.")
    return report


@functools.cache
def _row_type() -> type[Any]:
    """Return a report as it stands in the document: what is stored, and what follows from it."""
    types = get_type_hints(Report) | get_type_hints(Derived)
    long = ("verdicts", "resolution", "observation")  # what is short stands first
    return make_dataclass("ReportRow", [*((key, types[key]) for key in types if key not in long),
                                        *((key, types[key]) for key in long)])  # fmt: skip


@functools.cache
def _adapter(what: Literal["row", "report"]) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter  # noqa: PLC0415 - see the module

    if what == "row":
        return TypeAdapter(_row_type())
    return TypeAdapter(tuple[Report, ...], config=ConfigDict(extra="forbid"))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document, made from the types that write it."""
    from stackcheck.report.schemas import document_schema  # noqa: PLC0415 - see the module

    return document_schema(
        "stackcheck report",
        "What `stackcheck check`, `verify` and `probe` write with --format json.",
        SCHEMA_VERSION,
        {"reports": tuple[_row_type(), ...]},  # type: ignore[misc]
    )
