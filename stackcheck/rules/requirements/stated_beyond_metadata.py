"""Requirements that METADATA does not state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.knowledge.unstated import holding
from stackcheck.model.evidence import Outcome
from stackcheck.model.versions import ends, release_key, spelled
from stackcheck.rules.grading import cite, denies, failed_by, no_data
from stackcheck.rules.questions import accepts
from stackcheck.rules.registry import Finding, passed, rule, told_of, warned
from stackcheck.rules.requirements.partners import BOTH, _Partner, _partner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.specifiers import SpecifierSet

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.unstated import Requirement


@rule("NEEDS102", when=told_of(lambda tables: tables.unstated.requirements), levels=BOTH, about="package")
def unstated_requirements(env: Environment, tables: Tables) -> list[Finding]:
    """Packages have the partners that they work with, where their METADATA admits others.

    torchcodec, torchao and fbgemm-gpu are compiled for one torch minor and require any torch or none;
    transformers switches PyTorch off below a floor of its own; others import what a later torch,
    torchvision, torchaudio or torchdata has removed. A resolver lets all of these pairs through. A range
    fails when nothing in it fits.

    Source: the tables of the projects, and checks and imports in their wheels (knowledge/told/).
    Example: torchcodec 0.10.0 with torch 2.8.0, which torchcodec 0.7 belongs to.
    Fix: take the release that belongs to the partner, or the partner that it names.
    """
    found: list[Finding] = []
    for name in sorted(tables.unstated.requirements.keys() & env.packages.keys()):
        rows = tables.unstated.requirements[name]
        off: set[str] = set()
        for use, other in sorted({(row.use, row.other) for row in rows}):
            if other in off:
                continue  # with that partner nothing of it works: a part of it is no news
            partner = _partner(env, other)
            said = [row for row in rows if (row.other, row.use) == (other, use)]
            about = [row for row in said if _applies(row, env.packages[name], env)]
            if partner is not None and about:
                finding = _judge_partner(env.packages[name], partner, about)
                found += [finding] if finding else []
                off |= {other} if finding and finding.outcome >= Outcome.WARN else set()
    return found


def _applies(row: Requirement, package: Distribution, env: Environment) -> bool:
    if package.origin == "conda":
        return False
    # What is compiled on the spot, or comes from elsewhere, may be bound to any torch.
    bound = package.is_wheel and not package.built_for and not env.elsewhere(row.dist)
    return row.built == "" or (bound and not env.torch.nvidia)


def _judge_partner(package: Distribution, partner: _Partner, rows: Sequence[Requirement]) -> Finding | None:
    exact = package.exact
    if exact is None:
        about = _rows_of_range(package.specifier, rows)
    else:
        row = holding(rows, exact)
        about = [row] if row else []
        if row is None and exact > _last(rows):
            what = f"the {partner.name} that {package.name} {exact} works with"
            return no_data(what, f"{package.name} {_last(rows)}", rows[-1].checked)
    if not about:
        return None
    level = max(package.level, partner.level)
    clashing = [row for row in about if not _accepts(row, exact, partner)]
    if len(clashing) < len(about):
        row = next(row for row in about if row not in clashing)
        use = f", also {row.use}" if row.use else ""
        text = f"{package.name} {package.version} works with {partner.shown}{use}."
        return passed(text, cite(row, _says(row, package)))._replace(level=level, subject=package.name)
    bad = _clash(package, partner, clashing[-1], rows)._replace(level=level)
    return denies(bad, accepts(partner.name), package.name)


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
    use = f" {row.use}" if row.use else ""
    message = f"{package.name} {package.version} needs {wanted}{use}, which its METADATA do not say; "
    message += f"the stack has {partner.shown}: {row.effect}."
    fitting = [each for each in rows if not each.same and partner.fits(each.accepts)]
    hint = f"take {wanted}"
    if row.same:
        hint = f"pin {package.name} and {row.other} to one version"
    elif fitting:
        own = f"{package.name}{spelled(fitting[-1].versions)}"
        hint = f"take {own}, which works with {partner.shown}, or {wanted}"
    says = _says(row, package)
    # Of what nobody stated a part may never be used: the server of the tensorboard that tensorflow draws in.
    if row.outcome == "warn" or (row.use and not package.stated):
        return warned(message, cite(row, says), expected=wanted, found=partner.shown, hint=hint)
    return failed_by(message, (row, says), expected=wanted, found=partner.shown, hint=hint)
