"""Look at everything that may have moved: indexes, resolution, base image, machine. The effects of drift."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.drift import files, metadata, observation_facts, resolving
from stackcheck.drift.facts import Gap, Key, Seen, Snapshot, snapshot
from stackcheck.images.dockersteps import bases
from stackcheck.intake.named import dockerfile_text
from stackcheck.model.errors import EngineError, EngineUnreachableError, ProbeError, ResolveError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.model.index_pages import Page, Unreachable
from stackcheck.model.index_urls import Place, places
from stackcheck.resolve.question import question_of
from stackcheck.resolve.resolver import Options as ResolveOptions
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.verify_refusals import asked_for
from stackcheck.steps.probing import packed_agent
from stackcheck.storage.folders import sweep_parts
from stackcheck.targets import choose
from stackcheck.targets.engine import ContainerEngine
from stackcheck.targets.here import observe_host
from stackcheck.targets.process.temp_dirs import sweep_temp_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.drift.baseline import Baseline
    from stackcheck.intake.stack import Stack
    from stackcheck.model.index_pages import File
    from stackcheck.model.lock import Lock
    from stackcheck.model.resolution import LockedPackage
    from stackcheck.resolve.index import Fetcher
    from stackcheck.targets import BuildOptions
    from stackcheck.targets.containers.base_images import EngineLook

_HOST_PROBES = ("nvidia_driver", "rocm_host")
_NOTHING = Snapshot()


@dataclass(frozen=True)
class Surroundings:
    """Today's facts of what is around a stack, and the driver's probe as it came.

    `then` is what this machine still tells of the time when the image was built.
    """

    facts: Snapshot
    then: Snapshot = _NOTHING
    driver: Mapping[str, Any] = field(default_factory=dict)
    amd: tuple[Mapping[str, Any], ...] = ()


def look_around(
    stack: Stack, baseline: Baseline, how: ResolveOptions, build: BuildOptions, siblings: Sequence[str] = ()
) -> Surroundings:
    """Look at indexes, base image and machine at once; nothing but pages and METADATA is downloaded.

    `siblings` are further indexes on which the locked packages are looked for.
    """
    _sweep(build.cache, baseline)
    with ThreadPoolExecutor(max_workers=3) as pool:
        resolved = pool.submit(_resolved, stack, how)
        listed = pool.submit(index_facts, stack, baseline.lock, how.fetcher, siblings, baseline.facts)
        based = pool.submit(base_facts, stack, baseline, build, offline=how.offline)
        driver, amd, machine = host_facts(build.cache)  # in the main thread: it handles signals
        bases, then = based.result()
        facts = resolved.result() | listed.result() | bases | machine
    return Surroundings(facts, then, driver, amd)


def _sweep(cache: Path, baseline: Baseline) -> None:
    """Remove what killed runs left: temporary folders, and half-written files."""
    sweep_temp_folders(cache)
    kept = [folder for name in ("pages", "observations", "resolve/*") for folder in cache.glob(name)]
    for folder in (*kept, baseline.path.parent, Path(baseline.lock.path).parent):
        sweep_parts(folder)


def _resolved(stack: Stack, how: ResolveOptions) -> Snapshot:
    try:
        return resolving.resolution_facts(resolve(stack, how), stack)
    except ResolveError as error:
        areas = ("resolution", "stated", "drawn-in", "definition")
        return Snapshot({}, frozenset(Gap(area, "", "", str(error), fault=True) for area in areas))


def index_facts(
    stack: Stack, lock: Lock, fetcher: Fetcher, siblings: Sequence[str] = (), before: Snapshot = _NOTHING
) -> Snapshot:
    """Return what the indexes say of the files of the lock, and of each other.

    METADATA is read of those files alone whose content or METADATA is another one than it was `before`.
    """
    urls = {package.name: pages_of(package, stack, fetcher) for package in lock.packages}
    beside = {package.name: _beside(package, stack, siblings) for package in lock.packages}
    wanted = [url for mine in urls.values() for url in mine]
    wanted += [place.page_of(name) for name, mine in beside.items() for place in mine]
    pages = fetcher.pages(wanted)
    served = files.Served(pages)
    missing = files.missing_files(lock, urls, served)
    served = files.Served(
        pages,
        _roots([url for package in missing for url in urls[package.name]], pages, fetcher),
        _alive(missing, fetcher),
        {} if fetcher.offline else _notes(lock, urls, pages, fetcher, before),
    )
    by_place = {
        name: {place.shown: pages[Place(place.page_of(name)).shown] for place in mine}
        for name, mine in beside.items()
    }
    return files.file_facts(lock, urls, served) | files.sibling_facts(lock, by_place)


def pages_of(package: LockedPackage, stack: Stack, fetcher: Fetcher) -> list[str]:
    """Return the pages on which a locked file must be: of its own index, else of all that are asked."""
    stated = {place.shown.rstrip("/"): place for place in places(stack)}
    own = stated.get(package.index.rstrip("/"))
    if own:
        return [Place(own.page_of(package.name)).shown]
    if package.index:
        return [Place(Place(package.index).page_of(package.name)).shown]
    return [
        Place(place.page_of(package.name)).shown
        for place in asked_for(package.name, question_of(stack), fetcher)
    ]


def _beside(package: LockedPackage, stack: Stack, siblings: Sequence[str]) -> list[Place]:
    """Return the indexes that may have a package beside each other: those stated, and those asked for."""
    stated = [place for place in places(stack) if not place.flat and not place.only_for]
    known = {place.shown.rstrip("/") for place in stated}
    if package.index.rstrip("/") not in known and package.index:
        stated.append(Place(package.index))
    every = [*stated, *(Place(url) for url in siblings)]
    return every if len(every) > 1 else []


def _roots(
    urls: Iterable[str], pages: Mapping[str, Page | Unreachable], fetcher: Fetcher
) -> dict[str, bool | Unreachable]:
    """Tell, for pages that are missing, whether their index answers at all.

    Another page of it that was read just now proves that; only where there is none its root is asked, once:
    static buckets and many proxies have no page there.
    """
    gone = [u for u in urls if isinstance(p := pages.get(u), Unreachable) and p.kind == "missing"]
    answered = {_root(url) for url, page in pages.items() if isinstance(page, Page) and not page.cached}
    silent = sorted({_root(url) for url in gone} - answered)
    known: dict[str, bool | Unreachable] = {root: fetcher.exists(root) for root in silent}
    return {url: known.get(_root(url), True) for url in gone}


def _root(url: str) -> str:
    """Return the folder above a page."""
    return f"{url.rstrip('/').rpartition('/')[0]}/"


def _alive(missing: Iterable[LockedPackage], fetcher: Fetcher) -> dict[str, bool | Unreachable]:
    """Ask whether the addresses of files that are on no page still answer; no body is read."""
    urls = [p.url for p in missing if p.url.startswith(("http://", "https://"))]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(urls, pool.map(fetcher.exists, urls), strict=True))


def _notes(
    lock: Lock,
    urls: Mapping[str, Sequence[str]],
    pages: Mapping[str, Page | Unreachable],
    fetcher: Fetcher,
    before: Snapshot,
) -> dict[str, str]:
    notes = {}
    for package in lock.packages:
        file = files.found_on(package, [pages[url] for url in urls[package.name] if url in pages])
        if file and _moved(file, package, before):
            drawn = f"; the lock drew in {', '.join(package.requires)}" if package.requires else ""
            notes[package.filename] = metadata.note_on(file, fetcher) + drawn
    return notes


def _moved(file: File, package: LockedPackage, before: Snapshot) -> bool:
    known = before.facts.get(Key("file", package.filename, "metadata"))
    other_metadata = known is not None and file.metadata not in ("", known.value)
    return file.sha256 not in ("", package.sha256) or other_metadata


def base_facts(
    stack: Stack, baseline: Baseline, build: BuildOptions, *, offline: bool
) -> tuple[Snapshot, Snapshot]:
    """Return what registry and engine have under the names of the base images, and the engine's version.

    The second snapshot is what is known of then: the id on which the baseline's image was built, by its
    label, and the digest under which the local base was pulled.
    """
    references = base_references(stack, build)
    report = baseline.report
    of_image = report is not None and report.subject.kind == "image"
    name, built = (report.subject.engine, report.subject.digest) if report and of_image else (None, "")
    try:
        engine, found = _ask_engine(name, references, built, build, offline=offline)
    except (EngineError, UsageError) as error:
        reason = error.reason if isinstance(error, EngineUnreachableError) else str(error)
        gap = (Gap(area, "", "", reason) for area in ("base", "engine"))
        return Snapshot({}, frozenset(gap)), _NOTHING
    rows: list[tuple[str, str, str, Seen | str]] = [("engine", engine, "version", found.version)]
    gaps = [] if references else [Gap("base", "", "", "the stack names no base image")]
    for base in found.bases:
        for aspect, value, reason in (
            ("digest", base.digest, base.digest_reason),
            ("id", base.local, base.local_reason),
        ):
            if value:
                rows.append(("base", base.reference, aspect, value))
            else:
                gaps.append(Gap("base", base.reference, aspect, reason))
    then = [("base", base.reference, "digest", base.pulled) for base in found.bases if base.pulled]
    if found.built_on and references:
        then.append(("base", references[0], "id", found.built_on))
    return snapshot(rows, gaps), snapshot(then)


def _ask_engine(
    name: str | None, references: Sequence[str], built: str, build: BuildOptions, *, offline: bool
) -> tuple[str, EngineLook]:
    """Return the engine that made the image, else the preferred one, and what it has under the names."""
    from stackcheck.targets.containers.base_images import look_at_bases  # noqa: PLC0415 - the SDK takes 0.1 s

    engine = choose(name, lambda _line: None, cache=build.cache, environ=build.environ, able="images")
    try:
        if not isinstance(engine, ContainerEngine):
            raise EngineError(f"the engine {engine.name} does not tell which base images it has")
        return engine.name, look_at_bases(engine, references, built, build.mirror, offline=offline)
    finally:
        engine.close()


def base_references(stack: Stack, build: BuildOptions) -> tuple[str, ...]:
    """Return the images that a build of the stack starts from, or the image that it takes as it is."""
    image = stack.image
    if image.dockerfile:
        return bases(dockerfile_text(stack, build.root))
    named = (image.ready,) if image.ready else (build.base or image.base, image.build_base)
    return tuple(each for each in named if each)


def host_facts(cache: Path) -> tuple[Mapping[str, Any], tuple[Mapping[str, Any], ...], Snapshot]:
    """Run the probes on this machine; return the driver's facts, the AMD GPUs, and all as a snapshot."""
    try:
        found = observe_host(cache, packed_agent())
    except (EngineError, ProbeError) as error:
        return {}, (), _no_host(str(error))
    driver, rocm = (found.facts(name) for name in _HOST_PROBES)
    if isinstance(driver, Missing) or isinstance(rocm, Missing):
        reasons = [each.reason for each in (driver, rocm) if isinstance(each, Missing)]
        return {}, (), _no_host(reasons[0])
    return driver, tuple(rocm["gpus"]), observation_facts.host_facts(driver, rocm)


def _no_host(reason: str) -> Snapshot:
    return Snapshot({}, frozenset(Gap(area, "", "", reason, fault=True) for area in observation_facts.HOST))


def machine_digest(path: Path = Path("/etc/machine-id")) -> str:
    """Return a digest that names this machine to itself alone; "" where systemd's machine-id is missing.

    The id itself is confidential (machine-id(5)), so only a hash with our own salt leaves the machine.
    """
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return hashlib.sha256(f"stackcheck drift {text}".encode()).hexdigest() if text else ""
