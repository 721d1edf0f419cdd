"""Read GitHub workflows: each combination of a job's matrix that installs torch is a stack of its own.

Format: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stackcheck.intake.documents import rows, table, text_at
from stackcheck.intake.stated import Found, Open, Stated, found_of
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.intake.yamls import documents, place
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KIND = "workflow"
_MOST = 64
"""Combinations of one matrix that are read; GitHub itself runs 256 at most."""
_EXPRESSION = re.compile(r"\$\{\{([^{}]*)\}\}")
_NAME = re.compile(r"(?:matrix|env)\.[\w.-]+")
_COMPARED = re.compile(r"(matrix\.[\w.-]+)\s*(==|!=)\s*'([^']*)'")


def read(text: str, folder: Path, shown: str) -> Found:
    """Read the jobs of a workflow; `folder` is that of the project. Raises UsageError for what is none."""
    document = next(iter(documents(text, shown)), None)
    jobs = table(document, "jobs")
    if not jobs:
        raise UsageError(f"{shown}: this is not a workflow: it has no jobs.")
    found: list[Found] = []
    for name, job in jobs.items():
        if isinstance(job, dict) and "steps" in job:
            outer = {**_variables(document), **_variables(job)}
            cells = list(itertools.islice(_combinations(table(job, "strategy", "matrix")), _MOST + 1))
            cut = f"the matrix of {name} has more than {_MOST} combinations: the first of them were read."
            said = (Open(cut, place(jobs, name, shown)),) if len(cells) > _MOST else ()
            members = [_member(name, job, each, outer, _File(folder, shown)) for each in cells[:_MOST]]
            found += [replace(each, open=each.open + said) for each in members if "torch" in each.packages]
    return Found(KIND, shown, containers=tuple(found))


def _variables(value: Any) -> dict[str, str]:
    return {f"env.{name}": str(each) for name, each in table(value, "env").items()}


def _combinations(matrix: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the combinations of a matrix, as `include` and `exclude` change them.

    A row of `include` extends each combination that it does not overwrite, else it is one of its own.
    """
    axes = {
        key: rows(value) for key, value in matrix.items() if key not in {"include", "exclude"} and rows(value)
    }
    excluded = [_flat(each) for each in rows(matrix, "exclude")]
    included = [_flat(each) for each in rows(matrix, "include")]
    product = itertools.product(*axes.values()) if axes else iter(() if included else ((),))
    used: set[int] = set()
    for values in product:
        cell = _flat(dict(zip(axes, values, strict=True)))
        if any(each.items() <= cell.items() for each in excluded if each):
            continue
        own = dict(cell)
        for number, row in enumerate(included):
            if (
                axes
                and all(row[key] == own[key] for key in row.keys() & own.keys())
                and row.keys() & own.keys()
            ):
                used.add(number)
                cell.update(row)
        yield cell
    yield from (row for number, row in enumerate(included) if number not in used)


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    """Return a row with the keys of inner tables as `outer.inner`."""
    found: dict[str, str] = {}
    for key, each in table(value).items():
        if isinstance(each, dict):
            found.update(_flat(each, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = str(each)
    return found


@dataclass(frozen=True, slots=True)
class _File:
    """The workflow that is read: the folder of its project, and its name for the user."""

    folder: Path
    shown: str


def _member(name: str, job: Any, cell: Mapping[str, str], outer: Mapping[str, str], at: _File) -> Found:
    known = {**{f"matrix.{key}": value for key, value in cell.items()}, **outer}
    known = {key: _filled(value, known) for key, value in known.items()}
    left, stated = Left(), list[Stated | Open]()
    container = job.get("container")
    image = _filled(container if isinstance(container, str) else text_at(container, "image"), known)
    if image and "$" not in image:
        stated.append(Stated("image.base", image, place(job, "container", at.shown)))
    for step in (each for each in rows(job, "steps") if isinstance(each, dict)):
        python = _filled(text_at(table(step, "with"), "python-version"), known)
        if re.fullmatch(r"3\.\d+(?:\.\d+)?", python):
            minor = ".".join(python.split(".")[:2])
            stated.append(Stated("python", minor, place(step["with"], "python-version", at.shown)))
        _run(step, known, at, left)
    runner = _filled(text_at(job, "runs-on"), known)
    label = "-".join([name, *cell.values()])
    said = [] if re.match(r"(?:windows|macos)", runner) else [*stated, *left.said()]
    return found_of(KIND, at.shown, said, label)


def _run(step: Any, known: Mapping[str, str], at: _File, left: Left) -> None:
    script = text_at(step, "run")
    if not re.search(r"install|sync|\.sh", script) or _holds(text_at(step, "if"), known) is False:
        return
    where = place(step, "run", at.shown)
    if _holds(text_at(step, "if"), known) is None:
        if "torch" in script:
            left.open.append(Open("whether this step runs is not known here, so it was not read.", where))
        return
    inner = {**known, **_variables(step)}
    variables = {
        key.removeprefix("env."): _filled(each, known) for key, each in inner.items() if key[:4] == "env."
    }
    here = Here((), at.shown, where.line, at.folder, copied=(("/", "."),))
    workdir = text_at(step, "working-directory")
    run_script(
        f"cd {workdir}\n{_filled(script, inner)}" if workdir else _filled(script, inner),
        variables,
        here,
        left,
    )


def _holds(condition: str, known: Mapping[str, str]) -> bool | None:
    """Answer the condition of a step where it compares the matrix with a text; None for any other."""
    match = _EXPRESSION.fullmatch(condition.strip())
    text = (match[1] if match else condition).strip()
    if not text:
        return True
    compared = _COMPARED.fullmatch(text)
    if compared is None:
        return None
    return (known.get(compared[1], "") == compared[3]) == (compared[2] == "==")


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Replace the expressions of a text that name a value of the matrix or a variable."""

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        known_name = _NAME.fullmatch(name)
        return known.get(name, "" if name.startswith("matrix.") else match[0]) if known_name else match[0]

    return _EXPRESSION.sub(value, text)
