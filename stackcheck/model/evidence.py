"""Outcome, Level and Evidence: how bad something is, how strong what shows it is, and where that stands.

Every command names an outcome, and few make a verdict. So these stand alone: the standard library's
`dataclasses`, of which a verdict is one, take as long to import as an interpreter to start.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class _Worded(enum.IntEnum):
    """A scale whose steps stand in documents by their words, not by their numbers."""

    @property
    def word(self) -> str:
        """Return the name as reports spell it."""
        return self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Tell pydantic how it stands in JSON; called only where pydantic is imported already."""
        from pydantic_core import core_schema  # noqa: PLC0415 - most commands read and write no JSON

        words = {each.word: each for each in cls}
        text = core_schema.literal_schema(list(words))
        return core_schema.no_info_after_validator_function(
            words.__getitem__,
            text,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda each: each.word, return_schema=text
            ),
        )


class Outcome(_Worded):
    """How bad it is. The order is part of the public interface: PASS < WARN < SKIP < FAIL < ERROR."""

    PASS = 0
    WARN = 1
    SKIP = 2
    """Not checked, always with the reason. Never counted as good."""
    FAIL = 3
    ERROR = 4
    """stackcheck or a probe could not do its work; says nothing about the stack."""


class Level(_Worded):
    """How strong the evidence is. The order and the names are part of the public interface."""

    STATED = 0
    """The definition and the tables."""
    RESOLVED = 1
    """What the resolver takes, with its METADATA; the lock and the index pages behind it."""
    BYTES = 2
    """The files of the wheels, nothing run."""
    RUN = 3
    """Built; imported and computed on the CPU."""
    GPU = 4
    """Computed on the device."""

    @property
    def word(self) -> str:
        """Return the name as reports spell it: stated, resolved, bytes, run, gpu."""
        return self.name.lower()

    @property
    def meaning(self) -> str:
        """Return in a few words what was looked at when a check of this level has an answer."""
        return _MEANINGS[self.value]


_MEANINGS = (
    "definition and tables",
    "what the resolver takes",
    "the files of the wheels, nothing run",
    "imports and computes on the CPU",
    "computes on the GPU",
)


class Evidence(NamedTuple):
    """What a verdict rests on: a file, symbol, metadata line or table row, and where it can be read."""

    what: str
    source: str = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic that it stands in JSON by its names, not as an array; called as that of `_Worded`."""
        from pydantic_core import core_schema  # noqa: PLC0415 - most commands read and write no JSON

        text = core_schema.str_schema()
        default = core_schema.with_default_schema(text, default="")
        fields = {
            "what": core_schema.typed_dict_field(text),
            "source": core_schema.typed_dict_field(default, required=False),
        }
        row = core_schema.typed_dict_schema(fields, cls=cls, extra_behavior="forbid")
        as_row = core_schema.plain_serializer_function_ser_schema(cls._asdict, return_schema=row)
        return handler(source) | {"serialization": as_row}
