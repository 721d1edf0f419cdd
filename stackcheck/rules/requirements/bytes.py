"""Names that packages import of each other, read from the files that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.verdict import Evidence
from stackcheck.rules.questions import FINDS_NAMES, finds_names_of
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.requirements.stated_imports import wanted

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.packages import ImportNames, MissingName

_SHOWN = 5


def _was_looked_at(facts: Facts) -> bool:
    return "import_names" in facts


@rule("NEEDS301", when=_was_looked_at, about="package")
def names_are_in_the_files(env: Environment, tables: Tables, import_names: ImportNames) -> list[Finding]:
    """Installed packages find the names that they import of each other.

    The files of each package that names torch say what importing it runs, and which names that takes from
    other packages; the files of these say whether they have them. Nothing is imported. What stands under
    `try`, in a branch or in a function is left out, and so are modules that make their names in a way that is
    not written in them. Of a package that the stack does not name, a missing name is a warning.

    Source: the Python files that are installed.
    Example: basicsr 1.4.2 beside torchvision 0.21.0: torchvision.transforms.functional_tensor is not there.
    Fix: a release of the other package that has the name, or a later one of the package itself.
    """
    missing, looked_at = import_names["missing"], import_names["looked_at"]
    found = [_lacks(row, env) for row in missing]
    good = [name for name in looked_at if name not in {row["distribution"] for row in missing}]
    for name in sorted(tables.names.packages & set(good) - set(import_names["untold"])):
        text = f"The files of {name} import no name that is seen to be missing beside it."
        found.append(passed(text)._replace(subject=name, question=FINDS_NAMES))
    if good and not found:
        found.append(
            passed(f"The files of {_some(good)} import no name that is seen to be missing beside them.")
        )
    if left_out := import_names["left_out"]:
        found.append(
            skipped(f"what importing {_some(left_out)} takes from others was not read, or not all of it.")
        )
    return found


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _lacks(row: MissingName, env: Environment) -> Finding:
    name, other = row["distribution"], f"{row['of']} {row['of_version']}"
    text = (
        f"{name} {row['version']} imports {wanted(row['what'])} ({row['at']}), which {other} does not have: "
        f"importing {row['root']} fails."
    )
    evidence = Evidence(f"{row['at']}: {wanted(row['what'])}", "the installed files")
    hint = f"install a {row['of']} that has it, or a release of {name} that does without"
    stated = not env.stack.packages or name in env.packages
    make = failed if stated else warned
    finding = make(text, evidence, expected=wanted(row["what"]), found=other, hint=hint, about=name)
    return finding._replace(subject=name, question=finds_names_of(row["of"]))
