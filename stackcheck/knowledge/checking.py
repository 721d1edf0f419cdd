"""Every fault of a folder of knowledge at once, for who edits it: each with file, line, and what to do.

Loading stops at the first fault of the kinds that it needs. This reads everything, and asks what loading has
no time for: whether two rows contradict each other, whether names are canonical, dates past, capabilities
real, and sources such that a stranger can find them.
"""

from __future__ import annotations

import re
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from stackcheck.knowledge import measured, names
from stackcheck.knowledge.folders import MEASURED, SHIPPED, TOLD, Folder
from stackcheck.knowledge.kinds import KINDS, kinds_in
from stackcheck.knowledge.reading import Row, every_fault, fault, read_document, read_rows
from stackcheck.knowledge.told import Told, agree, same_fact
from stackcheck.model.errors import TableError
from stackcheck.storage.confinement import real_path
from stackcheck.storage.reading import as_named
from stackcheck_probes.binaries.capability import Capability, Ptx, Sass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

_ADDRESS = re.compile(r"https?://\S+\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:ai|com|dev|gov|io|net|org|cn)(?:/\S|\b)")
_FILE = re.compile(
    r"\b[\w.*{}-]+\.(?:bat|c|cmake|cfg|cpp|cu|cuh|h|hpp|ini|js|json|md|nix|po|py|rst|sh|so|toml|txt|whl|yaml|yml)\b"
    r"|`[a-z][\w-]+ [^`]+`|\bMETADATA\b|\bWHEEL\b|\bDockerfile\b|\bREADME\b|\bnvcc\b|\bptxas\b"
    r"|\bfile names?\b|\bnames of (?:the )?files\b"
)
_VERSION = re.compile(
    r"@\s?[0-9a-f]{6,40}\b|@\s?[\w/.-]*\d|\bv?\d+\.\d+|\b[0-9a-f]{7,40}\b|#\d+|\b20\d\d-\d\d"
)


def faults(folder: Path, today: date, *, whole: bool = False) -> list[str]:
    """Return every fault of a folder, in the order of its files and lines.

    The rows are held against those that ship too, unless the folder is `whole`: read in their place.
    """
    ours = whole or real_path(folder) == real_path(SHIPPED)
    with every_fault() as found:
        readable = tuple(_readable(folder))
        place = Folder(folder, own=not ours)
        told = Told((place,) if ours else (Folder(SHIPPED), place))
        told.leave_out(place, readable)
        _by_tables(told)
        for path in readable:
            _by_file(path, today)
        for name in KINDS:
            _contradictions(name, readable)
        _by_measured(folder, today)
        _by_names(folder, today)
    return _in_order(found, folder)


def can_be_found(source: str) -> bool:
    """Tell whether a stranger can find a source: it has an address, or a file and its version."""
    return bool(_ADDRESS.search(source)) or bool(_FILE.search(source) and _VERSION.search(source))


def _in_order(found: Iterable[str], folder: Path) -> list[str]:
    """Return what is said of the files of a folder, each named as the user would, in the order of lines."""
    home, said = real_path(folder), set[tuple[str, int, str]]()
    for text in found:
        path, dot, rest = text.partition(".toml:")
        file = real_path(Path(path + dot.rstrip(":")))
        if dot and file.is_relative_to(home):
            line = rest.partition(":")[0]
            shown = as_named(file)
            said.add((shown, int(line) if line.isdigit() else 0, f"{shown}:{rest}"))
    return [text for _, _, text in sorted(said)]


def _readable(folder: Path) -> Iterator[Path]:
    """Yield the files of `told/` that can be parsed; name those that cannot, and what lies elsewhere."""
    for path in sorted(folder.glob("*.toml")):
        fault(f"{as_named(path)}:1: files of knowledge lie in {TOLD}/ and {MEASURED}/; move it there.")
    for path in sorted((folder / TOLD).glob("*.toml")):
        name = canonicalize_name(path.stem)
        if path.stem != name:
            fault(
                f"{as_named(path)}:1: this is not the canonical name of a package; rename it to {name}.toml."
            )
        try:
            read_document(path)
        except TableError as error:
            fault(str(error))
        else:
            yield path


def _by_tables(told: Told) -> None:
    """Prove the invariants of all tables, those that ship and what is added to them as a whole."""
    for module in sorted({kind.module for kind in KINDS.values()}):
        try:
            table = import_module(f"stackcheck.knowledge.{module}").load(told)
            for name in table.__struct_fields__:
                value = getattr(table, name)
                if hasattr(value, "values"):
                    list(value.values())
        except (TableError, ValueError) as error:
            fault(str(error))


