"""A plan as a definition, or as a requirements file with the second step that source builds need."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.intake.project import Taken
from stackcheck.intake.stated import Place
from stackcheck.intake.written_out import definition_text
from stackcheck.model.escape import one_line
from stackcheck.model.versions import LATEST
from stackcheck.suggest.change import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackcheck.intake.stack import Package, Stack
    from stackcheck.plan.planning import Plan
    from stackcheck.plan.serving import Served

_PLAIN = (
    "summary", "python", "platform", "accelerator", "cuda", "rocm", "toolkit", "driver", "gpus",
    "arch_list", "source_builds", "no_build_isolation",
)  # fmt: skip
"""The keys of a definition that a plan states, in their order."""


def said_of(plan: Plan, words: str) -> str:
    """Return what a written file says of itself: the call, the day, and how far it is proven."""
    proof = (
        "proven by the rules and by resolving it" if plan.proven else f"not proven whole: {plan.found.gap}"
    )
    day = dt.datetime.now(dt.UTC).date()
    return one_line(f"Made by `stackcheck plan {words}` on {day}; {proof.rstrip('.')}.", 400)


def definition(plan: Plan, served: Iterable[Served], words: str, name: str = "plan") -> str:
    """Return the definition of a plan, in TOML; behind each package stands the file that serves it."""
    stack = plan.stack.model_copy(update={"id": name})
    places = {f"packages.{each.name}": Place(_comment(each)) for each in served}
    taken = Taken(stack, (), row_of(stack), places)
    return definition_text([taken], Path(), f"# {said_of(plan, words)}")


def _comment(served: Served) -> str:
    if not served.file:
        return served.evidence
    return f"{'built from ' if served.built else ''}{served.file}; {served.evidence}"


def row_of(stack: Stack) -> dict[str, Any]:
    """Return the row of a definition that states a stack, as TOML has it."""
    row: dict[str, Any] = {}
    for key in _PLAIN:
        value = getattr(stack, key)
        if value not in (None, "", (), False):
            row[key] = [gpu.name for gpu in value] if key == "gpus" else _listed(value)
    for table in ("index", "image", "env", "packages"):
        value = getattr(stack, table)
        stated: Mapping[str, Any] = (
            value if isinstance(value, dict) else value.model_dump(exclude_defaults=True)
        )
        if stated:
            row[table] = {key: plain(each) for key, each in stated.items()}
    return row


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def requirements(plan: Plan, words: str) -> str:
    """Return the requirements file of a plan.

    Packages that are built against the installed torch cannot be installed in one go with it: they stand in
    a command for a second step, a comment, so that the file itself installs.
    """
    stack = plan.stack
    built = {name: row for name, row in stack.packages.items() if row.origin == "source"}
    lines = [f"# {said_of(plan, words)}", f"# For {_host(stack)}.", *_addresses(stack)]
    lines += [_line(name, row) for name, row in stack.packages.items() if name not in built]
    if built:
        needs = f", with nvcc {stack.toolkit}" if stack.toolkit else ""
        named = " ".join(f"'{_line(name, row)}'" for name, row in built.items())
        arch = f"TORCH_CUDA_ARCH_LIST='{';'.join(stack.arch_list)}' " if stack.arch_list else ""
        lines += [f"# Then, built from source against the torch above{needs}:"]
        lines += [f"#   {arch}pip install --no-build-isolation {named}"]
    return "".join(f"{each}\n" for each in lines)


def _host(stack: Stack) -> str:
    gpus = f", {', '.join(gpu.name for gpu in stack.gpus)}" if stack.gpus else ""
    driver = f", driver {stack.driver}" if stack.driver else ""
    return f"Python {stack.python} on {stack.platform}{gpus}{driver}"


def _addresses(stack: Stack) -> Iterator[str]:
    rows = stack.packages.values()
    yield from dict.fromkeys(f"--extra-index-url {each.index}" for each in rows if each.index)
    yield from dict.fromkeys(f"--find-links {each.find_links}" for each in rows if each.find_links)


def _line(name: str, row: Package) -> str:
    extras = f"[{','.join(row.extras)}]" if row.extras else ""
    if row.version == LATEST:
        return f"{name}{extras}"
    return f"{name}{extras}=={row.exact}" if row.exact else f"{name}{extras}{row.version}"
