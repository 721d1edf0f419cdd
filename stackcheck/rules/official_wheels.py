"""What the tables list are the wheels of PyPI and of PyTorch's index: which row speaks of a stack."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from stackcheck.model.build import parse_tag
from stackcheck.model.evidence import Outcome
from stackcheck.rules.grading import no_data
from stackcheck.rules.registry import Finding, as_list, skipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.torch import Release
    from stackcheck.rules.registry import Findings

ROCM_PLATFORM = "linux/amd64"
"""The only platform that PyTorch's own ROCm wheels are for. Source: pytorch/test-infra
tools/scripts/generate_binary_build_matrix.py, which adds ROCm for os == LINUX alone, and other lists for
linux-aarch64 (checked 2026-11-20)."""


def official_wheels(
    name: str = "torch", *, tagged: bool = False
) -> Callable[[Callable[..., Findings]], Callable[..., Findings]]:
    """Mark a rule that judges a distribution by the lists of its official wheels.

    Where another maker builds it under the same version, the lists say nothing: one SKIP. Where it may come
    from an index that nobody here knows, the official wheel is judged, what would be a FAIL is a WARN, and
    the assumption is named. A finding whose `subject` is another distribution is held to that one's sources.
    `tagged`: the rule reads the tag of torch alone, which says what it says on any page.
    """

    def decorate(judge: Callable[..., Findings]) -> Callable[..., Findings]:
        @functools.wraps(judge)
        def held(**facts: Any) -> list[Finding]:
            env: Environment = facts["env"]
            if tagged and env.torch.sure:
                return as_list(judge(**facts))
            found = [_held(finding, env, finding.subject or name) for finding in as_list(judge(**facts))]
            return list(dict.fromkeys(found)) if len(found) > 1 else found

        return held

    return decorate


def _held(finding: Finding, env: Environment, name: str) -> Finding:
    place, found = env.elsewhere(name), env.packages.get(name)
    of_index = found is not None and found.is_wheel and (name != "torch" or env.torch.is_wheel)
    if place is None or not of_index:
        return finding
    local = found.exact.local if found and found.exact else None
    if place.kind == "vendor" or (local and parse_tag(local) is None):  # +c6f3977: somebody's own build
        return skipped(
            f"no data on the wheels of {place.name}, which may be where {name} comes from"
        )._replace(
            subject=name,
        )
    if finding.outcome is not Outcome.FAIL:
        return finding
    text = f"{finding.message} That holds if {place.name} has the official wheel of {name}, which is assumed."
    return finding._replace(outcome=Outcome.WARN, message=text, unverified=True)


def torch_release(env: Environment, tables: Tables) -> Release | None:
    """Return the table row of the stack's torch; None where its version is not known or has no row."""
    return tables.torch.release(env.torch.version) if env.torch.version else None


def listed_release(version: Version, tables: Tables) -> Release | Finding:
    """Return the row of a version of torch, or the SKIP that says why the tables cannot judge it."""
    release, newest = tables.torch.release(version), tables.torch.newest.torch
    if release is None and version > newest and not version.is_prerelease:
        return no_data(f"torch {version.public}", f"torch {newest}", tables.torch.checked)
    if release is None:
        why = "nightly builds and other pre-releases are not" if version.is_prerelease else "it is not"
        where = f"in the tables of stackcheck, checked on {tables.torch.checked}"
        return skipped(f"no data on torch {version.public}: {why} {where}")
    return release


def not_pinned(what: str) -> Finding:
    """Say that something was not held against torch because its version is not known."""
    return skipped(
        f"{what}: which torch the stack gets is not known",
        hint="pin torch, or let the pins be resolved (without --offline)",
    )


def comes_with_image(env: Environment) -> bool:
    """Tell whether something else than an index may bring the packages: a ready image, a Dockerfile."""
    return bool(env.stack.image.ready or env.stack.image.dockerfile)
