"""Distributions that carry a CUDA version in their name: spconv-cu124, cumm-cu124."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcheck.model.facts import Facts


def has(*families: str) -> Any:
    """Make a `when`: the stack states, or the target has, a distribution such as spconv-cu124."""

    def stated_or_seen(facts: Facts) -> bool:
        names = set(facts["stack"].packages)
        seen, files = facts.get("distributions"), facts.get("cumm_files")
        if isinstance(seen, dict):
            names |= {each["name"] for each in seen["distributions"]}
        if isinstance(files, dict):
            names |= {each["name"] for rows in files["owners"].values() for each in rows}
        return any(name.partition("-")[0] in families for name in names)

    return stated_or_seen
