"""The newest stack that says what was wished, whether or not it works: where the search begins.

Versions are the newest that a table knows; what no table knows is left to the resolver, as a range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from stackcheck.intake.stack import parse_stack
from stackcheck.model.build import cuda_tag, tag_cuda
from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.platforms import judged_for
from stackcheck.model.versions import LATEST, minor
from stackcheck.rules.index.wheel_pages import PYG
from stackcheck.suggest.builds import INDEX
from stackcheck.suggest.places import PYG_PAGE
from stackcheck.suggest.versions import COMPANIONS
from stackcheck.suggest.wishes import BACKENDS, Wish, Wishes, served_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.measured import Measured, MeasuredPackage
    from stackcheck.knowledge.torch import Release

MMCV_PAGE = "https://download.openmmlab.com/mmcv/dist/{tag}/torch{torch}.0/index.html"
"""One page for each tag and torch minor (mmcv.readthedocs.io/en/latest/get_started/installation.html,
2026-11-20)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """All that a plan is asked for: wishes, and what the hosts have, under the keys of a definition.

    `built` are packages that are to be built from source, because no wheel of them serves the rest;
    `wheels_only` says that none may be.
    """

    wishes: Wishes
    hosts: Mapping[str, Any] = field(default_factory=dict)
    built: frozenset[str] = frozenset()
    wheels_only: bool = False

    @property
    def platform(self) -> str:
        """Return the platform, that of most servers where none is stated."""
        return judged_for(str(self.hosts.get("platform") or ""))


@dataclass(frozen=True, slots=True)
class _Torch:
    """The torch of a draft: its version as stated, the build's tag, and the index of its own."""

    version: str
    release: Release | None
    kind: str
    backend: Version | None
    index: str | None

    @property
    def tag(self) -> str:
        if self.backend is None:
            return self.kind
        return cuda_tag(self.backend) if self.kind == "cuda" else f"rocm{self.backend}"

    @property
    def row(self) -> dict[str, str]:
        if not self.index:
            return {"version": self.version}
        return {"version": f"{self.version}+{self.tag}", "index": self.index}


def drafted(ask: Ask, tables: Tables) -> Stack:
    """Return the newest stack of a wish.

    Raises UsageError, with every fault, for a host that is not known or a version that is none.
    """
    _require_driver(ask.hosts.get("driver"))
    torch = _torch(ask, tables)
    packages: dict[str, Any] = {"torch": torch.row}
    for wish in ask.wishes:
        if wish.name not in {"torch", "python", *BACKENDS}:
            name, row = _package(wish, torch, ask, tables)
            packages[name] = row | ({"extras": list(wish.extras)} if wish.extras else {})
    row = {
        "id": "plan",
        "python": _python(ask, torch, tables),
        "platform": ask.platform,
        **{key: ask.hosts[key] for key in ("gpus", "driver") if ask.hosts.get(key)},
        **_backend(torch, ask),
        **({"source_builds": "forbid"} if ask.wheels_only else {}),
        "packages": packages,
    }
    stack, faults = parse_stack(row, where="plan")
    if stack is None:
        raise UsageError("\n".join(map(_fault, faults)))
    return _with_tools(stack, torch)


def _require_driver(text: str | None) -> None:
    if not text:
        return
    try:
        SpecifierSet(text if text[0] in "<>=!~" else f"=={text}")
    except InvalidSpecifier:
        raise UsageError(
            f"--driver: {one_line(text, 80)!r} is not a version or a range; write 550, 550.54.15 or '>=550'."
        ) from None


def _fault(text: str) -> str:
    """Return a fault of the draft as one of the call: "--gpu: no GPU named 'L44' is known"."""
    said = re.sub(r"^.*?plan \(plan\)\.", "", text)
    for key, option in (("gpus", "--gpu"), ("platform", "--platform"), ("python", "--python")):
        said = re.sub(rf"^{key}(?:\.\d+)?:", f"{option}:", said)
    return f"{said.rstrip('.')}."


def _backend(torch: _Torch, ask: Ask) -> dict[str, str]:
    """Return what a definition says of the backend: what was wished, the rest follows from torch."""
    if torch.kind == "cuda" and not ask.wishes.names("cuda"):
        return {}
    if torch.backend is None:
        return {"accelerator": torch.kind} if torch.kind == "cpu" else {}
    return {torch.kind: minor(torch.backend)}


