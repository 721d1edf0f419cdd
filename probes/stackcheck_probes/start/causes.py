"""What the start of a container found: causes, their order, and the one screen or line that says them."""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, PASS, SKIP, WARN, Judgement, sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

ERROR = "ERROR"
"""Beside the outcomes of a judgement: something that had to be checked could not be."""
ORDER = (FAIL, ERROR, WARN, SKIP, PASS)
KINDS = (
    "expectation",
    "no-gpu",
    "driver",
    "driver-too-old",
    "devices",
    "rocm",
    "versions",
    "two-torches",
    "libraries",
    "gpu-code",
    "headers",
    "environment",
    "shared-memory",
)
"""Kinds of causes, the likeliest root first: of two faults the earlier one is mended first."""
HEALTHY, MISCONFIGURED, UNCHECKED = 0, 1, 3
ANSWERS = {HEALTHY: "healthy", MISCONFIGURED: "misconfigured", UNCHECKED: "unchecked"}
"""The three answers, by the exit codes of stackcheck."""
_SAID = {HEALTHY: "is healthy", MISCONFIGURED: "is misconfigured", UNCHECKED: "could not be checked"}
MAX_SHOWN = 8
MAX_NOTES = 3
MAX_TEXT = 600


class Cause:
    """One finding: its kind, and the judgement."""

    __slots__ = ("judgement", "kind")

    def __init__(self, kind: str, judgement: Judgement) -> None:
        self.kind = kind
        self.judgement = judgement

    @property
    def rank(self) -> tuple[int, int]:
        """Failures come before what could not be checked, then warnings, then notes; roots first."""
        return ORDER.index(self.judgement.outcome), KINDS.index(self.kind)


def unchecked(kind: str, message: str, hint: str = "") -> Cause:
    """Return the cause that something had to be checked and could not be."""
    return Cause(kind, Judgement(ERROR, message, hint=hint))


def ranked(causes: Iterable[Cause]) -> list[Cause]:
    """Return what deserves a word, the first to mend first."""
    return sorted((each for each in causes if each.judgement.outcome != PASS), key=lambda each: each.rank)


def answer(causes: Iterable[Cause]) -> int:
    """Return 0 healthy, 1 misconfigured, 3 could not be checked."""
    outcomes = {each.judgement.outcome for each in causes}
    return MISCONFIGURED if FAIL in outcomes else UNCHECKED if ERROR in outcomes else HEALTHY


def printable(text: str) -> str:
    """Return text from files and devices as one harmless line of bounded length."""
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in cut)


def render_text(causes: list[Cause], name: str, then: str, seconds: float) -> str:
    """Return one screen: the answer, the ranked causes with what to do, and how many are not shown."""
    code = answer(causes)
    lines = ["stackcheck: %s %s (%.0f ms)%s" % (printable(name), _SAID[code], seconds * 1e3, then)]
    notes = [each for each in causes if each.judgement.outcome == SKIP]
    grave = [each for each in causes if each.judgement.outcome != SKIP]
    for number, each in enumerate(grave[:MAX_SHOWN], 1):
        judged = each.judgement
        said = printable(sentence(judged.message))
        lines.append("%3d. %s %s: %s" % (number, judged.outcome, each.kind, said))
        if judged.hint:
            lines.append("     fix: %s" % printable(judged.hint))
    if len(grave) > MAX_SHOWN:
        lines.append("     and %d more (STACKCHECK_FORMAT=json shows all)" % (len(grave) - MAX_SHOWN))
    lines += ["   - note: %s" % printable(sentence(each.judgement.message)) for each in notes[:MAX_NOTES]]
    if len(notes) > MAX_NOTES:
        lines.append("   - and %d more notes" % (len(notes) - MAX_NOTES))
    return "\n".join(lines) + "\n"


def render_json(causes: list[Cause], name: str, policy: str, starts: bool, seconds: float) -> str:
    """Return the same as one line of JSON, nothing left out."""
    import json

    code = answer(causes)
    rows = [
        {"kind": each.kind, **{key: getattr(each.judgement, key) for key in Judgement.fields}}
        for each in causes
    ]
    document = {
        "schema_version": 1,
        "stackcheck": "entrypoint",
        "stack": name,
        "answer": ANSWERS[code],
        "exit_code": code,
        "policy": policy,
        "starts": starts,
        "seconds": round(seconds, 4),
        "causes": rows,
    }
    return json.dumps(document) + "\n"
