"""The JSON Schema of a definition file, for editors (Taplo, Even Better TOML) and for whoever writes one.

Made of the same model that reads the files; what only the reader knows (known GPU names, one version for one
package) it cannot say.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from stackcheck.intake import stack
from stackcheck.intake.stack import Stack

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import core_schema

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


class _Written(GenerateJsonSchema):
    """Describe a GPU as it is written: as a name."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> dict[str, Any]:  # noqa: ARG002
        return {
            "type": "string",
            "description": "A product name (L4), a compute capability (8.9) or a gfx target (gfx90a).",
        }


def definition_schema() -> dict[str, Any]:
    """Return the schema of one file: `[[stack]]` tables, axes not yet expanded."""
    row = _as_toml(Stack.model_json_schema(by_alias=True, schema_generator=_Written))
    definitions = row.pop("$defs")
    for name, rows in {**definitions, "Stack": row}.items():
        _describe(rows, getattr(stack, name))
    fields = row["properties"]
    for name in ("family", "file", *stack.FILLED_IN):  # set by the reader
        fields.pop(name)
    package = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Package"}]}
    fields["packages"]["additionalProperties"] = package
    _widen_origin(definitions["Package"])
    fields["axes"] = {
        "description": 'python = ["3.11", "3.12"] makes two stacks; a name that is not a field fills {name}.',
        "type": "object",
        "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    }
    fields["id_format"] = {"description": "Default: <id>-py311.", "type": "string"}
    fields["exclude"] = {"description": "Combinations to leave out.", "type": "array", "items": _TEXTS}
    fields["include"] = {"description": "Combinations to add.", "type": "array", "items": _TEXTS}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "stackcheck stack definitions",
        "description": "Every field but id may be left out; what is not stated fails no rule.",
        "type": "object",
        "additionalProperties": False,
        "required": ["stack"],
        "properties": {"stack": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Stack"}}},
        "$defs": {**definitions, "Stack": row},
    }


def _widen_origin(package: dict[str, Any]) -> None:
    """Allow what the reader takes beyond the model: `from = "git+..."`, and no version beside it."""
    words = package["properties"]["from"]
    address = {"type": "string", "pattern": r"^(?:git\+|https?://|file:|\.{0,2}/)"}
    package["properties"]["from"] = {
        "description": "What it is (wheel, source, conda), or the repository, URL or path of it.",
        "anyOf": [words, address],
    }
    del package["required"]
    places = [{"required": [each]} for each in ("version", "git", "url", "path")]
    package["anyOf"] = [*places, {"required": ["from"], "properties": {"from": address}}]


def _as_toml(schema: Any) -> Any:
    """Drop what TOML cannot say (null) and what only repeats: titles, and defaults that mean "not stated"."""
    if isinstance(schema, list):
        return [_as_toml(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _as_toml(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and key != "default"
    }
    choices = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        return {**{key: value for key, value in kept.items() if key != "anyOf"}, **choices[0]}
    return kept


def _describe(rows: dict[str, Any], model: type[BaseModel]) -> None:
    """Give a table and its fields the first line of their docstrings, which editors show."""
    rows["description"] = rows["description"].partition("\n")[0]
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - the source of a class
    aliases = {info.alias or name: name for name, info in model.model_fields.items()}
    texts = {
        field.target.id: inspect.cleandoc(after.value.value).replace("\n", " ")
        for field, after in pairwise(tree.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }
    for key, schema in rows["properties"].items():
        if text := texts.get(aliases[key]):
            schema["description"] = text
