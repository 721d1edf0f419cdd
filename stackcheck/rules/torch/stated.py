"""torch against torchvision and torchaudio, as stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.environment.torchbuild import on_pypi
from stackcheck.model.build import cuda_tag
from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import minor, parse_version
from stackcheck.rules.grading import cite, failed_by, no_data, shown_by_resolver
from stackcheck.rules.official_wheels import comes_with_image, not_pinned, official_wheels
from stackcheck.rules.questions import WORKS
from stackcheck.rules.registry import Finding, failed, passed, rule, uses, warned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.environment import Environment
    from stackcheck.environment.torchbuild import Answer
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Companion, Release

_VISION_CHECK = Evidence(
    "torchvision refuses another CUDA major version when it is imported",
    "torchvision/extension.py in the wheels of 0.16.0 - 0.29.2, pypi.org/project/torchvision "
    "(checked 2026-11-30)",
)


_OLD_VISION_CHECK = Evidence(
    "torchvision before 0.16 refuses another CUDA major.minor version when it is imported",
    "torchvision/extension.py in the wheels of 0.4.0 - 0.15.2, pypi.org/project/torchvision "
    "(checked 2026-11-30)",
)


_AUDIO_CHECK = Evidence(
    "torchaudio refuses another CUDA major.minor version when it is imported",
    "torchaudio/_extension/utils.py in the wheels of 2.0.0 - 2.11.0, pypi.org/project/torchaudio "
    "(checked 2026-11-20)",
)


_AUDIO_WITH_CUDA = parse_version("0.10")
"""The first torchaudio whose wheel on PyPI has CUDA code: 0.10.0 says +cu102 in its version.py, 0.9.1 nothing
(pypi.org/project/torchaudio, checked 2026-11-20)."""


@rule("TORCH101", when=uses("torchvision"), answers=(WORKS, "torchvision"), about="package")
@official_wheels("torchvision")
def torchvision_fits_torch(env: Environment, tables: Tables) -> Finding | list[Finding] | None:
    """The torchvision of a stack requires exactly the torch that it was built for.

    Its compiled operators use torch's C++ interface, so every release up to 0.29.0 requires one torch release
    by `==`, patch level included: 0.20.1 does not fit torch 2.5.0. 0.29.1 and 0.29.2 use the stable ABI and
    require `torch>=2.14.0`. Versions are compared without the local part (`+cu124`).

    Source: METADATA of every torchvision wheel on PyPI (rows of `stackcheck tables`).
    Example: torch 2.6.0 with torchvision 0.20.0, which requires torch==2.5.0, ends in
    `operator torchvision::nms does not exist`.
    Fix: take the torchvision of that torch release (`stackcheck tables 2.6.0`).
    """
    return _companion(env, tables, "torchvision")


@rule("TORCH102", when=uses("torchaudio"), answers=(WORKS, "torchaudio"), about="package")
@official_wheels("torchaudio")
def torchaudio_fits_torch(env: Environment, tables: Tables) -> Finding | list[Finding] | None:
    """The torchaudio of a stack requires the torch that it was built for, up to 2.10.

    2.11.0 is the last release; it uses the stable ABI, names no torch in its METADATA, and is right beside
    any later torch. Beside an older one its libraries miss symbols. Versions are compared without the local
    part.

    Source: METADATA of every torchaudio wheel on PyPI (rows of `stackcheck tables`).
    Example: torchaudio 2.0.1 belongs to torch 2.0.0; torch 2.0.1 needs 2.0.2.
    Fix: take the torchaudio of that torch release, or 2.11.0 from torch 2.11 on.
    """
    return _companion(env, tables, "torchaudio")


def _companion(env: Environment, tables: Tables, name: str) -> Finding | list[Finding] | None:
    version, torch = env.version(name), env.torch.version
    origin = env.packages[name].origin
    if version is None:
        return None
    row = tables.torch.companion(name, version)
    if origin == "conda":
        return _of_conda(row, torch, tables) if row and torch and env.torch.origin == "conda" else None
    if origin == "source":
        return _made_for(row, torch, tables) if row and torch else None
    if row is None:
        newest = max(row.version for row in tables.torch.companions if row.name == name)
        return no_data(f"{name} {version}", f"{name} {newest}", tables.torch.checked)
    if torch is None:
        return not_pinned(f"{name} {version} was not held against torch")
    fits = _replaces(row, env) if env.torch.nvidia else _fits(row, torch, tables)
    findings = [shown_by_resolver(fits, env, name, "torch")]
    if row.yanked:
        said = cite(row, f"{name} {row.version} is yanked: {row.yanked}")
        hint = _take(row, torch, tables)
        text = f"{name} {row.version} was withdrawn from the index: {row.yanked}."
        findings.append(
            warned(text, said, found=f"{name} {row.version}", hint=hint, about=f"{name} (yanked)")
        )
    return findings


def _replaces(row: Companion, env: Environment) -> Finding:
    """Judge a companion beside NVIDIA's own torch, whose version, 2.7.0a0, no METADATA accepts."""
    torch = env.torch.version
    asks = f"torch{row.torch}" if row.torch is not None else "no particular torch"
    if row.torch is None or (torch and row.torch.contains(torch.public, prereleases=True)):
        return passed(
            f"{row.name} {row.version} requires {asks}; the image has torch {torch}.", cite(row, asks)
        )
    return warned(
        f"{row.name} {row.version} requires {asks}, and NVIDIA's container has torch {torch}: pip "
        "replaces that by a torch of PyPI.",
        cite(row, f"{row.name} {row.version} requires {asks}"),
        expected=f"the {row.name} that the container brings",
        found=f"{row.name} {row.version}",
        hint=f"leave {row.name} out where the container has it, or install it with --no-deps",
    )


