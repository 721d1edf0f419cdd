"""Names that packages import of each other, as they were read from their releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.questions import finds_names_of
from stackcheck.rules.registry import Finding, rule, warned
from stackcheck.rules.requirements.partners import BOTH, _partner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.names import Names, NamesOf
    from stackcheck.model.facts import Facts

_DEFERS = Version("3.14")
"""The first Python that does not evaluate the signatures of functions when a module is imported (PEP 649)."""


def _was_read(facts: Facts) -> bool:
    return not facts["tables"].names.packages.isdisjoint(facts["env"].packages)


@rule("NEEDS103", when=_was_read, levels=BOTH, about="package")
def imported_names_are_there(env: Environment, tables: Tables) -> list[Finding]:
    """Packages find the names that they import of each other.

    A release of transformers, huggingface-hub, torchvision or torch drops names that others import, and their
    METADATA admits it: `ImportError: cannot import name ...`, `No module named ...`. What importing the
    package itself runs fails the stack; a module that the package imports when it is asked for is a warning.
    What stands under `try`, in a branch or in a function is left out, and so are modules that make their
    names in a way that is not written in them.

    Source: the Python files of the releases on PyPI (knowledge/names/, `tools/measure_names.py`).
    Example: basicsr 1.4.2 imports torchvision.transforms.functional_tensor, which torchvision 0.17 has not.
    Fix: the nearest release of the other package that has the name, or a later one of the package itself.
    """
    found: list[Finding] = []
    for name in sorted(tables.names.packages & env.packages.keys()):
        package = env.packages[name]
        if package.exact is not None:
            told = {
                row.other
                for row in tables.unstated.requirements.get(name, ())
                if row.versions.contains(package.exact.public, prereleases=True) and not row.use
            }
            found += _of_package(package, package.exact, tables.names.of(name), env, told)
    return found


def _of_package(
    package: Distribution, exact: Version, known: NamesOf, env: Environment, told: set[str]
) -> Iterator[Finding]:
    """Yield a finding for each target of a package: what importing it runs comes first.

    told: the targets of which somebody says with what they work: NEEDS102 answers for these.
    """
    done = set(told)
    for row in known.about(exact):
        partner = _partner(env, row.target)
        version = partner.exact if partner else None
        if partner is None or version is None or version.is_prerelease or row.target in done:
            continue
        if row.reaches(Version(version.public)) and not (row.signature and _defers(env)):
            done.add(row.target)
            finding = _lacks(package, exact, row, Version(version.public), known)
            yield finding._replace(
                level=max(package.level, partner.level),
                subject=package.name,
                question=finds_names_of(row.target),
            )


def _defers(env: Environment) -> bool:
    """Tell whether signatures may not be evaluated: by the Python, or because it is not known."""
    try:
        return Version((env.stack.python or "").removesuffix("t")) >= _DEFERS
    except InvalidVersion:
        return True


def _lacks(package: Distribution, exact: Version, row: Names, version: Version, known: NamesOf) -> Finding:
    name, target = package.name, row.target
    what = f"{name} {exact} imports {wanted(row.what)} ({row.at}), which {target} {_when(row)}"
    unread = version > row.lacking[1]
    run = row.module or package_of(row.at)
    effect = f"the stack has {target} {version}: importing {run} fails"
    says = f"{row.at} of {row.file}: {wanted(row.what)}"
    free = known.free_of(target, version, exact)
    take = [f"{target} {row.nearest}, the nearest that has it"] if row.nearest else []
    take += [f"{name} {free}, which does without"] if free else []
    hint = f"take {', or '.join(take)}" if take else f"take another {name} or {target}"
    has, found = f"{target} with {wanted(row.what)}", f"{target} {version}"
    if row.module or unread:
        text = f"{what}; {effect}{', if it is as the last that was read' if unread else ''}."
        return warned(text, cite(row, says), expected=has, found=found, hint=hint)
    return failed_by(f"{what}; {effect}.", (row, says), expected=has, found=found, hint=hint)


def wanted(what: str) -> str:
    """Return what is missing as words: "the module torch._six", "cached_download from huggingface_hub"."""
    module, _, name = what.partition(":")
    return f"{name} from {module}" if name else f"the module {module}"


def package_of(at: str) -> str:
    """Return the package whose file that is: "pyannote/audio/x.py:3" is in a package of that name."""
    return at.partition("/")[0].partition(".")[0]


def _when(row: Names) -> str:
    first, last = row.lacking
    if row.gone:
        return f"{first} and later no longer have" if row.newest else f"{first} to {last} do not have"
    return f"{first} to {last} do not have" if row.newest else f"{last} and earlier do not have yet"
