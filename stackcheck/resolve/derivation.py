"""Read what uv says when it finds no resolution: which kind of trouble, between which requirements. Pure.

The phrases are those of uv 0.8 to 0.13: recorded from real runs of 0.13.8 (tests/data/uv/), and tried with
each of these minors (tests/integration/index/test_uv_minors.py). Text that is not understood becomes the kind
"resolver", which is an error of the check and never a verdict on the stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from packaging.utils import canonicalize_name

from stackcheck.model.index_urls import plain_url
from stackcheck.model.redact import shown
from stackcheck.model.resolution import THE_STACK, Kind, Unresolved
from stackcheck.resolve.uvinput import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Premise: TypeAlias = tuple[str, str]
"""(who, requirement), such as `("torch==2.5.0", "triton==3.1.0")`; who is PROJECT for the stack itself."""

_CROSS, _BAR = "\N{MULTIPLICATION SIGN} ", "\N{BOX DRAWINGS LIGHT VERTICAL}"
_ARROW = re.compile("\N{BOX DRAWINGS LIGHT ARC UP AND RIGHT}\\S* ")
_URL = re.compile(r"(?:https?|file)://[^\s`'\")]+")
_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})")
_CLAUSE = re.compile(r"(?P<who>[\w.\-\[\]]+(?:[=<>!~]\S*)?)\s+depends? on (?P<what>.*)")
_MARKER = re.compile(r"\{[^}]*\}")
_INVALID = re.compile(
    r"(?:Because|because|and|,)\s+(\S+) has (an? (?:invalid|inconsistent)[^,.]*?)(?= and | so |,|\.)"
)
_MISSING = re.compile(
    r"(?:Because|because|and|,)\s+(?:there (?:is|are) no versions? of (?P<a>\S+)"
    r"|only (?P<b>\S+) (?:is|are) available"
    r"|all of: (?P<e>[\w.-]+\S*) (?:(?!, we can).)*? have no "
    r"|the requested Python version \S+ does not satisfy Python\S* and (?P<c>\S+) depends on Py"
    r"|(?:all versions of )?(?P<d>\S+) "
    r"(?:was not found|has no |have no |was yanked|were yanked|needs? to be downloaded))"
)

_FETCH: Sequence[tuple[str, Kind, str]] = (
    ("dns error|failed to lookup address", "unreachable", "its host name could not be resolved (DNS)"),
    ("connection refused", "unreachable", "the connection was refused"),
    ("operation timed out|deadline has elapsed", "unreachable", "it did not answer in time"),
    (
        "certificate|tls handshake|unknownissuer|received corrupt message",
        "unreachable",
        "TLS could not be established",
    ),
    (
        "answer too large",
        "bad-index",
        "its answer is too large: uv needed more than 800 MB of memory",
    ),
    ("end of file before|error decoding response body", "bad-index", "its answer was cut short"),
    ("unsupported `content-type`", "bad-index", "its answer is not an index page (neither HTML nor JSON)"),
    (r"client error \(connect\)|error sending request", "unreachable", "it could not be reached"),
)
"""What uv's chain of causes holds, what that means, and how to say it; the first that fits."""


def read_failure(stderr: str, *, offline: bool = False, secrets: Iterable[str] = ()) -> Unresolved:
    """Return what uv's error text says."""
    text = shown(_without_frame(stderr.strip()), 6000, secrets)
    if "No solution found" in text:
        return _damaged(text) or _no_solution(text, offline=offline)
    if fetch := _fetch_failure(text):
        return fetch
    if offline and ("network was disabled" in text.lower() or "Network connectivity is disabled" in text):
        return _offline(text)
    first = text.splitlines()[0].removeprefix("error: ") if text else "no message at all"
    return Unresolved("resolver", f"uv could not resolve the stack: {first}", derivation=text)


def _damaged(text: str) -> Unresolved | None:
    """Return what an index serves under the name of a wheel and is none: no pin is at fault for that."""
    found = _INVALID.search(text)
    if not found:
        return None
    message = f"the wheel of {found[1]} cannot be read as it is served: {found[2].strip()}"
    return Unresolved("bad-index", message, derivation=text)


def _without_frame(text: str) -> str:
    """Return the text without the frame that uv before 0.12 draws, each sentence on one line as later."""
    if not text.lstrip().startswith(_CROSS):
        return text
    said = _ARROW.sub("cause: ", text.replace(_CROSS, "error: ", 1).replace(_BAR, " "))
    lines = re.split(r"\n\s*\n|\n(?=\s*(?:cause: |And because |hint: ))", said)
    return "\n".join(" ".join(each.split()) for each in lines)


def _fetch_failure(text: str) -> Unresolved | None:
    url = _URL.search(text)
    where = plain_url(url[0].rstrip(".,")) if url else ""
    status = _STATUS.search(text)
    if status:
        code = int(status[1])
        kind: Kind = "denied" if code in (401, 403, 407) else "bad-index"
        message = f"{where or 'the index'} answered with HTTP status {code}"
        return Unresolved(kind, message, derivation=text, where=where, status=code)
    for pattern, kind, words in _FETCH:
        if re.search(pattern, text, re.IGNORECASE):
            return Unresolved(kind, f"{where or 'the index'}: {words}", derivation=text, where=where)
    return None


