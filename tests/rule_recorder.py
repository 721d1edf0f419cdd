"""A pytest plugin that notes what each rule said in the tests that were run: code -> the outcomes of a call.

Loaded with `-p tests.rule_recorder` before any rule is imported; RULE_RECORD names the file that it writes.
"""

from __future__ import annotations

import functools
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.rules import registry

if TYPE_CHECKING:
    from collections.abc import Callable

SAID: defaultdict[str, set[str]] = defaultdict(set)
_register = registry.rule


def _recording_rule(code: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(judge: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(judge)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            found = judge(*args, **kwargs)
            if isinstance(found, Iterator):
                found = list(found)
            findings = [] if found is None else [found] if isinstance(found, registry.Finding) else found
            worst = max((finding.outcome for finding in findings), default=None)
            SAID[code].add("nothing" if worst is None else worst.name)
            return found

        return _register(code, **options)(recorded)

    return register


registry.rule = _recording_rule


def pytest_unconfigure() -> None:
    """Write what was said."""
    said = {code: sorted(outcomes) for code, outcomes in sorted(SAID.items())}
    Path(os.environ["RULE_RECORD"]).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
