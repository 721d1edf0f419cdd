"""The schema for editors says what the reader does."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from stackcheck.intake.catalog import load_text
from stackcheck.intake.stack_schema import definition_schema

MATRICES = Path(__file__).parents[3] / "matrices"
FILES = sorted(MATRICES.glob("*.toml"))
VALIDATOR = jsonschema.Draft7Validator(definition_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_shipped_definition_matches(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert [fault.message for fault in VALIDATOR.iter_errors(tomllib.loads(text))] == []
    assert text.startswith("#:schema ./stack.schema.json\n")


def test_the_shipped_schema_is_current() -> None:
    shipped = json.loads((MATRICES / "stack.schema.json").read_text(encoding="utf-8"))
    assert shipped == definition_schema(), "run: stackcheck schema -o matrices/stack.schema.json"


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(definition_schema())


@pytest.mark.parametrize(
    "row",
    [
        'id = "a"\npyhton = "3.11"',
        'id = "a"\npython = 3.11',
        'id = "a"\nplatform = "linux"',
        'id = "A space"',
        'id = "a"\n[stack.packages]\ntorch = { version = "2.5.0", form = "wheel" }',
        'id = "a"\n[stack.packages]\ntorch = 2',
        'id = "a"\n[stack.axes]\npython = "3.11"',
        'id = "a"\n[stack.ignore]\nAB101 = "short"',
        'python = "3.11"',
        'id = "a"\ngpus = [8.9]',
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(row: str) -> None:
    text = f"[[stack]]\n{row}\n"
    assert load_text(text, file="x.toml")[1]
    assert list(VALIDATOR.iter_errors(tomllib.loads(text)))


def test_fields_are_described_for_editors() -> None:
    fields = definition_schema()["$defs"]["Stack"]["properties"]
    assert fields["cuda"]["description"] == 'CUDA version of the wheels, such as "12.4".'
    assert "null" not in json.dumps(definition_schema())
