"""Read pip's requirement files, constraint files, `pip freeze` and `pip list`: lines to statements.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/. Lines and
options are split by pip-requirements-parser, which is pip's own parser without pip.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.intake.stated import Found, Open, Place, Stated, found_of, package, required
from stackcheck.model.errors import UsageError
from stackcheck.model.redact import without_userinfo
from stackcheck.storage.confinement import real_path
from stackcheck.storage.reading import read_text, stands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KIND = "requirements file"
_LONGEST = 10_000
"""Characters of a line: pip-requirements-parser takes the square of it in time."""
CONSTRAINTS = "constraints file"
_DEEPEST = 8
_PLAIN = re.compile(
    r"\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?<!\.whl)(?<!\.zip)(?<!\.gz)\s*(?:\[[\w\s,.-]*\])?"
    r"\s*(?:[=<>!~][=<>!~\w\s.,*+]*)?(?:;[^#\\$]*)?)(?:\s#.*)?$"
)
"""A name with extras, versions and a marker; no option, address, path, variable or continued line."""
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_LISTED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)\s+(?P<version>\d\S*)(?:\s+(?P<where>[/~.].*))?$")
_INDEX = {"index_url": "index.url", "extra_index_urls": "index.extra", "find_links": "index.find_links"}
_HARMLESS = {
    "pre", "prefer_binary", "require_hashes", "trusted_hosts", "use_features", "no_index", "hash_options",
}  # fmt: skip


def read(path: Path, shown: str) -> Found:
    """Read a requirement file and those that it names by -r and -c.

    Raises UsageError for a file that is named and cannot be read.
    """
    return found_of(KIND, shown, _of_file(path, shown, ()))


def read_lines(
    text: str, shown: str, line: int | Sequence[int] = 0, folder: Path | None = None
) -> Iterator[Stated | Open]:
    """Read the text of a requirement file.

    `line` is where it stands when it is a part of another file: one number, or one for each of its lines.
    """
    folder = folder or Path()
    for number, each in enumerate(text.split("\n"), 1):
        if len(each) > _LONGEST:
            raise UsageError(f"{shown}:{line or number}: this line is longer than any requirement.")

    def place(number: int | None) -> Place:
        own = number or 0
        if isinstance(line, int):
            return Place(shown, line or own)
        return Place(shown, line[own - 1] if 0 < own <= len(line) else 0)

    plain, rest = _plain(_without_list_header(text))
    rows: list[Any] = [*plain]
    if rest.strip():
        parsed = _parsed(re.sub(r"[ \t]{2,}", " ", rest))  # its patterns take long over many blanks
        rows += [*parsed.requirements, *parsed.options, *parsed.invalid_lines]
    for row in sorted(rows, key=_number):
        if isinstance(row, tuple):
            yield required(row[1], place(row[0]))
        else:
            yield from _row(row, place(row.line_number), folder)


def _plain(text: str) -> tuple[list[tuple[int, Requirement]], str]:
    """Take the lines out of a text that are a requirement and nothing else; blank lines stay for them.

    They need no parser of pip's, which takes 0.05 s to import and a good part of a millisecond a line.
    """
    lines = text.split("\n")
    found: list[tuple[int, Requirement]] = []
    for number, line in enumerate(lines):
        continued = number > 0 and lines[number - 1].endswith("\\")
        match = None if continued else _PLAIN.match(" ".join(line.split()))
        if match is None:
            continue
        try:
            found.append((number + 1, Requirement(match[1])))
        except InvalidRequirement:
            continue  # pip knows older forms of versions
        lines[number] = ""
    return found, "\n".join(lines)


def _number(row: Any) -> int:
    return row[0] if isinstance(row, tuple) else row.line_number or 0


def _of_file(path: Path, shown: str, parents: tuple[Path, ...]) -> Iterator[Stated | Open]:
    yield from _nested(read_text(path), path, shown, (*parents, real_path(path)))


def _nested(text: str, path: Path, shown: str, parents: tuple[Path, ...]) -> Iterator[Stated | Open]:
    for each in read_lines(text, shown, folder=path.parent):
        if isinstance(each, Stated) and each.key in {"-r", "-c"}:
            yield from included(each, path.parent, shown, parents)
        else:
            yield each


def included(
    each: Stated, folder: Path, shown: str, parents: tuple[Path, ...] = ()
) -> Iterator[Stated | Open]:
    """Yield what the file says that `-r FILE` or `-c FILE` names; of a constraint file, constraints."""
    inner = folder / each.value
    if "://" in each.value:
        yield Open(f"{each.key} {without_userinfo(each.value)} is not fetched.", each.place)
    elif real_path(inner) in parents or len(parents) > _DEEPEST:
        yield Open(f"{each.key} {each.value} leads back to a file that is being read.", each.place)
    elif not stands(inner):
        raise UsageError(f"{each.place}: {each.key} {without_userinfo(each.value)}: there is no such file.")
    else:
        inside = _of_file(inner, str(Path(shown).parent / each.value), parents)
        yield from inside if each.key == "-r" else map(_as_constraint, inside)


def as_constraints(found: Found) -> Found:
    """Return what a requirement file says as the constraints that it is."""
    return found_of(CONSTRAINTS, found.file, (*map(_as_constraint, found.stated), *found.open))


def _as_constraint(each: Stated | Open) -> Stated | Open:
    if isinstance(each, Open) or not each.key.startswith("packages."):
        return each
    name, version = each.key.removeprefix("packages."), each.value["version"]
    if version == "latest":
        return Open(f"the constraint on {name} states no version.", each.place)
    marker = each.value.get("marker")
    text = f"{name}{version if version[0] in '<>=!~' else f'=={version}'}"
    return Stated("constraints", f"{text} ; {marker}" if marker else text, each.place)


def _parsed(text: str) -> Any:
    """Return what pip-requirements-parser makes of a text; it reads files alone."""
    from pip_requirements_parser import RequirementsFile  # noqa: PLC0415 - 0.1 s that most commands do without

    with tempfile.TemporaryDirectory(prefix="stackcheck-") as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text(text, encoding="utf-8")
        return RequirementsFile.from_file(str(path), include_nested=False)


def _row(row: Any, place: Place, folder: Path) -> Iterator[Stated | Open]:
    if hasattr(row, "error_message"):
        yield from _invalid(row.line.strip(), place)
    elif hasattr(row, "options"):
        for name, value in row.options.items():
            yield from _option(name, value, place)
    else:
        yield from _requirement(row, place, folder)


def _invalid(line: str, place: Place) -> Iterator[Open]:
    if named := _VARIABLE.search(line):
        yield Open(f"the variable {named[0]} is not known here, so {_cut(line)} was not read.", place)
    else:
        yield _refused(line, place)


def _refused(line: str, place: Place) -> Open:
    return Open(f"{_cut(line)} is not a requirement that pip takes.", place, "refused")


def _cut(text: str) -> str:
    shown = without_userinfo(text)
    return repr(shown if len(shown) <= 80 else f"{shown[:77]}...")


def _option(name: str, value: Any, place: Place) -> Iterator[Stated | Open]:
    values = value if isinstance(value, list) else [value]
    if name in _INDEX:
        yield from (Stated(_INDEX[name], each, place) for each in values)
    elif name in {"requirements", "constraints"}:
        yield from (Stated("-r" if name == "requirements" else "-c", each, place) for each in values)
    elif name == "only_binary":
        if ":all:" in values:
            yield Stated("source_builds", "forbid", place)
        else:
            yield Open(
                f"--only-binary {', '.join(map(str, values))} is taken as a wish of pip's alone.", place
            )
    elif name == "no_binary":
        yield from _no_binary(values, place)
    elif name not in _HARMLESS:
        yield Open(f"--{name.replace('_', '-')} was not read.", place)


def _no_binary(values: list[Any], place: Place) -> Iterator[Stated | Open]:
    for value in values:
        if value == ":all:":
            yield Open("--no-binary :all: builds every package from source; that is not judged.", place)
        elif value != ":none:":
            yield Stated(f"packages.{canonicalize_name(str(value))}", {"from": "source"}, place)


def _requirement(row: Any, place: Place, folder: Path) -> Iterator[Stated | Open]:
    url = row.link.url if row.link else ""
    if row.is_editable or not row.name:
        yield from _local(row, url, place, folder)
    elif url:
        yield from _direct(row, url, place)
    else:
        try:
            marker = {"marker": str(row.marker)} if row.marker else {}
            yield required(Requirement(str(row.req)), place, **marker)
        except InvalidRequirement:
            yield _refused(row.line, place)


def _direct(row: Any, url: str, place: Place) -> Iterator[Stated | Open]:
    address = _EGG.sub("", url).rstrip("#")
    kind = "git" if address.startswith("git+") else "path" if address.startswith("file:") else "url"
    marker = str(row.marker) if row.marker else None
    if "://" not in address and not address.startswith("file:"):
        kind = "path"
    yield package(row.name, place, extras=sorted(row.extras), marker=marker, **{kind: address})


def _local(row: Any, url: str, place: Place, folder: Path) -> Iterator[Stated | Open]:
    egg = _EGG.search(url)
    if egg:
        yield from _direct_named(egg[1], url, row, place)
        return
    where = folder / (url.removeprefix("file:").partition("#")[0].split("[")[0] or ".")
    what = (
        "the project itself"
        if url.split("[", maxsplit=1)[0].rstrip("/") in {"", "."}
        else f"the project in {url}"
    )
    files = ("pyproject.toml", "setup.cfg", "setup.py")
    known = next((name for name in files if (where / name).is_file()), "") if "://" not in url else ""
    if known:
        yield Open(f"{what} is installed too: its requirements stand in {known}.", place)
    else:
        yield Open(f"{_cut(row.line)} names no distribution, so what it requires was not read.", place)


def _direct_named(name: str, url: str, row: Any, place: Place) -> Iterator[Stated]:
    address = _EGG.sub("", url).rstrip("#")
    kind = "git" if address.startswith("git+") else "url" if "://" in address else "path"
    yield package(name, place, extras=sorted(row.extras or ()), **{kind: address})


def _without_list_header(text: str) -> str:
    """Turn what `pip list` prints into lines of a requirement file; return other texts as they are."""
    lines = text.split("\n")
    if not (lines[0].split()[:2] == ["Package", "Version"] and len(lines) > 1 and lines[1].startswith("---")):
        return text
    return "\n".join(["", "", *map(_listed, lines[2:])])


def _listed(line: str) -> str:
    match = _LISTED.match(line.rstrip())
    return f"{match['name']}=={match['version']}" if match else ""
