"""Environment markers for a Python and platform of which one may not be stated."""

from typing import get_args

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.markers import holds
from stackcheck.model.platforms import PLATFORMS


@pytest.mark.parametrize(
    ("marker", "answer"),
    [
        ("sys_platform == 'win32' and python_version < '3.12'", False),
        ("sys_platform == 'linux' or python_version < '3.12'", True),
        ("sys_platform == 'linux' and python_version < '3.12'", None),
        ("python_version >= '3.9' or python_version < '3.9'", True),
        ("python_full_version == '3.10.4'", None),
        ("python_version < '3'", False),
        ("extra == 'gpu' and sys_platform == 'darwin'", False),
        ("extra == 'gpu' and sys_platform == 'linux'", None),
        ("platform_release >= '22' and 'x' in extras and os_name == 'nt'", False),
        ("'arm' in platform_machine", False),
    ],
)
def test_what_is_not_stated_decides_only_where_it_can(marker: str, answer: bool | None) -> None:
    assert holds(marker, python=None, platform="linux/amd64") is answer


def test_a_platform_that_is_not_stated_is_every_one() -> None:
    assert holds("os_name == 'posix' or os_name == 'nt'", python=None, platform=None) is True
    assert holds("sys_platform == 'linux'", python=None, platform=None) is None


def test_macs_are_told_apart_by_their_processors() -> None:
    marker = "sys_platform == 'darwin' and platform_machine == 'x86_64'"
    told = {platform: holds(marker, python="3.11", platform=platform) for platform in PLATFORMS}
    assert [platform for platform, held in told.items() if held] == ["macos/amd64"]


def test_a_stack_may_state_each_platform_that_is_known() -> None:
    (stated, _none) = get_args(Stack.model_fields["platform"].annotation)
    assert set(get_args(stated)) == set(PLATFORMS)