def _with_tools(stack: Stack, torch: _Torch) -> Stack:
    """State what source builds need: a toolkit of torch's CUDA version, and code for the GPUs."""
    built = [name for name, package in stack.packages.items() if package.origin == "source"]
    if not built:
        return stack
    more: dict[str, Any] = {"no_build_isolation": tuple(built)}
    if torch.kind == "cuda" and torch.backend is not None:
        codes = dict.fromkeys(str(gpu.capability) for gpu in stack.gpus if gpu.capability)
        more |= {"toolkit": minor(torch.backend), "arch_list": tuple(codes)}
    return stack.model_copy(update=more)


def held_back(ask: Ask, tables: Tables) -> tuple[str, ...]:
    """Return why the torch of a draft is not the newest that is wished for, a sentence; empty where it is."""
    chosen, newest = _torch(ask, tables), next(iter(_served(_choices(ask, tables), ask, tables)), None)
    if newest is None or newest.release == chosen.release:
        return ()
    said = " and ".join(_refusals(newest, ask, tables))
    return (f"torch is {chosen.version}, not {newest.version}: {said}.",)


def _torch(ask: Ask, tables: Tables) -> _Torch:
    """Return the newest torch that is wished for and that the newest of the wished packages accept.

    PyPI's build comes before that of another index; where not all accept one, as few as can be refuse it.
    """
    choices = _choices(ask, tables)
    served = _served(choices, ask, tables) or choices
    if served:
        return min(served, key=lambda each: len(_refusals(each, ask, tables)))
    kind, wish = _kind(ask), ask.wishes.of("torch")
    known = [row for row in reversed(tables.torch.releases) if wish.takes(row.torch)]
    if known:
        return _Torch(str(known[0].torch), known[0], kind, None, None)
    return _Torch(wish.version, None, kind, None, None)


def _kind(ask: Ask) -> str:
    if ask.platform.startswith("macos"):
        return "cpu"
    kind = next((name for name in BACKENDS if ask.wishes.names(name)), "cuda")
    return "rocm" if kind == "cuda" and _all_amd(ask) else kind


def _choices(ask: Ask, tables: Tables) -> list[_Torch]:
    """Return the builds that are wished for, newest release first."""
    wish = ask.wishes.of("torch")
    known = (row for row in reversed(tables.torch.releases) if wish.takes(row.torch))
    return [each for row in known for each in _builds(row, _kind(ask), ask)]


def _served(choices: list[_Torch], ask: Ask, tables: Tables) -> list[_Torch]:
    return [each for each in choices if _serves(each, ask, tables)]


def _refusals(torch: _Torch, ask: Ask, tables: Tables) -> list[str]:
    """Return which wished packages require another torch in their newest version, by METADATA."""
    found = []
    for wish in ask.wishes:
        measured = None if wish.name in {*COMPANIONS, *ask.built} else tables.measured.package(wish.name)
        row = _newest_row(measured, wish)
        if row is not None:
            refusing = (each for each in row.required("torch") if torch.version not in each.specifier)
            found += [f"{wish.name} {row.version} requires {each}" for each in refusing]
    return found


def _serves(torch: _Torch, ask: Ask, tables: Tables) -> bool:
    """Tell whether a build is there for a wished Python, and the pages of wheels know it where they must."""
    python = ask.wishes.of("python")
    pythons = torch.release.python.get(ask.platform, ()) if torch.release else ()
    paged = [each.name for each in ask.wishes if each.name in {*PYG, "mmcv"}] if ask.wheels_only else []
    return any(python.takes(Version(each)) for each in pythons if not each.endswith("t")) and all(
        _page(name, torch, tables) for name in paged
    )


def _all_amd(ask: Ask) -> bool:
    from stackcheck.knowledge.gpus import find_gpu  # noqa: PLC0415 - a table that is rarely asked

    try:
        found = [find_gpu(each) for each in ask.hosts.get("gpus") or ()]
    except ValueError:
        return False  # the definition says what is wrong with it
    return bool(found) and all(gpu.gfx for gpu in found)


def _builds(release: Release, kind: str, ask: Ask) -> Iterator[_Torch]:
    """Yield the builds of a release that are wished for: PyPI's first, then the newest."""
    version, of_pypi = str(release.torch), release.pypi.get(ask.platform)
    if kind == "cpu":
        index = None if of_pypi == "cpu" else f"{INDEX}cpu"
        yield _Torch(version, release, kind, None, index)
        return
    wish = ask.wishes.of(kind)
    builds = [each for each in (release.cuda if kind == "cuda" else release.rocm) if wish.takes(each)]
    for each in sorted(builds, key=lambda one: (str(one) == of_pypi, one), reverse=True):
        made = _Torch(version, release, kind, each, None)
        plain = kind == "cuda" and str(each) == of_pypi
        yield made if plain else _Torch(version, release, kind, each, f"{INDEX}{made.tag}")


