"""A team's own smoke test: a command or a script that runs in the target, and what it should do."""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from stackcheck.model.field_texts import Strict

MOST_SECONDS = 3600


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or path == PurePosixPath():
        raise ValueError(f"{name!r}: name a file below the folder of the definition")
    return str(path)


Inside = Annotated[str, AfterValidator(_inside)]
"""A file below the folder of the definition, by its path from there: in the target it has the same."""


class Smoke(Strict):
    """One smoke test: `[[stack.smoke]]` in a definition.

    It runs in the target as probes do: a process tree of its own, bounded, in an empty folder that holds
    nothing but `script` and `files`. Exactly one of `command` and `script` is stated.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)
    """Its name in reports, in lower case: "spconv-forward"."""
    command: tuple[str, ...] = ()
    """Words of a command, none of them read by a shell; a first word `python` is the target's interpreter."""
    script: Inside | None = None
    """A file that is run: by the target's interpreter when its name ends in .py, else by /bin/sh."""
    args: tuple[str, ...] = ()
    """What the script is given."""
    files: tuple[Inside, ...] = ()
    """Files that are copied beside it, read-only, under the same paths."""
    level: Literal["run", "gpu"] = "run"
    """`gpu`: it needs a GPU, and without one it was not run."""
    exit: int = Field(default=0, ge=0, le=255)
    """The exit code that is right."""
    prints: str | None = Field(default=None, min_length=1, max_length=1000)
    """A text that its standard output must contain."""
    timeout_s: int = Field(default=60, ge=1, le=MOST_SECONDS)

    @model_validator(mode="after")
    def _one_way(self) -> "Smoke":
        if bool(self.command) == bool(self.script):
            raise ValueError("state either `command` or `script`")
        if self.args and not self.script:
            raise ValueError("`args` belong to a `script`; a `command` holds its own")
        return self

    @property
    def title(self) -> str:
        """Return what is run, in one line."""
        return " ".join(self.command or (self.script or "", *self.args))