def _offline(text: str, names: tuple[str, ...] = ()) -> Unresolved:
    what = f"{names[0]} is" if names else "the packages are"
    message = f"{what} not in uv's cache, and the network was not to be used"
    return Unresolved("offline", message, names, text, hint="run once without --offline", offline=True)


def _no_solution(text: str, *, offline: bool) -> Unresolved:
    derivation = text.partition("cause: ")[2] or text
    names = _missing(derivation)
    if offline or "not found in the cache" in text or "network was disabled" in text:
        only_conflict = offline and not names and not _hinted_offline(text)
        if not only_conflict:
            return _offline(derivation, names)
    found = premises(derivation)
    if kind := _missing_kind(text):
        who, needed = _asked_for(names, found)
        who = _says(_pinned(who, found))
        message = f"{who} needs {needed}, which {MISSING_WORDS[kind]}"
        # Without a name there is nothing to go on without.
        return Unresolved(kind, message, (needed,) if names else (), derivation, who=who)
    pair = find_conflict(found)
    if pair:
        (who, wanted), (other, unwanted) = ((_pinned(who, found), what) for who, what in pair)
        message = f"{_says(who)} needs {wanted}, but {_says(other)} needs {unwanted}"
        return Unresolved(
            "conflict", message, (f"{_says(who)}: {wanted}", f"{_says(other)}: {unwanted}"), derivation
        )
    return Unresolved("conflict", "the pins exclude each other; uv explains why", (), derivation)


MISSING_WORDS: dict[Kind, str] = {
    "no-python-wheel": "has no wheel for this Python",
    "no-platform-wheel": "has no wheel for this platform",
    "no-wheel": "has no wheel that may be used, and no source build is allowed",
    "not-found": "is on none of the indexes and pages that were read",
}


def _asked_for(names: Sequence[str], found: Sequence[Premise]) -> Premise:
    """Return who needs what is missing, and in which version."""
    for name in names:
        for who, needed in found:
            if name_of(needed) == name_of(name):
                return who, needed
    return PROJECT, names[0] if names else "a package"


def _hinted_offline(text: str) -> bool:
    return "network was disabled" in text or "not found in the cache" in text


def _missing_kind(text: str) -> Kind | None:
    # Both stand there where some versions lack the Python, and those that have it lack the platform.
    if "no wheels with a matching platform" in text:
        return "no-platform-wheel"
    if re.search("no wheels with a matching Python|does not satisfy Python|cover Python", text):
        return "no-python-wheel"
    if re.search(r"no usable wheels|no source distribution|no wheels", text):
        return "no-wheel"
    if re.search(r"was not found in|there (?:is|are) no versions? of|(?:is|are) available|yanked", text):
        return "not-found"
    return None


def _missing(derivation: str) -> tuple[str, ...]:
    # Markers hold spaces, `xgrammar{platform_machine == 'x86_64'}==0.1.16`: they go before words are read.
    flat = re.sub(r"\s+", " ", _MARKER.sub("", derivation))
    found = [next(filter(None, match.groups())) for match in _MISSING.finditer(flat)]
    return tuple(dict.fromkeys(each.rstrip(".,") for each in found))


def _pinned(who: str, found: Sequence[Premise]) -> str:
    """Return the stack's own pin of a package that uv names as a range, or bare for all versions of it."""
    own = [needed for asker, needed in found if asker == PROJECT and name_of(needed) == name_of(who)]
    return own[0] if own and (who == name_of(who) or own[0].startswith(f"{name_of(who)}==")) else who


def _says(who: str) -> str:
    return THE_STACK if who == PROJECT else who


def premises(derivation: str) -> tuple[Premise, ...]:
    """Return what uv starts from, `A depends on B`, leaving out what it concludes."""
    found: list[Premise] = []
    flat = re.sub(r"\s+", " ", _MARKER.sub("", derivation))
    for sentence in re.split(r"(?:^|\. )(?:And )?[Bb]ecause ", flat):
        premise = re.split(r",? we can conclude", sentence, maxsplit=1)[0]
        for clause in re.split(r" and (?=(?:all versions of )?\S+ depends? on )", premise):
            if match := _CLAUSE.search(clause):
                found += [(match["who"], each) for each in _requirements(match["what"])]
    return tuple(dict.fromkeys(found))


def _requirements(text: str) -> list[str]:
    parts = [part.strip(" .") for part in re.split(r"\s+and\s+|\s+or\s+|,\s+(?=[A-Za-z])|\s{2,}", text)]
    return [part for part in parts if re.match(r"[A-Za-z0-9]", part)]


def name_of(requirement: str) -> str:
    """Return the canonical name that a requirement such as `torch==2.5.0` is about."""
    return canonicalize_name(re.split(r"[=<>!~\[\s;@]", requirement, maxsplit=1)[0])


def find_conflict(found: Sequence[Premise]) -> tuple[Premise, Premise] | None:
    """Return two premises about the same package that differ; the stack's own requirement comes last."""
    for index, one in enumerate(found):
        for other in found[index + 1 :]:
            if name_of(one[1]) == name_of(other[1]) and one[1] != other[1]:
                return (other, one) if one[0] == PROJECT != other[0] else (one, other)
    return None
