"""What every command has to say, before it has a format: sections of findings, lists, tables and text.

All text in it is as it came; each renderer makes it harmless and escapes it for its own format.

These are NamedTuples: a frozen dataclass takes four times as long to define, in every command.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from stackcheck.model.evidence import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LEADING = (Outcome.FAIL, Outcome.ERROR, Outcome.WARN)
"""Outcomes that a reader has to see, in the order in which they are shown."""


class Row(NamedTuple):
    """One line under a finding: its name (`expected`, `found`, `do`, `see`), and where it can be read."""

    name: str
    value: str
    source: str = ""

    @property
    def text(self) -> str:
        """Return the value with its source behind it."""
        return f"{self.value} [{self.source}]" if self.source else self.value


class Finding(NamedTuple):
    """One thing that is said of a subject: a verdict, a change since the baseline."""

    outcome: Outcome
    code: str
    title: str
    message: str = ""
    rows: tuple[Row, ...] = ()
    label: str = ""
    """The word that leads it, where that is not the outcome's."""
    note: str = ""
    """What stands behind the label: `(expected)`."""
    accepted: str = ""
    """The written reason for accepting it; such a finding counts as neither good nor bad."""
    name: str = ""
    """What tells it from the others of its section; code and title where that is empty."""
    shown: bool = True
    """False for what only machines are told: what passed, and what stands in a list already."""
    reached: bool = True
    """False for what was not checked because its level was not reached."""
    place: str = ""
    """Where what it is about stands: "Dockerfile:12"; "" for the whole definition."""
    expected: bool = False
    """True for a FAIL that the definition expects: it is told, and no machine is to act on it."""
    case: str = ""
    """What a test of its own is called, where the findings of one code are several tests; else empty."""

    @property
    def word(self) -> str:
        """Return the word that leads it."""
        return self.label or self.outcome.word

    @property
    def heading(self) -> str:
        """Return code and title."""
        return f"{self.code}  {self.title}" if self.code else self.title


class Entry(NamedTuple):
    """One line of a list: text, the names that it holds for, and what to do about it."""

    text: str
    names: tuple[str, ...] = ()
    do: str = ""

    @property
    def line(self) -> str:
        """Return the text with its names."""
        return f"{self.text}: {' '.join(self.names)}" if self.names else self.text


class Listing(NamedTuple):
    """A list with a heading; `loud` ones are set in capitals at a terminal."""

    heading: str
    entries: tuple[Entry, ...]
    loud: bool = True
    codes: bool = False
    """Whether the names are codes of rules, which people see with -v alone."""


class Table(NamedTuple):
    """A table; the columns from `right` on are numbers and stand at the right."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: int = 1000


class Lines(NamedTuple):
    """Plain lines; `literal` ones are a diff, a log, a command: every space of them counts."""

    lines: tuple[str, ...]
    literal: bool = False


Part: TypeAlias = Finding | Listing | Table | Lines


class Section(NamedTuple):
    """What is said of one subject, such as a stack."""

    name: str = ""
    """Empty for what needs no heading, such as a lone table; then `title` says for machines what it is."""
    headline: str = ""
    outcome: str = ""
    """PASS, WARN, FAIL, ERROR or NOTHING; empty where nothing is judged."""
    do: tuple[str, ...] = ()
    """What to do, before any detail."""
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    tail: tuple[str, ...] = ()
    file: str = ""
    """The definition that it is about."""
    title: str = ""
    """Its whole name, for machines; the name where that is empty."""
    started: str = ""
    seconds: float = 0.0
    family: str = ""
    """The family that it is a member of: what is for people shows a family as one block."""
    level: int = -1
    """How far it came; -1 where no check gave an answer."""
    far: str = ""
    """The same in a word."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values that a machine may want to know: what ran, on what."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, in the order in which they came."""
        return tuple(part for part in self.parts if isinstance(part, Finding))

    @property
    def passed(self) -> tuple[Finding, ...]:
        """Return what passed and is not shown: there for a reader who asks for it."""
        return tuple(each for each in self.findings if each.outcome is Outcome.PASS and not each.shown)

    @property
    def shown(self) -> tuple[Part, ...]:
        """Return the parts that a reader is shown: a table that leads, then findings, the worst first."""
        lead = self.parts[:1] if self.parts and isinstance(self.parts[0], Table) else ()
        shown = [each for each in self.findings if each.shown]
        order = [*LEADING, Outcome.SKIP, Outcome.PASS]
        shown.sort(key=lambda each: (bool(each.accepted), order.index(each.outcome)))
        rest = self.parts[len(lead) :]
        return (*lead, *shown, *(part for part in rest if not isinstance(part, Finding)))


class Explanation(NamedTuple):
    """What a code means: the text of its rule, and the first address among its sources ("" without one)."""

    code: str
    title: str
    text: str
    address: str = ""


class Document(NamedTuple):
    """What one command has to say; `data` is the same for programs, asked for when JSON is."""

    sections: tuple[Section, ...]
    data: Callable[[], Any] | None = None
    title: str = ""
    """What it is about: `7 stacks`."""
    overview: Table | None = None
    """Stands before several sections; its rows are the sections, in their order."""
    empty: str = "no stack was checked"
    """What is said where there is no section."""
    package: str = "stackcheck"
    """The name of the checks, for tools that sort by it."""
    explain: Callable[[str], Explanation | None] | None = None
    """Says what a code means, where codes have a meaning."""
    above: str = ""
    """The address of the page that lists this one, relative to it; empty for one that stands alone."""
    own: Mapping[str, Callable[[], str]] = MappingProxyType({})
    """By format, what renders this document where the general renderer does not do: a page of its own."""
    overall: str = ""
    """What is said of all sections together, the worst first: `7 stacks: 1 failed, 6 passed`."""

    @property
    def outcome(self) -> str:
        """Return the outcome of the worst section, which is the first; NOTHING where there is none."""
        return self.sections[0].outcome if self.sections else "NOTHING"

    def explanations(self, findings: Iterable[Finding]) -> dict[str, Explanation]:
        """Return what the codes of findings mean, by code, in the order of the codes."""
        if self.explain is None:
            return {}
        codes = sorted({each.code for each in findings if each.code})
        told = ((code, self.explain(code)) for code in codes)
        return {code: explanation for code, explanation in told if explanation}


def place_of(finding: Finding, section: Section) -> tuple[str, int]:
    """Return the file that a finding is about and the line in it, counted from 1 (0: not known)."""
    file, _, line = finding.place.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (finding.place or section.file, 0)