def _fits(row: Companion, torch: Version, tables: Tables) -> Finding:
    asks = f"torch{row.torch}" if row.torch is not None else "no particular torch"
    if row.needs_torch is not None:
        asks = f"torch>={row.needs_torch} by the symbols that its libraries use (METADATA names none)"
    says = f"{row.name} {row.version} requires {asks}"
    if row.accepts(torch):
        return passed(
            f"{says}; the stack has {torch}.", cite(row, says), expected=asks, found=f"torch {torch}"
        )
    return failed_by(
        f"{says}; the stack has {torch}.",
        (row, says),
        expected=asks,
        found=f"torch {torch}",
        hint=_take(row, torch, tables),
    )


def _made_for(row: Companion, torch: Version, tables: Tables) -> Finding:
    """Judge a source build: it compiles against the torch that is there, and nobody pins the two together.

    NVIDIA's builds of a release are called 2.1.0a0.
    """
    if row.accepts(torch) or row.accepts(Version(torch.base_version)):
        return passed(
            f"{row.name} {row.version}, built from source, belongs to torch {torch}.",
            cite(row, f"its wheels require torch{row.torch or ''}"),
        )
    fitting = tables.torch.companions_for(row.name, torch)
    right = f"{row.name} {fitting[0].version}" if fitting else f"the {row.name} made for torch {torch.public}"
    return warned(
        f"{row.name} {row.version} belongs to torch{row.torch or ''}, and the stack builds it from source "
        f"against torch {torch}, which needs {right}: a combination that nobody tests.",
        cite(row, f"the wheels of {row.name} {row.version} require torch{row.torch or ''}"),
        expected=right,
        found=f"{row.name} {row.version}",
        hint=_take(row, torch, tables),
    )


