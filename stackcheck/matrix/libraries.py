"""Libraries against GPUs: which are served by machine code, by PTX, or not at all, as their files say. Pure.

Many stacks bring the same files, so a row is a group of files of one package that serve alike, told once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from stackcheck.inspect.owners import Package, installed, package_at
from stackcheck.inspect.serving import HOWS, cell
from stackcheck.knowledge.gpus import find_gpu
from stackcheck_probes.binaries.gpucode import from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.inspect.serving import Cell as ServingCell
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.matrix.cells import Host

WORDS = {
    "native": "native",
    "runs": "runs",
    "ptx": "PTX",
    "unknown": "not read",
    "no": "no",
    "none": "-",
}
"""How a library serves a GPU, as it stands in a table."""
MEANINGS = {
    "native": "has machine code that was made for the GPU",
    "runs": "has machine code of a lower minor version, which the GPU runs",
    "ptx": "is compiled by the driver at first use",
    "unknown": "may hold code that could not be read",
    "no": "has no code that the GPU runs or the driver compiles",
    "none": "has no code for GPUs of this maker",
}
MOST_LIBRARIES = 2000
"""So many rows a matrix keeps; the worst served come first."""


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """Files of one package that serve every GPU alike.

    `hows` are words of `WORDS`, a GPU each; a `?` behind one: more code may be there that was not read.
    """

    package: str
    version: str
    files: tuple[str, ...]
    hows: tuple[str, ...]
    stacks: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the package with its version."""
        return f"{self.package} {self.version}" if self.version else self.package


def gpus_of(hosts: Iterable[Host]) -> tuple[str, ...]:
    """Return the GPUs of hosts, each once: a driver changes nothing of what a file holds."""
    return tuple(dict.fromkeys(host.gpu for host in hosts if host.gpu))


def library_rows(stack: str, probes: Mapping[str, Any], gpus: Sequence[str]) -> tuple[LibraryRow, ...]:
    """Return the rows of one stack, from what the probes `libraries` and `distributions` saw of its files.

    Nothing of a probe's answer is trusted to be there: a report may be of another version, or a stranger's.
    """
    found = [row for row in _rows(probes, "libraries") if isinstance(row.get("path"), str)]
    dists = [row for row in _rows(probes, "distributions") if isinstance(row.get("name"), str)]
    if not found:
        return ()
    known = [_named(row) for row in dists]
    owners = installed([row["path"] for row in found], known)
    asked = [find_gpu(name) for name in gpus]
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for row in found:
        hows = _hows(row, asked)
        if set(hows) <= {"none"}:
            continue
        owner = owners.get(row["path"]) or _of_a_build(package_at(row["path"]), known)
        groups[owner.name, owner.version, hows].append(row["path"].rpartition("/")[2])
    return tuple(
        LibraryRow(package, version, tuple(sorted(set(files))), hows, (stack,))
        for (package, version, hows), files in groups.items()
    )


def _of_a_build(package: Package, known: Sequence[Any]) -> Package:
    """Return the one distribution that is named after the package and a CUDA version: spconv-cu124."""
    start = f"{canonicalize_name(package.name.replace('/', '-'))}-cu"
    builds = [row for row in known if row["name"].startswith(start)]
    return Package(builds[0]["name"], builds[0]["version"]) if len(builds) == 1 else package


def _named(row: Mapping[str, Any]) -> Any:
    return {"name": row["name"], "version": str(row.get("version", ""))}


def _rows(probes: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    facts = probes.get(name)
    rows = facts.get(name) if isinstance(facts, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _hows(row: Any, gpus: Sequence[Gpu]) -> tuple[str, ...]:
    if "error" in row:
        return ("unknown",) * len(gpus)
    try:
        code = from_json(row)
        return tuple(_word(cell(code, gpu)) for gpu in gpus)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ("unknown",) * len(gpus)


def _word(found: ServingCell) -> str:
    return f"{found.how}?" if found.unseen else found.how


def joined_rows(rows: Iterable[LibraryRow]) -> tuple[LibraryRow, ...]:
    """Return each row once with all of its stacks, the worst served first."""
    found: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], LibraryRow] = {}
    for row in rows:
        key = (row.package, row.version, row.files, row.hows)
        other = found.get(key)
        found[key] = replace(row, stacks=tuple(dict.fromkeys((*other.stacks, *row.stacks)))) if other else row
    return tuple(sorted(found.values(), key=_order)[:MOST_LIBRARIES])


def _order(row: LibraryRow) -> tuple[list[int], str, str, tuple[str, ...]]:
    return sorted(HOWS.index(how.removesuffix("?")) for how in row.hows), row.package, row.version, row.files


def data_of(rows: Sequence[LibraryRow], gpus: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as JSON values."""
    return [
        {
            "package": row.package,
            "version": row.version,
            "files": list(row.files),
            "gpus": dict(zip(gpus, row.hows, strict=True)),
            "stacks": list(row.stacks),
        }
        for row in rows
    ]


def rows_of(data: Any, gpus: Sequence[str]) -> tuple[LibraryRow, ...]:
    """Read what `data_of` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return tuple(
        LibraryRow(
            str(row["package"]),
            str(row["version"]),
            tuple(map(str, row["files"])),
            tuple(_how(row["gpus"][gpu]) for gpu in gpus),
            tuple(map(str, row["stacks"])),
        )
        for row in data
    )


def _how(word: Any) -> str:
    if not isinstance(word, str) or word.removesuffix("?") not in WORDS:
        raise ValueError(f"unknown word {word!r}")
    return word
