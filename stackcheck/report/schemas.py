"""The JSON Schema of a document, made by pydantic from the types of its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


def row(name: str, keys: Mapping[str, Any]) -> type[Any]:
    """Return the type of an object with these keys, all of them required."""
    from pydantic import ConfigDict, create_model  # noqa: PLC0415 - 80 ms, and only a schema needs it

    config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)
    return create_model(name, __config__=config, **{key: (kind, ...) for key, kind in keys.items()})  # type: ignore[call-overload,no-any-return]


def document_schema(title: str, description: str, version: int, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a document that says its version, what wrote it, and these keys."""
    tool = row("Tool", {"name": Literal["stackcheck"], "version": str})
    # A version is a literal of this one number; mypy knows literals of constants only.
    kind = row("Document", {"schema_version": Literal[version], "tool": tool, **keys})
    made: dict[str, Any] = kind.model_json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return head | made | {"title": title, "description": description}