def _of_conda(row: Companion, torch: Version, tables: Tables) -> Finding | None:
    """Judge two conda packages: their recipes pin each other's release, patch levels apart.

    conda-forge builds a companion again for the torch that follows, so that the one next to it is no fault
    that the versions alone prove.
    """
    minors = list(dict.fromkeys(minor(each.torch.public) for each in tables.torch.releases))
    made = {minor(each.torch.public) for each in tables.torch.releases_for(row)}
    has = minor(torch.public)
    if not made or row.torch is None or has not in minors:
        return None
    says = f"{row.name} {row.version} was released for torch {', '.join(sorted(made))}"
    if has in made:
        return passed(f"{says}; conda's pytorch is {torch}.", cite(row, says))
    apart = min(abs(minors.index(has) - minors.index(each)) for each in made)
    fitting = tables.torch.companions_for(row.name, torch)
    hint = (
        f"take {row.name}={fitting[-1].version} beside pytorch={torch}, from the same channel; "
        if fitting
        else ""
    )
    hint += f"`conda search --info {row.name}={row.version}` prints which pytorch each build requires"
    text = f"{says}; conda's pytorch is {torch}"
    expected, found = f"a {row.name} for torch {has}", f"{row.name} {row.version}"
    if apart > 1:
        text += ": no channel has a build of the two for each other."
        return failed_by(text, (row, says), expected=expected, found=found, hint=hint)
    text += ": the channel pytorch has no build of the two for each other, conda-forge may have one."
    return warned(text, cite(row, says), expected=expected, found=found, hint=hint)


def _take(row: Companion, torch: Version, tables: Tables) -> str:
    """Name the nearest change: the companion of this torch, else the torch of this companion."""
    for_torch = tables.torch.companions_for(row.name, torch)
    if for_torch:
        return f"take {row.name} {for_torch[-1].version}"
    releases = tables.torch.releases_for(row)
    if releases:
        return f"take torch {releases[-1].torch}, or the {row.name} that was built for torch {torch.public}"
    return f"take the {row.name} that was built for torch {torch.public}"


@rule("TORCH103", when=uses("torchvision", "torchaudio"), about="package")
def companions_share_backend(env: Environment, tables: Tables) -> list[Finding] | Finding | None:
    """torch, torchvision and torchaudio are builds for the same CUDA, for ROCm, or for the CPU.

    Mixed tags install without a word. torchvision then refuses another CUDA major version when it is
    imported, torchaudio another minor version; a CPU torchvision beside a CUDA torch imports and has no
    CUDA operators; a ROCm build looks for libraries that a CUDA torch does not have. Which build a pin is
    stands in its local version, in the index that it comes from, or nowhere: then it comes from PyPI, whose
    wheels of torchvision and torchaudio are made for the same CUDA as its wheel of their torch.

    Source: torchvision/extension.py and torchaudio/_extension/utils.py of the wheels on PyPI; version.py of
    the wheels of torchvision 0.8.2 - 0.26.0 and torchaudio 0.9.1 - 2.9.1 there (checked 2026-11-20).
    Example: torch 2.5.1+cu118 from its index with torchvision 0.20.1 from PyPI, which is a cu124 build.
    Fix: take all three from the same index, with the same tag.
    """
    torch = env.torch.answer if env.torch.is_wheel and env.torch.sure else None
    others = {name: env.build_of(name) for name in ("torchvision", "torchaudio")}
    if torch is None and not any(others.values()):
        return _untagged_audio(env, tables)
    sure = torch is not None
    if torch is None and _one_default(env, "torch", [name for name, other in others.items() if other]):
        torch = env.torch.default
    findings = []
    for name, stated in others.items():
        row = _pypi_release(env, tables, name) if stated is None else None
        version = env.version(name)
        other = on_pypi(name, version, row, env.platform) if row and version else stated
        if torch is None or other is None or not (sure or stated):
            continue
        said = [(row, f"{other.by} is a {other.backend.tag} build")] if row else []
        findings.append(_same_backend(name, other, torch, version, said)._replace(about=(name,)))
    return findings or None


def _one_default(env: Environment, name: str, tagged: Iterable[str]) -> bool:
    """Tell whether one package comes from PyPI by default, while those with a tag have a place of their own.

    A tag without any index means an index that the stack does not state, which may serve the others too.
    """
    package, named = env.packages.get(name), list(tagged)
    placed = all(any(place.stated for place in env.sources(each)) for each in named)
    wheel = package is not None and package.is_wheel
    return wheel and bool(named) and placed and not comes_with_image(env)


