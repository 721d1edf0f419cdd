"""Rules about what METADATA does not state: partners, CUDA libraries, the NumPy of compiled wheels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.versions import ends, parse_specifier, ranges_meet, release_key, spelled
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, passed, rule, warned
from stackcheck.tables.unstated import holding
from stackcheck.verdict import Evidence, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables
    from stackcheck.tables.unstated import Library, NumpyApi, Requirement

_BEFORE_NUMPY2 = "2024-03-10"
"""The day of NumPy 2.0.0b1: whatever was uploaded before was compiled with NumPy 1
(https://pypi.org/project/numpy/#history, checked 2026-11-30)."""
_BELOW2 = parse_specifier("<2")
_JUDGED_BY_NUMPY101 = frozenset({"torch", "numpy", "torchvision", "torchaudio"})
_BOTH = (Level.STATED, Level.RESOLVED)


@dataclass(frozen=True, slots=True)
class _Partner:
    """What the stack has of the distribution that another one depends on: a version, or only a range."""

    name: str
    exact: Version | None
    accepted: SpecifierSet | None
    level: Level

    @property
    def shown(self) -> str:
        text = self.exact.public if self.exact else spelled(self.accepted) if self.accepted else ""
        return f"{self.name} {text}"

    def fits(self, wanted: SpecifierSet) -> bool:
        if self.exact is not None:
            return wanted.contains(self.exact.public, prereleases=True)
        return self.accepted is None or ranges_meet(self.accepted, wanted)


def _partner(env: Environment, name: str) -> _Partner | None:
    package = env.packages.get(name)
    if name == "torch":
        exact, level = env.torch.version, env.torch.level
    else:
        exact, level = (package.exact, package.level) if package else (None, Level.STATED)
    if exact is None and (package is None or not package.specifier):
        return None
    return _Partner(name, exact, package.specifier if package else None, level)


def _has_requirements(facts: Facts) -> bool:
    return not facts["tables"].unstated.requirements.keys().isdisjoint(facts["env"].packages)


@rule("NEEDS102", when=_has_requirements, levels=_BOTH)
def unstated_requirements(env: Environment, tables: Tables) -> list[Finding]:
    """Packages have the partners that they work with, where their METADATA admits others.

    torchcodec, torchao and fbgemm-gpu are compiled for one torch minor and require any torch or none;
    transformers switches PyTorch off below a floor of its own; others import what a later torch,
    torchvision, torchaudio or torchdata has removed. A resolver lets all of these pairs through. A range
    fails when nothing in it fits.

    Source: the tables of the projects, and checks and imports in their wheels (tables/unstated.toml).
    Example: torchcodec 0.10.0 with torch 2.8.0, which torchcodec 0.7 belongs to.
    Fix: take the release that belongs to the partner, or the partner that it names.
    """
    found: list[Finding] = []
    for name in sorted(tables.unstated.requirements.keys() & env.packages.keys()):
        rows = tables.unstated.requirements[name]
        for other in dict.fromkeys(row.other for row in rows):
            partner = _partner(env, other)
            about = [row for row in rows if row.other == other and _applies(row, env.packages[name], env)]
            if partner is not None and about:
                finding = _judge_partner(env.packages[name], partner, about, tables)
                found += [finding] if finding else []
    return found


def _applies(row: Requirement, package: Distribution, env: Environment) -> bool:
    if package.origin == "conda":
        return False
    # What is compiled on the spot, or comes from elsewhere, may be bound to any torch.
    bound = package.is_wheel and not package.built_for and not env.elsewhere(row.dist)
    return row.built == "" or (bound and not env.torch.nvidia)


def _judge_partner(
    package: Distribution, partner: _Partner, rows: Sequence[Requirement], tables: Tables
) -> Finding | None:
    exact = package.exact
    if exact is None:
        about = _rows_of_range(package.specifier, rows)
    else:
        row = holding(rows, exact)
        about = [row] if row else []
        if row is None and exact > _last(rows):
            what = f"the {partner.name} that {package.name} {exact} works with"
            return no_data(what, f"{package.name} {_last(rows)}", tables.unstated.checked)
    if not about:
        return None
    level = max(package.level, partner.level)
    clashing = [row for row in about if not _accepts(row, exact, partner)]
    if len(clashing) < len(about):
        row = next(row for row in about if row not in clashing)
        text = f"{package.name} {package.version} works with {partner.shown}."
        return replace(passed(text, cite(row, _says(row, package))), level=level, subject=package.name)
    return replace(_clash(package, partner, clashing[-1], rows), level=level, subject=package.name)


def _rows_of_range(accepted: SpecifierSet, rows: Sequence[Requirement]) -> list[Requirement]:
    """Return the rows that a range touches, none where it reaches versions that no row is about."""
    points = [each for each in ends([accepted, *(row.versions for row in rows)]) if accepted.contains(each)]
    if any(holding(rows, each) is None for each in points):
        return []
    return [row for row in rows if any(row.versions.contains(each) for each in points)]


def _last(rows: Sequence[Requirement]) -> Version:
    """Return the newest end of what rows are about, or a version that nothing exceeds."""
    texts = [each for row in rows for each in row.versions]
    if any(all(each.operator in {">", ">="} for each in row.versions) for row in rows):
        return Version("9999")
    return max(Version(each.version.removesuffix(".*")) for each in texts)


def _accepts(row: Requirement, exact: Version | None, partner: _Partner) -> bool:
    if row.same:
        return exact is None or partner.exact is None or release_key(exact) == release_key(partner.exact)
    return partner.fits(row.accepts)


def _says(row: Requirement, package: Distribution) -> str:
    wanted = "the same version" if row.same else spelled(row.accepts)
    return f"{package.name} {spelled(row.versions)} works with {row.other} {wanted}"


def _clash(
    package: Distribution, partner: _Partner, row: Requirement, rows: Sequence[Requirement]
) -> Finding:
    wanted = f"{row.other}{'==' + package.version if row.same else spelled(row.accepts)}"
    message = f"{package.name} {package.version} needs {wanted}, which its METADATA do not say; "
    message += f"the stack has {partner.shown}: {row.effect}."
    fitting = [each for each in rows if not each.same and partner.fits(each.accepts)]
    hint = f"take {wanted}"
    if row.same:
        hint = f"pin {package.name} and {row.other} to one version"
    elif fitting:
        own = f"{package.name}{spelled(fitting[-1].versions)}"
        hint = f"take {own}, which works with {partner.shown}, or {wanted}"
    says = _says(row, package)
    if row.outcome == "warn":
        return warned(message, cite(row, says), expected=wanted, found=partner.shown, hint=hint)
    return failed_by(message, (row, says), expected=wanted, found=partner.shown, hint=hint)


def _has_libraries(facts: Facts) -> bool:
    return not facts["tables"].unstated.libraries.keys().isdisjoint(facts["env"].packages)


@rule("WHEEL111", when=_has_libraries, levels=_BOTH)
def libraries_of_wheels(env: Environment, tables: Tables) -> list[Finding]:
    """Wheels beside torch find the CUDA and cuDNN that they name.

    PyPI has one build of CTranslate2 and of onnxruntime-gpu for each release. Their libraries name CUDA and
    cuDNN by major version, no METADATA requires these, and in most stacks they are those that torch draws in.
    Where torch has another major, and no package, toolkit or image brings the right one, they are missing.

    Source: sonames in the wheels (tables/unstated.toml).
    Example: ctranslate2 4.4.0 names libcudnn.so.8, and torch 2.5.1 brings cuDNN 9.
    Fix: the release that was built for torch's CUDA and cuDNN, or the nvidia-* packages of the other major.
    """
    if env.torch.cuda is None:
        return []
    found: list[Finding] = []
    for name in sorted(tables.unstated.libraries.keys() & env.packages.keys()):
        package = env.packages[name]
        exact = package.exact
        if exact is None or exact.local or not package.is_wheel or env.elsewhere(name):
            continue
        row = tables.unstated.library(name, exact, env.platform)
        if row is not None:
            level = max(package.level, env.torch.level)
            finding = _judge_libraries(f"{name} {exact}", row, env, tables)
            found.append(replace(finding, level=level, subject=name))
    return found


def _judge_libraries(what: str, row: Library, env: Environment, tables: Tables) -> Finding:
    named = [(kind, major) for kind, major in (("CUDA", row.cuda), ("cuDNN", row.cudnn)) if major]
    says = f"{what} names the libraries of {' and '.join(f'{kind} {major}' for kind, major in named)}"
    missing = []
    for kind, major in named:
        has = _majors(kind, env, tables)
        if has and major not in has:
            missing.append(f"{kind} {major}")
    if not missing:
        return passed(f"{says}, and {env.torch.title} has these.", cite(row, says))
    text = f"{says}; {env.torch.title} brings no {' and no '.join(missing)}: {row.effect}"
    near = [each for each in tables.unstated.libraries[row.dist] if _fits(each, env, tables)]
    hint = "add the nvidia-* packages of that version, or take a torch for it"
    if near:
        hint = f"take {row.dist}{spelled(near[-1].versions)}, which names those of {env.torch.title}"
    expected, found = " and ".join(missing), env.torch.title
    if row.outcome == "warn" or (env.torch.assumed and not env.torch.version):
        return warned(f"{text}.", cite(row, says), expected=expected, found=found, hint=hint)
    return failed_by(f"{text}.", (row, says), expected=expected, found=found, hint=hint)


def _fits(row: Library, env: Environment, tables: Tables) -> bool:
    pairs = (("CUDA", row.cuda), ("cuDNN", row.cudnn))
    return all(major is None or major in _majors(kind, env, tables) for kind, major in pairs)


def _majors(kind: str, env: Environment, tables: Tables) -> set[int]:
    """Return the majors of CUDA or cuDNN that a stack has: of torch, packages, toolkit and image."""
    release = tables.torch.release(env.torch.version) if env.torch.version else None
    image = env.image
    if kind == "CUDA":
        own = {env.torch.cuda.major} if env.torch.cuda else set()
        own |= {env.toolkit[0].major} if env.toolkit else set()
        own |= {image.cuda.major} if image and image.cuda and image.kind != "base" else set()
        stem = "nvidia-cublas"
    else:
        own = {release.cudnn} if release and release.cudnn else set()
        stem = "nvidia-cudnn"
        if image and image.cudnn:
            own |= {int(image.cudnn.removeprefix("cudnn") or 9)}
    if not own:
        return own
    packages = [each for name, each in env.packages.items() if name.startswith(stem)]
    if kind == "CUDA":
        return own | {int(each.name[-2:]) for each in packages if each.name[-2:].isdigit()}
    return own | {each.exact.major for each in packages if each.exact}


def _has_numpy(facts: Facts) -> bool:
    return "numpy" in facts["env"].packages


@rule("NUMPY102", when=_has_numpy, levels=_BOTH)
def wheels_fit_numpy(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled wheels were made for the NumPy of the stack, where their METADATA admits every NumPy.

    NumPy 2 has another C API than NumPy 1. A wheel that was compiled with NumPy 1 fails beside NumPy 2 when
    it is imported (`numpy.dtype size changed`, `_ARRAY_API not found`); one that was compiled with NumPy 2
    works with both. What was uploaded before the first beta of NumPy 2 was compiled with NumPy 1.

    Source: the modules in the wheels (tables/unstated.toml); the NumPy 2.0 migration guide, https://numpy.org/doc.
    Example: onnxruntime 1.17.1 with numpy 2.1.2.
    Fix: numpy<2, or a release that was compiled with NumPy 2.
    """
    numpy = _partner(env, "numpy")
    if numpy is None or numpy.fits(_BELOW2):
        return []
    found: list[Finding] = []
    for name, package in sorted(env.packages.items()):
        exact = package.exact
        if exact is None or not package.is_wheel or name in _JUDGED_BY_NUMPY101:
            continue
        row = tables.unstated.numpy_api(name, exact)
        if row is not None:
            finding: Finding | None = _compiled_with_1(package, row, numpy)
        elif name in tables.unstated.numpy_apis:
            says = f"{name} {exact} is not one of the releases that were compiled with NumPy 1"
            finding = passed(
                f"{says}; the stack has {numpy.shown}.", cite(tables.unstated.numpy_apis[name][0], says)
            )
        else:
            finding = _older_than_numpy2(package, numpy)
        if finding is not None:
            found.append(replace(finding, level=max(package.level, numpy.level), subject=name))
    return found


def _compiled_with_1(package: Distribution, row: NumpyApi, numpy: _Partner) -> Finding:
    what = f"{package.name} {package.exact}"
    says = f"{what} was compiled with NumPy {row.api}"
    bound = max(each.version for each in row.versions if each.operator in {"<", "<="})
    return failed_by(
        f"{says}, which its METADATA do not say; with {numpy.shown} its import fails.",
        (row, says),
        expected="numpy < 2",
        found=numpy.shown,
        hint=f"take {package.name} {bound} or later, or numpy below 2",
    )


def _older_than_numpy2(package: Distribution, numpy: _Partner) -> Finding | None:
    """Judge a wheel that no row knows by the day of its upload: only a doubt, it may not use the C API."""
    locked = package.locked
    if locked is None or not locked.is_wheel or "numpy" not in locked.requires or not locked.uploaded:
        return None
    if locked.filename.endswith("-none-any.whl") or locked.uploaded[:10] >= _BEFORE_NUMPY2:
        return None
    day = locked.uploaded[:10]
    return warned(
        f"{package.name} {package.exact} is a compiled wheel of {day}, before NumPy 2 existed, and its "
        f"METADATA admit {numpy.shown}: if it uses NumPy's C API its import fails.",
        Evidence(f"{locked.filename}: uploaded {day}", locked.index),
        expected="numpy < 2, or a later release",
        found=numpy.shown,
        hint=f'state numpy = "<2", or take a later {package.name}',
    )
