"""Which findings a definition covers that accepts or expects them. Pure.

A text names a rule, and the thing that its finding is about: `DIST301:flask` covers what is said of flask. A
finding about several things is covered where each of them is. `DIST301` alone covers what is about one thing,
whatever that is, and `DIST301*3` what is about up to three; one warning counts as one thing, whatever it
lists. What breaks later is about something more, and stays a finding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from stackcheck.model.evidence import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.model.verdict import Verdict

_TEXT = re.compile(r"(?P<code>[^:*]+)(?::(?P<thing>.+?))?(?:\*(?P<count>[1-9][0-9]{0,2}))?")
_MOST_NAMED = 6


def code_of(text: str) -> str:
    """Return the rule code of a text such as `DIST301:flask`."""
    return re.split(r"[:*]", text, maxsplit=1)[0]


def covered(stated: Iterable[str], verdicts: Sequence[Verdict]) -> dict[int, tuple[str, ...]]:
    """Return, by their place among `verdicts`, those that the stated texts cover, with these texts.

    A text that would cover more things than it says covers none of them: which one was meant is not known.
    """
    texts = [(text, match) for text in stated if (match := _TEXT.fullmatch(text))]
    named = {(match["code"], match["thing"].casefold()): text for text, match in texts if match["thing"]}
    found: dict[int, tuple[str, ...]] = {}
    left: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(verdicts):
        covering = [named.get((each.code, thing.casefold())) for thing in each.things]
        if covering and all(covering):
            found[number] = tuple(dict.fromkeys(filter(None, covering)))
        else:
            left[each.code].append(number)
    for text, match in texts:
        numbers = left[match["code"]] if not match["thing"] else []
        things = {thing for number in numbers for thing in _things(number, verdicts[number])}
        if len(things) <= int(match["count"] or 1):
            found |= dict.fromkeys(numbers, (text,))
    return found


def _things(number: int, verdict: Verdict) -> Iterator[str | int]:
    """Yield what a finding is about; one that names nothing is about something of its own.

    So is a warning that lists several: it is one advice. What fails is counted by each thing that breaks.
    """
    if not verdict.things or (len(verdict.things) > 1 and verdict.outcome is not Outcome.FAIL):
        yield number
    else:
        yield from (thing.casefold() for thing in verdict.things)


def uncovered_note(text: str, verdicts: Iterable[Verdict]) -> str:
    """Say why a text covers nothing although its rule found something; "" where it found nothing."""
    bad = [each for each in verdicts if each.code == code_of(text)]
    if not bad or ":" in text:
        return ""
    code, things = code_of(text), {thing for each in bad for thing in each.things}
    count = len(things) + sum(not each.things for each in bad)
    named = [f"{code}:{thing}" for thing in sorted(things)]
    shown = " and ".join(named[:_MOST_NAMED]) + (" and so on" if len(named) > _MOST_NAMED else "")
    said = "what is about one thing" if text == code else "fewer things"
    return f"{text} covers {said}, and this is about {count}: state {shown or f'{code}*{count}'}"