def _python(ask: Ask, torch: _Torch, tables: Tables) -> str:
    wish = ask.wishes.of("python")
    release = torch.release or tables.torch.newest
    known = [Version(each) for each in release.python.get(ask.platform, ()) if not each.endswith("t")]
    fits = [each for each in known if wish.takes(each)]
    if not fits and wish.version[0].isdecimal():
        return wish.version
    return str(max(fits or known or [Version("3.12")]))


def _package(wish: Wish, torch: _Torch, ask: Ask, tables: Tables) -> tuple[str, dict[str, Any]]:
    """Return the distribution and the row of a wished package."""
    if wish.name in ask.built:
        return wish.name, {"version": wish.version, "from": "source"}
    if wish.name in COMPANIONS and torch.release is not None:
        return wish.name, _companion(wish, torch, tables)
    name = _flavour(wish.name, torch, tables)
    page = _page(name, torch, tables)
    if page:
        return name, {"version": page[1] if wish.version == LATEST else wish.version, "find_links": page[0]}
    return name, {"version": _newest(name, wish, tables)}


def _companion(wish: Wish, torch: _Torch, tables: Tables) -> dict[str, str]:
    """Return the torchvision or torchaudio of a torch, from where that comes from."""
    assert torch.release is not None  # noqa: S101 - the caller has looked
    fits = [row.version for row in tables.torch.companions_for(wish.name, torch.release.torch)]
    fits = [each for each in fits if wish.takes(each)]
    version = str(max(fits)) if fits else wish.version
    if not torch.index or not version[0].isdecimal():
        return {"version": version}
    return {"version": f"{version}+{torch.tag}", "index": torch.index}


def _flavour(name: str, torch: _Torch, tables: Tables) -> str:
    """Return the distribution of a package named by CUDA versions: torch's, else the nearest below."""
    names = served_by(name, tables)
    if not names or torch.backend is None or torch.kind != "cuda":
        return name

    def key(each: str) -> tuple[bool, bool, Version]:
        found = tables.wheels.named_cuda(each)
        cuda = (tag_cuda(f"cu{found[1]}") if found else None) or Version("0")
        same = torch.backend is not None and cuda.major == torch.backend.major
        return same, torch.backend is not None and cuda <= torch.backend, cuda

    return max(names, key=key)


def _page(name: str, torch: _Torch, tables: Tables) -> tuple[str, str] | None:
    """Return the page with a wheel of a package for a torch, and the newest version on it ("latest")."""
    short = minor(torch.release.torch) if torch.release else ""
    if name in PYG:
        row = tables.wheels.pyg_pages.get(short)
        if row and torch.tag in row.tags and (not row.only or name in row.only):
            return PYG_PAGE.format(torch=short, tag=torch.tag), LATEST
    if name == "mmcv":
        held = [row for row in tables.wheels.mmcv_pages if row.tag == torch.tag and short in row.torch]
        versions = [each for row in held for each in row.versions if not each.is_prerelease]
        if versions:
            return MMCV_PAGE.format(tag=torch.tag, torch=short), str(max(versions))
    return None


def last_paged(name: str, tables: Tables) -> str:
    """Return the newest torch for which a page has wheels of a package, as "2.12"; "" for none."""
    found = [
        Version(row.torch)
        for row in tables.wheels.pyg_pages.values()
        if name in PYG and (not row.only or name in row.only)
    ]
    if name == "mmcv":
        found += [Version(each) for row in tables.wheels.mmcv_pages for each in row.torch]
    return str(max(found)) if found else ""


def _newest(name: str, wish: Wish, tables: Tables) -> str:
    """Return the newest version with wheels that a table knows, within the wish; else the wish itself."""
    row = _newest_row(tables.measured.package(name), wish)
    return str(row.version) if row else wish.version


def _newest_row(measured: MeasuredPackage | None, wish: Wish) -> Measured | None:
    """Return the newest release of a package whose wheels were read; of others the resolver takes one."""
    was_read = measured is not None and any(row.wheel for row in measured.rows)
    for row in measured.rows if measured and was_read else ():
        if row.tags and not row.yanked and not row.version.is_prerelease and wish.takes(row.version):
            return row
    return None