def _pypi_release(env: Environment, tables: Tables, name: str) -> Release | None:
    """Return the torch release that a companion from PyPI was made for; None for one from anywhere else.

    None too for one that does not fit the stack's torch: another rule says so, and another one is needed.
    """
    version = env.version(name)
    tagged = ["torch"] if env.torch.sure else []
    if version is None or version.local or not _one_default(env, name, tagged):
        return None
    if not env.only_pypi(name) or (name == "torchaudio" and version < _AUDIO_WITH_CUDA):
        return None
    row, torch = tables.torch.companion(name, version), env.torch.version
    releases = tables.torch.releases_for(row) if row and (torch is None or row.accepts(torch)) else ()
    return releases[0] if len(releases) == 1 else None


def _untagged_audio(env: Environment, tables: Tables) -> Finding | None:
    """Compare the CUDA of a torchaudio that fits several releases of torch, when both come from PyPI."""
    version, torch = env.version("torchaudio"), env.torch
    row = tables.torch.companion("torchaudio", version) if version else None
    if row is None or row.pypi_cuda is None or torch.cuda is None or not torch.is_wheel:
        return None
    if not env.packages["torchaudio"].is_wheel:
        return None
    says = f"torchaudio {row.version} on PyPI is a {cuda_tag(row.pypi_cuda)} build"
    if minor(row.pypi_cuda) == minor(torch.cuda):
        return passed(f"{says}, as torch is.", cite(row, says))
    return warned(
        f"{says}, and torch a {torch.tag} build ({torch.by}). {_AUDIO_CHECK.what}.",
        cite(row, says),
        _AUDIO_CHECK,
        expected=torch.tag or "",
        found=f"torchaudio {cuda_tag(row.pypi_cuda)}",
        hint=f"take torchaudio with the tag {torch.tag}, or torch with the tag {cuda_tag(row.pypi_cuda)}",
        about="torchaudio",
    )


def _compares_minor(name: str, version: Version) -> bool:
    """Tell whether a companion refuses another CUDA minor version at import.

    Source: torchvision/extension.py in the wheels of 0.4.0 to 0.29.2 (up to 0.15.2 both numbers are compared,
    from 0.16.0 on the major one) and torchaudio/_extension/utils.py since 2.0 (checked 2026-11-30).
    """
    return version.major >= 2 if name == "torchaudio" else version.release < (0, 16)


def _same_backend(
    name: str, by_other: Answer, by_torch: Answer, version: Version | None, said: list[tuple[Release, str]]
) -> Finding:
    torch, other = by_torch.backend, by_other.backend
    found = f"{name} {other.tag}"
    if other.same(torch):
        return passed(f"torch and {name} are both {torch.tag} builds.", expected=torch.tag, found=found)
    text = (
        f"torch is a {torch.tag} build ({by_torch.by} says so), {name} a {other.tag} build ({by_other.by})."
    )
    hint = f"take {name} with the tag {torch.tag}, or torch with the tag {other.tag}"
    strict = version is not None and _compares_minor(name, version)
    vision = _OLD_VISION_CHECK if strict else _VISION_CHECK
    check = vision if name == "torchvision" else _AUDIO_CHECK
    if torch.kind == other.kind == "cuda" and torch.version and other.version:
        if torch.version.major == other.version.major and not strict:
            return warned(
                f"{text} Inside one CUDA major version {name} loads, but nobody tests the two together.",
                *(cite(*each) for each in said),
                expected=torch.tag,
                found=found,
                hint=hint,
            )
        why = f"{check.what}."
    else:
        check = by_other.evidence
        why = {
            "cpu": f"{name} has no GPU operators.",
            "cuda": f"{name} looks for CUDA libraries that this torch does not have.",
            "rocm": f"{name} looks for HIP libraries that this torch does not have.",
        }[other.kind]
    if said:
        return failed_by(f"{text} {why}", *said, expected=torch.tag, found=found, hint=hint)
    return failed(f"{text} {why}", check, expected=torch.tag, found=found, hint=hint)
