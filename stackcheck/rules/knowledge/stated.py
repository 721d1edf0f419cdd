"""How old what a stack is judged by is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck.rules.registry import Finding, given, rule, warned

if TYPE_CHECKING:
    from stackcheck.knowledge.dated import Dated

_MOST = 8


@rule("KNOW101", when=given("dated"), about="package")
def knowledge_is_not_old(dated: Dated) -> Finding | None:
    """What the stack is judged by was checked in the last months.

    Releases, drivers and withdrawn files go on after the day on which a fact was last held against its
    source: old knowledge misses what broke since, and calls what is new unknown. It is asked of the packages
    of the stack, and of torch, toolkits, drivers and GPUs. The limit is 90 days, the `knowledge_days` of the
    project, or $STACKCHECK_KNOWLEDGE_DAYS.

    Source: the `checked` dates of the files (`stackcheck knowledge info`).
    Example: an installation of last year.
    Fix: `stackcheck knowledge update`, a newer stackcheck, or `stackcheck tables refresh --write`.
    """
    if not dated.old:
        return None
    oldest, names = dated.old[0][1], [name for name, _ in dated.old]
    days = (dated.today - oldest).days
    return warned(
        f"What is known of {some(names, _MOST)} is up to {days} days old: it was last checked on {oldest}.",
        expected=f"checked in the last {dated.limit} days",
        found=f"checked on {oldest}",
        hint="take newer knowledge: `stackcheck knowledge update`, a newer stackcheck, or for what the "
        "package index says `stackcheck tables refresh --write` and `stackcheck learn PACKAGE`",
        about=names,
    )
