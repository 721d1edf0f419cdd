"""Read the tasks of SkyPilot: the GPUs that one asks for, its image, and what its setup installs.

Format: https://docs.skypilot.co/en/latest/reference/yaml-spec.html (read 2026-11-30).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stackcheck.intake.compose import unseen
from stackcheck.intake.dockerfiles import is_worth
from stackcheck.intake.documents import rows, table, text_at
from stackcheck.intake.stated import Found, Open, Stated, found_of, gpu_named
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.intake.yamls import documents, place
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND = "SkyPilot task"
_HOME = "/root/sky_workdir"
"""Where `workdir` lies on the machine, and the commands run."""


def read(text: str, folder: Path, shown: str) -> Found:
    """Read the tasks of a file, each a stack of its own. Raises UsageError for what is none."""
    tasks = [each for each in documents(text, shown) if isinstance(each, dict)]
    found = [
        _task(each, folder, shown, text) for each in tasks if {"resources", "setup", "run"} & each.keys()
    ]
    if not found:
        raise UsageError(f"{shown}: this is not a task of SkyPilot: it has no resources, setup or run.")
    return Found(KIND, shown, containers=tuple(found))


def _task(task: Any, folder: Path, shown: str, text: str) -> Found:
    said: list[Stated | Open] = [*_resources(table(task, "resources"), shown)]
    variables = {name: str(value) for key in ("envs", "secrets") for name, value in table(task, key).items()}
    for name, value in variables.items():
        if is_worth(name):
            said.append(Stated(f"env.{name}", value, place(task["envs"], name, shown)))
    left = Left()
    workdir = text_at(task, "workdir")
    copied = ((_HOME, workdir),) if workdir and "://" not in workdir else ()
    for key in ("setup", "run"):
        script = text_at(task, key)
        if script:
            raw = text.split("\n")
            line = place(task, key, shown).line
            run_script(script, variables, Here(raw, shown, line, folder, "", _HOME, copied), left)
    return found_of(KIND, shown, [*said, *left.said()], text_at(task, "name") or "task")


def _resources(resources: Any, shown: str) -> Iterator[Stated | Open]:
    image = text_at(resources, "image_id")
    if image.startswith("docker:"):
        where = place(resources, "image_id", shown)
        yield Stated("image.ready", image.removeprefix("docker:"), where)
        yield from unseen(image.removeprefix("docker:"), where)
    asked = resources.get("accelerators")
    if not asked:
        return
    where = place(resources, "accelerators", shown)
    names = list(asked) if isinstance(asked, dict) else rows(asked) or [asked]
    yield Stated("accelerator", "cuda", where)
    for each in names:
        yield gpu_named(re.sub(r":[\d.]+$", "", str(each)).strip(), where)
