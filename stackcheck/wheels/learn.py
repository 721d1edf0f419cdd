"""Read the wheels of a package on an index, one a version, and keep what they say as measured rows.

What is read is bounded: a few ranges of each wheel, no binary above a size, no wheel twice (its row holds the
sha256). Each step gives the whole package again, so that whatever ends a run keeps what was read so far.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Protocol

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from stackcheck.knowledge.measured import Measured, MeasuredPackage, spans, tag_groups, with_rows
from stackcheck.model.errors import ResolveError, WheelError
from stackcheck.model.redact import without_userinfo
from stackcheck.model.versions import release_key
from stackcheck.model.wheel_tags import stack_platforms
from stackcheck.wheels.fits import judge, wheel_subject
from stackcheck.wheels.keep import keep, kept
from stackcheck.wheels.read import read_wheel

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from stackcheck.knowledge.wheelfile import RangeFile
    from stackcheck.model.index_pages import File
    from stackcheck.wheels.exports import Exports
    from stackcheck.wheels.facts import LibraryFacts, WheelFacts
    from stackcheck.wheels.fits import Subject

PLATFORM = "linux/amd64"
MOST_BYTES = 256 << 20
"""Bytes that are fetched of one wheel."""
AT_ONCE = 4
"""Wheels that are read side by side: most of the time of one is waiting for its ranges."""
MOST_REQUIREMENTS = 64
_CUDA = re.compile(r"lib(?:cudart|cublas|cublasLt|nvrtc|nvJitLink|npp\w+)(?:[-.][0-9a-f]{8})?\.so\.(\d+)\b.*")
"""The CUDA libraries whose soname has the major version of CUDA itself; auditwheel adds a hash to those it
copies."""
_OF_TORCH = frozenset({"symbols", "library", "layout"})
"""Kinds of reasons that speak of the release of torch, whatever its CUDA and Python."""
_MODULE = re.compile(r"\.cpython-[^/]*\.so$")
_GLIBC = re.compile(r"GLIBC_(2\.\d+)(?:\.\d+)?")
_MANYLINUX = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}


class Source(Protocol):
    """The index, as far as learning needs it."""

    @property
    def url(self) -> str:
        """The root of a simple index."""

    def files(self, project: str) -> Sequence[File]:
        """Return the files of a project; raise ResolveError when its page cannot be read."""

    def open(self, url: str, limit: int) -> RangeFile:
        """Return a wheel of which at most `limit` bytes are fetched, in pieces."""


class TorchFits(Protocol):
    """The releases of torch whose exports are known, and which of them can load a wheel."""

    @property
    def compared(self) -> tuple[Version, ...]:
        """Every release that wheels are held against, oldest first."""

    def fitting(self, facts: WheelFacts) -> tuple[Version, ...] | None:
        """Return the releases that can load a wheel; None for one that needs nothing of torch."""


@dataclass(frozen=True)
class MeasuredTorches:
    """PyPI's builds of torch for Linux on amd64: a wheel is held against their symbols and layouts alone.

    Which CUDA and which Python it is for are other columns of its row, so neither counts here.
    """

    exports: Exports

    @cached_property
    def compared(self) -> tuple[Version, ...]:
        """Return the releases, oldest first."""
        return tuple(sorted(Version(each.torch) for each in self.exports.builds if each.platform == PLATFORM))

    def fitting(self, facts: WheelFacts) -> tuple[Version, ...] | None:
        """Return the releases that can load a wheel; None where it links no torch, or that was not read.

        Of builds for several releases side by side one is enough, so that all of them have to be read.
        """
        judged = judge(_without_needs(wheel_subject(facts), self.exports.sonames), self.exports)
        if {_without_numbers(each.partition(":")[0]) for each in facts.left_out} & {
            _without_numbers(each) for each in judged.linked
        }:
            return None
        reasons = {Version(fit.build.torch): {each.kind for each in fit.reasons} for fit in judged.fits}
        if not reasons or any("unread" in kinds for kinds in reasons.values()):
            return None
        return tuple(sorted(torch for torch, kinds in reasons.items() if not kinds & _OF_TORCH))


def _without_numbers(path: str) -> str:
    folder, _, name = _MODULE.sub(".so", path).rpartition("/")
    return f"{folder}/{re.sub('[0-9]', '', name)}"


def _without_needs(subject: Subject, sonames: Collection[str]) -> Subject:
    """Return a subject for any Python that needs none of the libraries of CUDA."""
    libraries = (
        each._replace(
            path=_MODULE.sub(".so", each.path),
            needed=tuple(name for name in each.needed if name not in sonames),
        )
        for each in subject.libraries
    )
    return subject._replace(tags=(), libraries=tuple(libraries))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which wheels are read: those of versions uploaded on `since` or later, at most `most_bytes` of each.

    environ: says where facts of wheels are kept. matters: the names of which requirements are kept.
    again: read those that were read before, too.
    """

    since: date
    environ: Mapping[str, str] = field(repr=False)
    matters: Container[str] = field(repr=False)
    most_bytes: int = MOST_BYTES
    again: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What was learned so far: a line of progress, the package with all its rows, what came of a wheel."""

    line: str
    package: MeasuredPackage
    fetched: int = 0
    read: bool = False
    failed: bool = False


def learn(  # noqa: PLR0913, PLR0917 - what it reads from, what is known, and what is wanted
    name: str,
    source: Source,
    before: MeasuredPackage | None,
    torch: TorchFits,
    wanted: Wanted,
    today: date,
) -> Iterator[Step]:
    """Yield the package after its page was read, and after each wheel.

    Raises ResolveError when the page cannot be read or lists no wheel of it. A wheel that cannot be read
    fails alone: its version keeps the row that it had, else one with its tags.
    """
    listed = tuple(source.files(name))
    versions, sdists = _versions(name, listed), _sdists(name, listed)
    if not versions:
        raise ResolveError(f"{name}: the index lists no wheel of it.")
    index = without_userinfo(source.url).rstrip("/")
    package = MeasuredPackage(name, index, torch.compared, ())
    rows = {
        key: _from_page(version, files, key in sdists, today) for key, (version, files) in versions.items()
    }
    for row in before.rows if before else ():
        rows[release_key(row.version)] = _kept(row, rows.get(release_key(row.version)))
    package = with_rows(package, rows.values())
    todo = [
        (row, file) for row in package.rows if (file := _due(row, versions, before, torch.compared, wanted))
    ]
    yield Step(f"{name}: {len(rows)} versions, {len(todo)} wheels to read", package)
    reading = _side_by_side(source, [file for _, file in todo], wanted)
    for number, ((row, file), read) in enumerate(zip(todo, reading, strict=True), 1):
        place = f"{name} {row.version} ({number} of {len(todo)})"
        try:
            facts, fetched = read.result()
            package = with_rows(package, [_measured(row, file, facts, torch, wanted.matters, today)])
            said = f"{fetched / 1e6:.1f} of {facts.size / 1e6:.1f} MB read" if fetched else "kept facts"
            yield Step(f"{place}: {said}", package, fetched, read=True)
        except (ResolveError, WheelError) as error:
            yield Step(f"{place}: not read: {error}", package, failed=True)


def _versions(name: str, files: Iterable[File]) -> dict[str, tuple[Version, tuple[File, ...]]]:
    """Return the wheels of each final release by its key, of each pre-release where there is none."""
    found: dict[Version, list[File]] = defaultdict(list)
    for file in files:
        version = file.version
        if file.is_wheel and file.project == canonicalize_name(name) and version and not version.local:
            found[version].append(file)
    final = {version: wheels for version, wheels in found.items() if not version.is_prerelease}
    return {release_key(version): (version, tuple(wheels)) for version, wheels in (final or found).items()}


def _sdists(name: str, files: Iterable[File]) -> frozenset[str]:
    """Return the keys of the releases with a source archive."""
    archives = (file for file in files if not file.is_wheel and file.project == canonicalize_name(name))
    return frozenset(release_key(file.version) for file in archives if file.version)


def _from_page(version: Version, files: Sequence[File], sdist: bool, today: date) -> Measured:
    """Return what the names of the files of a version say."""
    days = [day for file in files if (day := _day(file.uploaded))]
    yanked = [file.yanked for file in files]
    return Measured(
        version=version,
        tags=tag_groups(tag for file in files for tag in parse_wheel_filename(file.name)[3]),
        sdist=sdist,
        uploaded=min(days, default=None),
        yanked=(yanked[0] or "withdrawn")[:200] if all(each is not None for each in yanked) else "",
        python=_specifier(next((file.requires_python for file in files if file.requires_python), "")),
        source="page",
        checked=today,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _specifier(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text) if text else None
    except InvalidSpecifier:
        return None


def _kept(row: Measured, listed: Measured | None) -> Measured:
    """Return a row that was read before, with the tags that the page has now."""
    if listed is None:
        return row
    if not row.wheel:
        return listed
    return msgspec.structs.replace(
        row,
        tags=listed.tags,
        sdist=listed.sdist,
        uploaded=listed.uploaded,
        yanked=listed.yanked,
        python=listed.python or row.python,
    )


def _due(
    row: Measured,
    versions: dict[str, tuple[Version, tuple[File, ...]]],
    before: MeasuredPackage | None,
    compared: tuple[Version, ...],
    wanted: Wanted,
) -> File | None:
    """Return the wheel of a version that is to be read; None for one that was, or is too old."""
    files = versions.get(release_key(row.version), (row.version, ()))[1]
    if not files or (row.uploaded and row.uploaded < wanted.since):
        return None
    current = any((file.name, file.sha256) == (row.wheel, row.sha256) for file in files)
    held = row.torch is None or (before is not None and before.compared == compared)
    return None if current and held and not wanted.again else best_wheel(files)


def best_wheel(files: Iterable[File]) -> File | None:
    """Return the Linux wheel (amd64) of the oldest glibc; of those one for any Python, or for a new one."""
    for_linux = [
        (file, tags)
        for file in files
        for tags in [parse_wheel_filename(file.name)[3]]
        if any(PLATFORM in stack_platforms(tag.platform) for tag in tags) or _is_pure(file)
    ]
    if not for_linux:
        return None

    def order(each: tuple[File, frozenset[object]]) -> tuple[bool, int, bool, bool, int, str]:
        name = each[0].name
        python = re.search(r"-cp3(\d+)-", name)
        any_python = python is None or "-abi3-" in name
        threads = bool(re.search(r"-cp3\d+t-", name))
        number = -int(python[1]) if python else 0
        return (_is_pure(each[0]), _glibc_of_tag(name) or 0, not any_python, threads, number, name)

    return min(for_linux, key=order)[0]


def _is_pure(file: File) -> bool:
    return file.name.endswith("-none-any.whl")


def _glibc_of_tag(name: str) -> int | None:
    """Return the least minor version of glibc 2 that a file name asks for; None where it does not say."""
    named = [int(each) for each in re.findall(r"manylinux_2_(\d+)_", name)]
    named += [number for word, number in _MANYLINUX.items() if f"{word}_" in name]
    return min(named, default=None)


def _side_by_side(
    source: Source, files: Iterable[File], wanted: Wanted
) -> Iterator[Future[tuple[WheelFacts, int]]]:
    """Yield what comes of each wheel, in their order, while those that follow are read."""
    waiting: deque[Future[tuple[WheelFacts, int]]] = deque()
    stopped = Event()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for file in files:
                waiting.append(pool.submit(_facts, source, file, wanted, stopped))
                if len(waiting) >= AT_ONCE:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            stopped.set()  # who presses Ctrl-C does not wait for the wheels that are being read
            pool.shutdown(wait=False, cancel_futures=True)


def _facts(source: Source, file: File, wanted: Wanted, stopped: Event) -> tuple[WheelFacts, int]:
    """Return the facts of a wheel, kept or read, and how many bytes were fetched for them."""
    facts = None if wanted.again else kept(file.sha256, wanted.environ, file.name)
    if facts is not None:
        return facts, 0
    facts, fetched = _read(source, file, wanted.most_bytes, stopped)
    keep(facts, wanted.environ)
    return facts, fetched


def _read(source: Source, file: File, most: int, stopped: Event) -> tuple[WheelFacts, int]:
    """Return the facts of a wheel and how many bytes were fetched for them, large binaries left out.

    Once `stopped` is set no further binary is read.
    """
    left = most

    def wanted(_path: str, size: int) -> bool:
        nonlocal left
        taken = size <= left and not stopped.is_set()
        left -= size if taken else 0
        return taken

    with source.open(file.url, most) as wheel:
        facts = read_wheel(wheel, filename=file.name, sha256=file.sha256, wanted=wanted)
        return facts, wheel.fetched


def _measured(  # noqa: PLR0913, PLR0917 - the row, the wheel, and what it is held against
    row: Measured, file: File, facts: WheelFacts, torch: TorchFits, matters: Container[str], today: date
) -> Measured:
    """Return the row of a version with what one of its wheels says."""
    fitting = torch.fitting(facts)
    own = [each for each in facts.libraries if ".libs/" not in each.path]
    return msgspec.structs.replace(
        row,
        wheel=file.name,
        sha256=file.sha256,
        python=_specifier(facts.requires_python or "") or row.python,
        requires=tuple(requirements(facts.requires, matters)),
        torch=None if fitting is None else spans(fitting, torch.compared),
        cuda=_cuda_majors(own),
        glibc=_least_glibc(facts, file.name),
        arch=_codes(own),
        partial=_left_out(facts),
        source="wheel",
        checked=today,
    )


def requirements(lines: Iterable[str], matters: Container[str]) -> Iterator[str]:
    """Yield the requirements that decide whether a GPU stack fits, in one spelling."""
    for line in list(lines)[: 16 * MOST_REQUIREMENTS]:
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue
        optional = "extra" in str(found.marker or "") and not found.name.startswith("nvidia")
        if canonicalize_name(found.name) in matters and not optional and not found.url:
            yield str(found)


def _cuda_majors(libraries: Iterable[LibraryFacts]) -> tuple[str, ...]:
    """Return the major versions of the CUDA libraries that libraries are linked against, or are."""
    names = {name for each in libraries for name in (*each.needed, each.soname or "")}
    return tuple(sorted({match[1] for name in names if (match := _CUDA.fullmatch(name))}, key=int))


def _least_glibc(facts: WheelFacts, name: str) -> Version | None:
    """Return the newest glibc that a symbol or the tag of a wheel asks for."""
    asked = [
        Version(match[1])
        for library in facts.libraries
        if library.machine == "x86_64"
        for _, version, weak in library.versions_needed
        if not weak and (match := _GLIBC.fullmatch(version))
    ]
    tag = _glibc_of_tag(name)
    return max([*asked, *([Version(f"2.{tag}")] if tag else [])], default=None)


def _codes(libraries: Iterable[LibraryFacts]) -> tuple[str, ...]:
    """Return the GPU code of libraries, "sm_80 compute_90": of all together, not of each.

    What the loader does not load is left out: cudf's shim.fatbin is for linking with what a user compiles,
    the PTX in flashinfer is of experiments, and neither makes the package run on another GPU.
    """
    loaded = (each for each in libraries if each.dynamic)
    found = {str(image["code"]).partition(":")[0] for each in loaded for image in each.code.get("images", ())}
    return tuple(sorted(found, key=lambda code: (code.startswith("compute"), _number(code), code)))


def _number(code: str) -> int:
    return int(re.sub(r"\D", "", code) or 0)


def _left_out(facts: WheelFacts) -> str:
    """Say what of a wheel was not read."""
    unread = [f"{each.path}: {each.error}" for each in facts.libraries if each.error]
    said = [*facts.left_out, *unread]
    more = f" and {len(said) - 1} more" if len(said) > 1 else ""
    return f"{said[0][:200]}{more}" if said else ""
