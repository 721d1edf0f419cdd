"""The team's own smoke tests that need a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, rule
from stackcheck.rules.smoke.ran import has_smoke, judged_tests, names_of

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.smoke import SmokeGpu


@rule("SMOKE401", when=has_smoke("gpu"), about="smoke test", subjects=names_of("gpu"))
def gpu_smoke_tests_pass(stack: Stack, smoke_gpu: SmokeGpu) -> list[Finding]:
    """Each smoke test of the stack that needs a GPU ends as its definition says.

    Where there is no GPU they are not run, and the report says that they were not reached.

    Source: the definition of the stack, and the exit status and output of the test.
    Example: a forward pass of spconv that ends in "no kernel image is available for execution".
    Fix: run the command in the target by hand; its last output is the evidence.
    """
    return judged_tests(stack, "gpu", smoke_gpu)
