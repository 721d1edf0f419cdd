"""The JSON Schema of a definition file, for editors (Taplo, Even Better TOML) and for whoever writes one.

Made of the same model that reads the files; what only the reader knows (known GPU names, one version for one
package) it cannot say.
"""

from __future__ import annotations

from typing import Any

from stackcheck.definition import Stack

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def definition_schema() -> dict[str, Any]:
    """Return the schema of one file: `[[stack]]` tables, axes not yet expanded."""
    row = Stack.model_json_schema(by_alias=True)
    definitions = row.pop("$defs")
    definitions.pop("Gpu", None)
    fields = row["properties"]
    for name in ("family", "file"):  # set by the reader
        fields.pop(name)
    fields["gpus"]["items"] = {
        "type": "string",
        "description": "A product name (L4), a compute capability (8.9) or a gfx target (gfx90a).",
    }
    package = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Package"}]}
    fields["packages"]["additionalProperties"] = package
    fields["axes"] = {
        "description": 'python = ["3.11", "3.12"] makes two stacks; a name that is no field fills {name}.',
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