def _by_file(path: Path, today: date) -> None:
    document = read_document(path)
    cited: set[str] = set()
    for name in set(kinds_in(path.stem)) & document.arrays.keys():
        for stated in (each.get("source", ()) for each in document.arrays[name]):
            cited |= {stated} if isinstance(stated, str) else set(map(str, stated))
        for row in _rows(name, path):
            _by_row(row, name, today)
    if document.checked > today:
        fault(f"{as_named(path)}:1: checked: {document.checked} is in the future.")
    for key in document.sources.keys() - cited:
        fault(f"{as_named(path)}:1: sources: no row cites {key!r}; remove it.")


def _rows(name: str, path: Path) -> tuple[Row, ...]:
    kind = KINDS[name]
    row_class = getattr(import_module(f"stackcheck.knowledge.{kind.module}"), kind.row)
    found: tuple[Row, ...] = read_rows(read_document(path), name, row_class, kind.named)
    return found


def _by_row(row: Row, name: str, today: date) -> None:
    if row.checked > today:
        fault(row.where.says("checked", f"{row.checked} is in the future"))
    if not can_be_found(row.source):
        says = f"a stranger cannot find {row.source[:120]!r}: name an address, or a file and its version"
        fault(row.where.says("source", says))
    for key, value in _values(row):
        if key in {"dist", "other", "needs", "dists"} and name != "optional_library":
            for each in _names(value):
                if re.fullmatch(r"[\w.-]+", each) and each != canonicalize_name(each):
                    says = f"{each} is not canonical: write {canonicalize_name(each)}"
                    fault(row.where.says(key, says))
        for capability in _capabilities(value):
            if capability not in _KNOWN:
                fault(row.where.says(key, f"there is no compute capability {capability}"))


def _values(row: Row) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(row, name)) for name in row.__struct_fields__)


def _names(value: Any) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value


def _capabilities(value: Any) -> Iterator[Capability]:
    for each in value if isinstance(value, tuple) else (value,):
        if isinstance(each, (Sass, Ptx)):
            yield each.capability
        elif isinstance(each, Capability):
            yield each


_KNOWN = frozenset(
    Capability(int(text[:-1]), int(text[-1]))
    for text in [
        "10",
        "11",
        "12",
        "13",
        "20",
        "21",
        "30",
        "32",
        "35",
        "37",
        "50",
        "52",
        "53",
        "60",
        "61",
        "62",
        "70",
        "72",
        "75",
        "80",
        "86",
        "87",
        "88",
        "89",
        "90",
        "100",
        "101",
        "103",
        "107",
        "110",
        "120",
        "121",
    ]
)
"""Those that a CUDA toolkit had a name for; 10.1 was renamed to 11.0 with CUDA 13.

Source: `nvcc --list-gpu-code` of the nvidia-cuda-nvcc 13.5.37 wheel, and NVIDIA's lists of legacy GPUs.
"""


def _contradictions(name: str, readable: Iterable[Path]) -> None:
    """Name pairs of rows of one folder that are about the same: one fact stands in one place."""
    kind = KINDS[name]
    for path in readable:
        if name not in kinds_in(path.stem) or (kind.file and path.stem != kind.file):
            continue
        for one, other in combinations(_rows(name, path), 2):
            if not same_fact(kind, one, other):
                continue
            same = "says the same as" if agree(one, other) else "contradicts"
            about = ", ".join(f"{key} {getattr(other, key)}" for key in kind.about) or name
            fault(
                other.where.says(
                    kind.span or (kind.about or ("source",))[0], f"this row {same} {one.where} ({about:.120})"
                )
            )


def _by_names(folder: Path, today: date) -> None:
    table = names.load((Folder(folder),))
    for name in sorted(table.packages):
        try:
            rows = table.of(name).rows
        except (TableError, ValueError) as error:
            fault(str(error))
            continue
        for row in rows:
            if row.checked > today:
                fault(row.where.says("checked", f"{row.checked} is in the future"))


def _by_measured(folder: Path, today: date) -> None:
    for path in measured.files((Folder(folder),)):
        try:
            package = measured.read_package(path.stem, (Folder(folder),))
        except (TableError, ValueError) as error:
            fault(str(error))
            continue
        for row in package.rows:
            if row.checked > today:
                fault(row.where.says("checked", f"{row.checked} is in the future"))
            if not can_be_found(row.source):
                fault(row.where.says("source", f"a stranger cannot find {row.source[:120]!r}"))
