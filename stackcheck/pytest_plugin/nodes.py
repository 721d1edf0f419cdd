"""What pytest collects on its way to the items: folders, definition files, and the stacks in them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.model.verdict import Level
from stackcheck.pytest_plugin.codes import codes_of, names_of
from stackcheck.pytest_plugin.items import REACH, REST, ReachItem, RuleItem, plugin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack


class StackFolder(pytest.Directory):
    """A folder of definition files, collected once: pytest collects `Dir` again for each of its files."""

    @cached_property
    def _collected(self) -> list[pytest.Item | pytest.Collector]:
        found: list[pytest.Item | pytest.Collector] = []
        hook = self.ihook
        for path in sorted(self.path.iterdir()):
            asked = self.session.isinitpath(path, with_parents=True)
            if not asked and hook.pytest_ignore_collect(collection_path=path, config=self.config):
                continue
            if path.is_dir():
                folder = hook.pytest_collect_directory(path=path, parent=self)
                found += [folder] if folder else []
            elif path.is_file():
                found += hook.pytest_collect_file(file_path=path, parent=self)
        return found

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Return what pytest finds in the folder."""
        return self._collected


class StackFile(pytest.File):
    """A definition file; holds the chosen stacks of it."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield one node per chosen stack."""
        for stack in plugin_of(self.config).by_path[self.path]:
            yield StackNode.from_parent(self, name=stack.id, stack=stack)


class StackNode(pytest.Collector):
    """A stack; holds one item per rule."""

    def __init__(self, *, stack: Stack, **rest: Any) -> None:
        """Keep the stack."""
        super().__init__(**rest)
        self.stack = stack

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item per code, runs nothing; the last one takes the verdicts of all other codes."""
        plugin = plugin_of(self.config)
        codes = codes_of(self.stack, check_only=plugin.check_only, bytes_too=plugin.options.bytes)
        for code in codes:
            for name, subject in names_of(code, self.stack):
                yield RuleItem.from_parent(self, name=name, stack=self.stack, codes=(code,), subject=subject)
        yield RuleItem.from_parent(self, name=REST, stack=self.stack, codes=codes)
        if required := plugin.required:
            yield ReachItem.from_parent(self, name=REACH, stack=self.stack, required=Level[required.upper()])
