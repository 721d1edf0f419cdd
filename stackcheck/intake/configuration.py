"""What a project states once for all calls: `stackcheck.toml`, or `[tool.stackcheck]` in pyproject.toml.

It says where definitions are, and of a project's own files what they leave open. How something is run (an
engine, say) is never a file's to decide: it may be somebody else's file.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stackcheck.model.errors import UsageError
from stackcheck.model.near import did_you_mean
from stackcheck.storage.project_file import OWN, SHARED, stated
from stackcheck.storage.reading import read_text
from stackcheck.storage.stack_files import project_folder

_CALL = "that is for the call, or for the environment of who calls: a file of a project does not choose it"
_STRICT = ConfigDict(extra="forbid", frozen=True, defer_build=True)
_REFUSED = dict.fromkeys(("engine", "mirror", "base", "ca", "secret", "cache"), _CALL)


def _reason(text: str) -> str:
    if len(text.strip()) < 8:
        raise ValueError("say why in a few words, for those who read it later")
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _with_reason(value: Any) -> Any:
    return {"reason": value} if isinstance(value, str) else value


class Ignore(BaseModel):
    """Why a finding is accepted, and until which day, which is still in."""

    model_config = _STRICT
    reason: Annotated[str, AfterValidator(_reason)]
    until: dt.date | None = None


class Configuration(BaseModel):
    """The keys of the file.

    `matrices` are folders beside it, in which definitions are. `gpus`, `driver`, `python`, `platform` and
    `ignore` are for a project's own files, which cannot say them; a definition has its own. `require` is the
    level that `--require` asks for where the call does not say it. `knowledge` are folders beside it that are
    read after what ships (`stackcheck.knowledge.folders`), old after `knowledge_days`.
    """

    model_config = _STRICT
    matrices: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    gpus: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    driver: str | None = None
    python: str | None = None
    platform: str | None = None
    ignore: dict[str, Annotated[Ignore, BeforeValidator(_with_reason)]] = Field(default_factory=dict)
    require: Literal["stated", "resolved", "bytes", "run", "gpu"] | None = None
    knowledge: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    knowledge_days: Annotated[int, Field(gt=0)] | None = None

    def accepted(self, today: dt.date) -> dict[str, str]:
        """Return the codes that are ignored today, each with its reason."""
        return {
            code: each.reason for code, each in self.ignore.items() if not each.until or each.until >= today
        }

    def expired(self, today: dt.date) -> tuple[str, ...]:
        """Return a sentence for each ignore that has ended."""
        return tuple(
            f"{code} is not ignored any more: that ended on {each.until} ({each.reason})."
            for code, each in self.ignore.items()
            if each.until and each.until < today
        )


_LEFT_OUT: ContextVar[bool] = ContextVar("left_out", default=False)


@contextmanager
def without_configuration() -> Iterator[None]:
    """Leave out what the project states, in this thread: it may be a stranger's."""
    token = _LEFT_OUT.set(True)
    try:
        yield
    finally:
        _LEFT_OUT.reset(token)


def files_of_configuration() -> tuple[str, ...]:
    """Return the names of the files in which the project around the working folder may state something."""
    folder = project_folder()
    found = [OWN] if (folder / OWN).is_file() else []
    try:
        shared = "tool.stackcheck" in read_text(folder / SHARED)
    except UsageError:
        shared = False
    return (*found, *([f"[tool.stackcheck] of {SHARED}"] if shared else []))


def configuration() -> tuple[Configuration, str]:
    """Return what the project around the working folder states, and the file; defaults and "" without one.

    Raises UsageError with every fault of the file.
    """
    found = None if _LEFT_OUT.get() else stated()
    if found is None:
        return Configuration.model_construct(), ""  # nothing to check, for which pydantic takes 5 ms
    return _parsed(found[0], str(found[1])), str(found[1])


def _parsed(document: Any, file: str) -> Configuration:
    where = "" if Path(file).name == OWN else "tool.stackcheck."
    try:
        return Configuration.model_validate(document)
    except ValidationError as error:
        raise UsageError("\n".join(f"{file}: {where}{text}" for text in _faults(error))) from None


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        keys = [str(key) for key in fault["loc"] if not str(key).startswith("function-")]
        said = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            model = Ignore if len(keys) > 1 else Configuration
            said = _REFUSED.get(keys[-1]) or f"unknown key{did_you_mean(keys[-1], list(model.model_fields))}"
        end = "" if said.endswith((".", "?")) else "."
        yield f"{'.'.join(keys) or 'stackcheck'}: {said[0].lower()}{said[1:]}{end}"
