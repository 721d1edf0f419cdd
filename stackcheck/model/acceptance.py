"""Which findings a definition covers that accepts or expects them. Pure.

A text names a rule, and what its finding is about where more than one thing may have it: `DIST301` covers one
finding, or several about one thing; `DIST301:flask` those about flask; `LOCK201*3` up to three, for rules
whose findings are about nothing that has a name. What breaks later is a finding more, and stays one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.model.verdict import Verdict

_TEXT = re.compile(r"(?P<code>[^:*]+)(?::(?P<subject>[^*]+))?(?:\*(?P<count>[1-9][0-9]{0,2}))?")


def code_of(text: str) -> str:
    """Return the rule code of a text such as `DIST301:flask`."""
    return re.split(r"[:*]", text, maxsplit=1)[0]


def covered(stated: Iterable[str], verdicts: Sequence[Verdict]) -> dict[int, str]:
    """Return, by their place among `verdicts`, those that a stated text covers, with that text.

    A text that would cover more things than it says covers none of them: which one was meant is not known.
    """
    texts = [(text, match) for text in stated if (match := _TEXT.fullmatch(text))]
    found: dict[int, str] = {}
    for text, match in texts:
        if subject := match["subject"]:
            found |= {
                number: text
                for number, each in enumerate(verdicts)
                if each.code == match["code"] and each.subject.casefold() == subject.casefold()
            }
    left: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(verdicts):
        if number not in found:
            left[each.code].append(number)
    for text, match in texts:
        numbers = left[match["code"]] if not match["subject"] else []
        things = {verdicts[number].subject or number for number in numbers}
        if len(things) <= int(match["count"] or 1):
            found |= dict.fromkeys(numbers, text)
    return found


def uncovered_note(text: str, verdicts: Iterable[Verdict]) -> str:
    """Say why a text covers nothing although its rule found something; "" where it found nothing."""
    bad = [each for each in verdicts if each.code == code_of(text)]
    if not bad or ":" in text:
        return ""
    named = sorted({each.subject for each in bad if each.subject})
    instead = f"state {text}:{named[0]} and so on" if named else f"state {code_of(text)}*{len(bad)}"
    return f"{text} covers one finding, and there are {len(bad)}: {instead}"
