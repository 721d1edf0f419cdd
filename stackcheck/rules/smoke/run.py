"""The team's own smoke tests that need no GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, rule
from stackcheck.rules.smoke.ran import has_smoke, judged_tests, names_of

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.smoke import Smoke


@rule("SMOKE301", when=has_smoke("run"), about="smoke test", subjects=names_of("run"))
def smoke_tests_pass(stack: Stack, smoke: Smoke) -> list[Finding]:
    """Each smoke test of the stack that needs no GPU ends as its definition says.

    A team knows best what its program needs of a stack. What it states under `[[stack.smoke]]` runs in the
    target, isolated as probes are, and stands in the report under its own name.

    Source: the definition of the stack, and the exit status and output of the test.
    Example: `script = "smoke/import_all.py"` ends with exit 1 and an ImportError.
    Fix: run the command in the target by hand; its last output is the evidence.
    """
    return judged_tests(stack, "run", smoke)
