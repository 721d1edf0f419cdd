"""Judge every stack on every host: by definition and tables, or by the files of its wheels as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from stackcheck import knowledge, rules
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Cell, Host, Matrix, MatrixRow, cell_of
from stackcheck.matrix.libraries import gpus_of, joined_rows, library_rows
from stackcheck.matrix.watched import HOST, OnHosts
from stackcheck.model.build import cuda_tag
from stackcheck.model.errors import UsageError
from stackcheck.model.facts import as_named
from stackcheck.model.platforms import judged_for
from stackcheck.model.verdict import Level
from stackcheck.rules.accepting import settled
from stackcheck.steps.claiming import claimed
from stackcheck.steps.resolution import known, resolved
from stackcheck.steps.unpacking import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.intake.stack import Package, Stack
    from stackcheck.knowledge.torch import Release
    from stackcheck.matrix.libraries import LibraryRow
    from stackcheck.rules.registry import Rule
    from stackcheck.steps.options import Options
    from stackcheck.targets import Progress

_COMPANIONS = ("torchvision", "torchaudio")


def judged(
    stacks: Sequence[Stack],
    hosts: Sequence[Host],
    torches: Sequence[str],
    options: Options,
    progress: Progress,
) -> Matrix:
    """Return the matrix; with `torches`, each stack once with each of them in the place of its own."""
    values = [_values(host) for host in hosts]
    rows: list[MatrixRow] = []
    libraries: list[LibraryRow] = []
    gpus = gpus_of(hosts)
    for stack in stacks:
        for torch in torches or ("",):
            moved, notes = with_torch(stack, torch) if torch else (stack, ())
            facts, asked = _facts(moved, options, progress)
            rows.append(MatrixRow(stack.id, _cells(moved, facts, asked, values), torch, notes))
            libraries += library_rows(rows[-1].title, as_named(facts), gpus) if options.bytes else ()
    return Matrix(tuple(hosts), tuple(rows), joined_rows(libraries))


def _values(host: Host) -> dict[str, Any]:
    """Return a host as fields of a definition; one without a driver is not held against any."""
    gpus = (find_gpu(host.gpu),) if host.gpu else ()
    return {"gpus": gpus, "driver": host.driver or None, "driver_cuda": None}


def _facts(stack: Stack, options: Options, progress: Progress) -> tuple[dict[str, Any], Sequence[Rule]]:
    """Return what is known of a stack, and the rules that it can be held against."""
    facts = claimed(stack)
    if not options.bytes:
        return facts, rules.before_build(Level.STATED)
    facts = known(facts | resolved(stack, options, progress))
    facts |= unpacked(stack, facts, options, progress).facts
    return facts, (*rules.before_build(), *rules.of_files())


def _cells(
    stack: Stack,
    facts: Mapping[str, Any],
    asked: Sequence[Rule],
    hosts: Iterable[Mapping[str, Any]],
) -> tuple[Cell, ...]:
    on_hosts = OnHosts(stack, facts, asked)
    on_cpu = facts["env"].wanted == "cpu"
    if on_cpu:  # the GPUs and the driver of a host are nothing to it
        hosts = [{name: getattr(stack, name) for name in HOST} for _ in hosts]
    judged_on = (settled(on_hosts.verdicts(host), stack) for host in hosts)
    return tuple(cell_of(verdicts, on_cpu=on_cpu) for verdicts in judged_on)


def with_torch(stack: Stack, version: str) -> tuple[Stack, tuple[str, ...]]:
    """Return a stack with another torch, and with the companions of that release where it pins some.

    Raises UsageError for a version that is none, and for a release that no table knows.
    """
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise UsageError(f"--torch {version}: this is not a version, such as 2.8 or 2.8.0.") from None
    tables = knowledge.load().torch
    fitting = [row for row in tables.releases if row.torch.release[: len(wanted.release)] == wanted.release]
    if not fitting:
        raise UsageError(
            f"--torch {version}: no release of torch with this version is known; the newest is "
            f"{tables.newest.torch}."
        )
    release = max(fitting, key=lambda row: row.torch)
    versions = {"torch": str(release.torch)}
    for name in _COMPANIONS:
        if beside := tables.companions_for(name, release.torch):
            versions[name] = str(beside[-1].version)
    pinned = {name: text for name, text in versions.items() if name in stack.packages}
    if "torch" not in pinned:
        return stack, ("it states no torch, so it stayed as it is",)
    cuda = _cuda_of(stack, release)
    packages = {
        name: _moved(package, pinned[name], stack.cuda, cuda) if name in pinned else package
        for name, package in stack.packages.items()
    }
    notes = [f"{name} {text}" for name, text in pinned.items()]
    if cuda != stack.cuda:
        notes.append(f"CUDA {cuda}, because no build of torch {release.torch} is for {stack.cuda}")
    return stack.model_copy(update={"packages": packages, "cuda": cuda}), tuple(notes)


def _cuda_of(stack: Stack, release: Release) -> str | None:
    """Return the CUDA version of a stack, or the one of PyPI's wheel where a release is not built for it."""
    default = release.pypi.get(judged_for(stack.platform), "cpu")
    if stack.cuda is None or Version(stack.cuda) in release.cuda or default == "cpu":
        return stack.cuda
    return default


def _moved(package: Package, version: str, before: str | None, cuda: str | None) -> Package:
    """Return a package in another version; the build that was named stays, or follows the CUDA version."""
    local = package.version.partition("+")[2]
    changed: dict[str, str] = {"version": f"{version}+{local}" if local else version}
    if before and cuda and before != cuda:
        old, new = cuda_tag(Version(before)), cuda_tag(Version(cuda))
        stated = {"index": package.index, "find_links": package.find_links, **changed}
        changed = {key: text.replace(old, new) for key, text in stated.items() if text}
    return package.model_copy(update=changed)


def axes(gpus: Sequence[str], drivers: Sequence[str]) -> Iterator[Host]:
    """Yield every GPU with every driver. Raises UsageError, with near names, for a GPU that nobody knows."""
    for gpu in gpus:
        try:
            find_gpu(gpu)
        except ValueError as error:
            raise UsageError(f"--gpu {gpu}: {error}") from None
        for driver in drivers or ("",):
            yield Host(gpu, driver)
