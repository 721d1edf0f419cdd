"""Rules about chains of images, each tier built on the one below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.dockerfiles.dockersteps import bases
from stackcheck.dockerfiles.tiers import from_fault
from stackcheck.model.facts import Fault
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.python import Pythons

_FROM = Evidence(
    "FROM names the image that a build starts from", "https://docs.docker.com/reference/dockerfile/#from"
)


def _is_tier(facts: Facts) -> bool:
    return bool(facts["stack"].below)


def _own_tier(facts: Facts) -> bool:
    return _is_tier(facts) and bool(facts["stack"].image.dockerfile)


@rule("TIER101", when=_own_tier)
def tier_builds_on_the_one_below(stack: Stack, dockerfile: str) -> Finding:
    """The Dockerfile of a tier builds on the image of the tier below.

    A chain is only as good as its FROM lines: one that still names the old base brings back what the tiers
    below were made to avoid, a second Python and conda among it.

    Source: https://docs.docker.com/reference/dockerfile/#from
    Example: `FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel` in a tier over pytorch-clean:2.6.0-cuda12.4.
    Fix: FROM the `image.tag` of the tier below.
    """
    under = stack.below[-1]
    name = under.image.tag or under.image.ready or "a name (state image.tag there)"
    if fault := from_fault(stack, bases(dockerfile)):
        return failed(
            f"{stack.id} is stated to be built on {under.id}, but {fault}.",
            _FROM,
            expected=f"FROM {name}",
            found=", ".join(bases(dockerfile)) or "no FROM",
            hint=f"write FROM {name}, or take image.from_stack out",
        )
    return passed(f"{stack.id} is built on {name}, the image of {under.id}.", _FROM)


@rule("TIER301", when=_is_tier)
def all_tiers_are_there(stack: Stack, building: Any) -> Finding:
    """Every image of the chain is there.

    Sizes are uncompressed; `+` is what a tier adds to the one below.

    Source: the engine, asked for each image.
    Example: the image of one tier was removed: it, and all after it, have to be built again.
    Fix: `stackcheck build` of the last tier builds what is missing; `--plan` says what that is.
    """
    wanted = [each.id for each in (*stack.below, stack)]
    if isinstance(building, Fault):
        return skipped(f"the chain {' -> '.join(wanted)} is not there: its build did not succeed")
    found = {each.stack: each for each in building.tiers}
    if building.kind != "image" or not found:
        return skipped(f"a {building.kind} has no tiers; the docker engine builds {' -> '.join(wanted)}")
    gone = [name for name in wanted if name not in found]
    if gone:
        return failed(
            f"{len(gone)} of {len(wanted)} tiers are missing: {', '.join(gone)}.",
            expected=", ".join(wanted),
            found=", ".join(found) or "none",
            hint=f"build them: stackcheck build {stack.id}",
        )
    return passed(
        f"all {len(wanted)} tiers are there: {sizes(building.tiers)}.",
        *(Evidence(f"{each.stack} is {each.name}", each.id) for each in building.tiers),
    )


@rule("TIER302", when=_is_tier)
def chain_has_one_python(pythons: Pythons) -> Finding:
    """An image at the end of a chain has one Python, and no conda.

    Each tier can bring another interpreter, and pip then installs where nobody looks: a base image with conda
    below a distribution's python3 is the usual one.

    Source: https://docs.conda.io, "Using pip in an environment"; github.com/pytorch/pytorch/issues/138991
    Example: FROM pytorch/pytorch (conda in /opt/conda), then apt-get install python3.10.
    Fix: build on an image without Python, and install one in the lowest tier.
    """
    rows = [f"{each['version']} ({each['path']})" for each in pythons["pythons"]]
    conda = ", ".join(pythons["conda"])
    if len(rows) == 1 and not conda:
        return passed(f"the image has one Python, {rows[0]}, and no conda.")
    if not rows:
        return skipped("no Python was found in the usual folders")
    count = "one Python" if len(rows) == 1 else f"{len(rows)} Pythons"
    return warned(
        f"the image has {count}, {', '.join(rows)}, and {f'conda in {conda}' if conda else 'no conda'}.",
        expected="one Python, no conda",
        found=f"{count}, {'conda' if conda else 'no conda'}",
        hint="find the tier that brought it with `docker history`, and install one Python in the lowest",
    )


def sizes(tiers: Any) -> str:
    """Return "base 289 MB, training +12 MB": the lowest tier whole, then what each adds."""
    rows: list[str] = []
    below = 0
    for each in tiers:
        rows.append(f"{each.stack} {'+' if rows else ''}{_megabytes(each.size_bytes - below)}")
        below = each.size_bytes
    return ", ".join(rows)


def _megabytes(size: int) -> str:
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.1f} MB" if abs(size) >= 100_000 else f"{size / 1e3:.1f} kB"
