"""The pytest plugin: `pytest --stack ID` runs one item per stack and rule.

It is loaded into every test run where stackcheck is installed, so it imports nothing and does nothing until
`--stack` is given; the rest is in `stackcheck.pytest_plugin.session`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; their names all begin with --stack."""
    group = parser.getgroup("stackcheck", "GPU stacks (stackcheck)")
    add = group.addoption
    add(
        "--stack",
        action="append",
        default=[],
        dest="stack",
        metavar="ID|PATH",
        help="check this stack: an id, a family, a glob, a definition, or files and folders of a project; "
        "may be given several times",
    )
    add(
        "--stack-matrices",
        action="append",
        default=[],
        metavar="DIR",
        help="read stack definitions from here instead of ./matrices",
    )
    add(
        "--stack-engine",
        default=None,
        metavar="NAME",
        help="build and probe with this engine: docker, podman, venv (runs the stack's code as this user), "
        "here or an installed one (default: docker; where it does not answer, nothing is run)",
    )
    add(
        "--stack-gpu",
        action="append",
        default=[],
        metavar="L4,H100",
        help="the GPUs that files of a project are for",
    )
    for name, metavar, text in (
        ("--stack-driver", "550.54", "their driver: a version, or a range such as '>=550'"),
        ("--stack-python", "3.12", "their Python, where the files name none or a range"),
        ("--stack-platform", "linux/arm64", "their operating system and processor"),
        ("--stack-base", "IMAGE", "use this base image instead of the stack's"),
        ("--stack-mirror", "PREFIX", "take images of Docker Hub from this registry"),
        ("--stack-ca", "FILE", "trust these CA certificates (PEM) in build steps"),
        ("--stack-locks", "DIR", "read lock files from this folder"),
    ):
        add(name, default="", metavar=metavar, help=text)
    add(
        "--stack-require",
        choices=("stated", "resolved", "bytes", "run", "gpu"),
        default=None,
        help="add an item to each stack that fails when its checks did not come so far",
    )
    add(
        "--stack-level",
        choices=("resolved", "bytes"),
        default=None,
        help="build nothing: judge up to the resolution, or up to the bytes of the unpacked wheels as well",
    )
    for name, text in (
        ("--stack-check-only", "judge definition, tables and resolution; build nothing"),
        ("--stack-offline", "use what is cached, ask no index"),
        ("--stack-allow-outside", "let definitions name files outside of their repository or folder"),
        ("--stack-keep-going", "build a stack although a check before the build failed"),
        ("--stack-strict", "let warnings, and what was not checked, fail"),
    ):
        add(name, action="store_true", help=text)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hook `pytest_stackcheck_report`."""
    from stackcheck.pytest_plugin import hooks  # noqa: PLC0415 - kept out of the import of this module

    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Activate the plugin when `--stack` was given."""
    if config.getoption("stack"):
        from stackcheck.pytest_plugin.items import PLUGIN  # noqa: PLC0415 - heavy, and only for who asks for it
        from stackcheck.pytest_plugin.session import Stacks  # noqa: PLC0415 - likewise

        config.pluginmanager.register(Stacks(config), PLUGIN)
