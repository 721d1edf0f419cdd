"""The hook that the pytest plugin offers to a project's conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.steps.options import Options


@pytest.hookspec(firstresult=True)
def pytest_stackcheck_report(
    config: pytest.Config, stack: Stack, options: Options, check_only: bool
) -> Report | None:
    """Return the report of a stack, asked for once a session; None leaves it to stackcheck itself."""
