"""SARIF against the schema that OASIS publishes, as an npm package ships it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from stackcheck.report import render_document
from tests.browser.conftest import SARIF
from tests.browser.test_pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def validator(from_npm: Callable[[tuple[str, str]], str]) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(from_npm(SARIF)), format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("what", PAGES)
def test_sarif_is_valid(what: str, validator: jsonschema.Draft7Validator) -> None:
    log = json.loads(render_document(PAGES[what](), "sarif"))
    assert [error.message for error in validator.iter_errors(log)] == []
    del log["runs"][0]["tool"]
    assert not validator.is_valid(log)
