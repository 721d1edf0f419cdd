"""What a rule is, and how rules are run over facts.

A rule is a plain function with a code. Its docstring is its documentation: first line the title, the rest
why, with a `Source:` line, an `Example:` and a `Fix:` (`stackcheck explain CODE` prints it). Its parameters
name the facts that it needs: the host's (`stackcheck.model.facts`), or a probe's by the probe's name. The
runner injects them, and a missing fact is a SKIP with the reason.
A rule returns one finding, several, or none ("this stack has nothing that the rule is about").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from stackcheck.extensions import installed_probes
from stackcheck.model.errors import TableError
from stackcheck.model.escape import one_line
from stackcheck.model.evidence import Evidence, Level, Outcome
from stackcheck.model.facts import GRADES, HOST_FACTS, Fact, Facts, Missing, as_named
from stackcheck_probes import carried
from stackcheck_probes.judging.judgement import sentence

if TYPE_CHECKING:
    from collections.abc import Collection

    from stackcheck.knowledge import Tables
    from stackcheck.model.verdict import Verdict
    from stackcheck_probes.judging.judgement import Judgement


class Finding(NamedTuple):
    """A verdict without code and title: what a rule function returns. See `Verdict` for the fields."""

    outcome: Outcome
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""
    evidence: tuple[Evidence, ...] = ()
    unverified: bool = False
    question: str = ""
    subject: str = ""
    level: Level | None = None
    """The level of the evidence, where it is not that of the rule: None is the rule's own."""
    notes: tuple[str, ...] = ()
    """Weaker answers to the same question that disagree."""
    place: str = ""
    about: tuple[str, ...] = ()
    """Each thing that it is about, by name: `CODE:NAME` in a definition covers it. Empty: the `subject`."""


_NOT_ASKED = Missing("it was not asked for")
Findings: TypeAlias = Finding | Iterable[Finding] | None
Names: TypeAlias = str | Iterable[str]
"""The name of a thing, or the names of several."""


class WithheldError(Exception):
    """A rule has read what it was not shown of a stack (`stackcheck.rules.alike`); nobody's verdict."""


@cache
def known_facts() -> Mapping[str, Fact]:
    """Return the facts that a rule can name: those of the host, and one for each probe of ours."""
    probes = {name: _probed(carried.grade_of(name), carried.looks_in(name)) for name in carried.every_probe()}
    return {**HOST_FACTS, **probes}


def fact(name: str) -> Fact | None:
    """Return what is known of a fact; other packages are asked for a probe only where we have none."""
    if known := known_facts().get(name):
        return known
    other = installed_probes().get(name)
    return _probed(other.grade, other.looks_in) if other else None


def _probed(grade: str | None, looks_in: str | None) -> Fact:
    return Fact(GRADES[grade or "static"], of_target=True, of_files=looks_in is not None)


def _none(_facts: Facts) -> Sequence[str]:
    return ()


class Rule(NamedTuple):
    """A registered rule: `needs` are the fact names, `when` the packages or properties it is about.

    `doc` is the docstring of its function behind the title, as it is indented there.
    `levels` are those of its answers, the lowest first. They are what its facts give unless it states others.
    `about` is the word for the things that its findings are about, where there can be several.
    `subjects` are what it has a finding each of, so that each is named also where nothing could be seen.
    """

    code: str
    title: str
    doc: str
    needs: tuple[str, ...]
    judge: Callable[..., Findings]
    when: Callable[[Facts], bool]
    module: str
    levels: tuple[Level, ...] = (Level.STATED,)
    question: str = ""
    subject: str = ""
    retired: tuple[str, ...] = ()
    about: str = ""
    subjects: Callable[[Facts], Sequence[str]] = _none

    @property
    def text(self) -> str:
        """Return why it is, its source, an example and the fix; few commands ask for it."""
        import textwrap  # noqa: PLC0415

        return textwrap.dedent(self.doc).strip()

    @property
    def level(self) -> Level:
        """Return the level of an answer that does not state its own."""
        return self.levels[0]

    @property
    def of_target(self) -> bool:
        """Tell whether the rule looks at something that was built or exists already."""
        return any(each.of_target for each in map(fact, self.needs) if each)

    @property
    def of_files(self) -> bool:
        """Tell whether all that the rule looks at of a target stands in the files of its packages."""
        known = (each for each in map(fact, self.needs) if each)
        return self.of_target and all(each.of_files for each in known if each.of_target)

    @property
    def family(self) -> str:
        """Return the letters of the code: TORCH for TORCH101."""
        return self.code.rstrip("0123456789")


MOST_OF_A_NAME = 200
"""Characters of a name of what a finding is about: some come from targets."""
_MOST_CHOICES = 5
"""So many versions that a stack does not pin are told with what rests on them."""
NO_ANSWER = "none"
"""The `question` of a finding that answers none of its rule's: what is absent neither works nor fails to."""
RULES: dict[str, Rule] = {}
"""Every rule by its code, filled by importing the modules of `stackcheck.rules`."""
RETIRED: dict[str, str] = {}
"""Code of a rule that was merged into another -> the code that answers now; both stay valid for users."""


def current_code(code: str) -> str:
    """Return the code that answers for a code today: itself, unless the rule was merged into another."""
    return RETIRED.get(code, code)


def _always(_facts: Facts) -> bool:
    return True


def rule(  # noqa: PLR0913 - what a rule states of itself
    code: str,
    *,
    when: Callable[[Facts], bool] = _always,
    levels: tuple[Level, ...] = (),
    answers: tuple[str, str] = ("", ""),
    retired: tuple[str, ...] = (),
    about: str = "",
    subjects: Callable[[Facts], Sequence[str]] = _none,
) -> Callable[[Callable[..., Findings]], Callable[..., Findings]]:
    """Register a function as the rule `code`; `when(facts)` says whether a stack has anything to judge.

    `levels`: those of its answers, where its facts do not tell. `answers`: the question and the subject that
    its findings are about where they do not say so themselves (`stackcheck.rules.strongest`). `retired`:
    codes of rules that were merged into this one. `about`: the word for what its findings are about
    ("package", "GPU") where that can be more than one thing; each FAIL and WARN then names it
    (`Finding.about`). `subjects`: as in `Rule`. Raise ValueError for a code that is taken, a function without
    a docstring, and a parameter that is not the name of a fact.
    """

    def register(judge: Callable[..., Findings]) -> Callable[..., Findings]:
        for each in (code, *retired):
            if taken := RULES.get(current_code(each)):
                raise ValueError(f"rule code {each} is taken by {taken.module}; codes are never reused")
        title, _, doc = (judge.__doc__ or "").strip().partition("\n")
        if not title:
            raise ValueError(f"rule {code} needs a docstring: title, why, source, example, fix")
        needs = _parameters(judge)
        own = _level_of(code, needs)
        RULES[code] = Rule(
            code=code,
            title=title.rstrip("."),
            doc=doc,
            needs=needs,
            judge=judge,
            when=when,
            module=judge.__module__,
            levels=levels or (own,),
            question=answers[0],
            subject=answers[1],
            retired=retired,
            about=about,
            subjects=subjects,
        )
        RETIRED.update(dict.fromkeys(retired, code))
        return judge

    return register


def _parameters(judge: Callable[..., Findings]) -> tuple[str, ...]:
    """Return the names of a function's parameters, and of the one that it wraps; `inspect` takes 5 ms."""
    code = getattr(judge, "__wrapped__", judge).__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _level_of(code: str, needs: Iterable[str]) -> Level:
    """Return the highest level among the facts that a rule needs."""
    return max((_needed(code, name).level for name in needs), default=Level.STATED)


def _needed(code: str, name: str) -> Fact:
    known = fact(name)
    if known is None:
        import difflib  # noqa: PLC0415 - only for a fault

        near = difflib.get_close_matches(name, [*known_facts(), *installed_probes()], 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"rule {code} needs the fact {name!r}, which nobody provides{meant}")
    return known


def uses(*names: str) -> Callable[[Facts], bool]:
    """Make a `when`: the stack states one of these distributions, or one was seen installed."""
    wanted = frozenset(names)

    def stated_or_seen(facts: Facts) -> bool:
        known, seen = facts.get("env") or facts.get("stack"), facts.get("distributions")
        stated = known is not None and not wanted.isdisjoint(known.packages)
        installed = isinstance(seen, Mapping) and any(d["name"] in wanted for d in seen["distributions"])
        return stated or installed

    return stated_or_seen


def states(*fields: str) -> Callable[[Facts], bool]:
    """Make a `when`: one of these fields ("toolkit", "image.base") is stated, also by a Dockerfile."""
    readers = tuple(map(attrgetter, fields))

    def stated(facts: Facts) -> bool:
        stack = facts["env"].stack if "env" in facts else facts["stack"]
        return any(read(stack) for read in readers)

    return stated


def given(fact: str) -> Callable[[Facts], bool]:
    """Make a `when`: a fact is there; one that is missing has no place among what was left out."""
    return lambda facts: not isinstance(facts.get(fact, _NOT_ASKED), Missing)


def told_of(rows: Callable[[Tables], Collection[str]]) -> Callable[[Facts], bool]:
    """Make a `when`: one of the packages is among those that these rows of the tables speak of."""

    def is_told(facts: Facts) -> bool:
        packages, told = facts["env"].packages, rows(facts["tables"])
        return any(name in told for name in packages)

    return is_told


def passed(message: str, *evidence: Evidence, expected: str = "", found: str = "") -> Finding:
    """Say that something was inspected and is right."""
    return Finding(Outcome.PASS, message, expected, found, "", evidence)


def warned(
    message: str,
    *evidence: Evidence,
    expected: str = "",
    found: str = "",
    hint: str = "",
    about: Names = (),
) -> Finding:
    """Say that something works but should be known, or that unverified knowledge speaks against it."""
    return Finding(Outcome.WARN, message, expected, found, hint, evidence, about=names(about))


def failed(
    message: str, *evidence: Evidence, expected: str, found: str, hint: str, about: Names = ()
) -> Finding:
    """Say that something is proven broken; both sides and the next step are obligatory."""
    return Finding(Outcome.FAIL, message, expected, found, hint, evidence, about=names(about))


def names(about: Names) -> tuple[str, ...]:
    """Return what a finding is about as names, each once and without the empty ones."""
    several = (about,) if isinstance(about, str) else about
    return tuple(dict.fromkeys(filter(None, several)))


def skipped(reason: str, *evidence: Evidence, hint: str = "") -> Finding:
    """Say that something was not checked, and why."""
    return Finding(Outcome.SKIP, reason, hint=hint, evidence=evidence)


def told(judged: Judgement, *evidence: Evidence, about: Names = ()) -> Finding:
    """Return what a function that host and target share has judged, with the evidence that the host has."""
    outcome = Outcome[judged.outcome]
    both = (judged.expected, judged.found)
    return Finding(outcome, judged.message, *both, judged.hint, evidence, about=names(about))


def judge_all(rules: Iterable[Rule], facts: Facts) -> tuple[Verdict, ...]:
    """Run rules over facts (name -> value, or `Missing`); return their verdicts in the order of the rules.

    A fact whose name is absent altogether counts as missing too. A rule that raises costs one ERROR.
    """
    named = as_named(facts)
    return tuple(verdict for each in rules for verdict in judge_named(each, named))


def judge_one(each: Rule, facts: Facts) -> list[Verdict]:
    """Run one rule; no verdicts when the stack has nothing that the rule is about."""
    return judge_named(each, as_named(facts))


def judge_named(each: Rule, facts: Facts) -> list[Verdict]:
    """Run one rule over facts by the names that rules have for them (`as_named`)."""
    try:
        if not each.when(facts):
            return []
        needed: dict[str, Any] = {
            name: facts[name] if name in facts else _absent(name) for name in each.needs
        }
        missing = [fact for fact in needed.values() if isinstance(fact, Missing)]
        if not all(fact.applies for fact in missing):
            return []
        if missing:
            not_had = _not_had(missing[0], each)
            findings = [not_had._replace(subject=name) for name in each.subjects(facts)] or [not_had]
        else:
            if "env" in needed:
                needed["env"].forget()
            findings = as_list(each.judge(**needed))
    except (TableError, WithheldError):
        raise  # a file of knowledge is wrong, which is nobody's verdict; or the rule is asked again
    except Exception as error:  # noqa: BLE001 - one broken rule must not cost the report
        text = f"the rule itself failed: {type(error).__name__}: {str(error)[:300]}"
        findings = [Finding(Outcome.ERROR, text, hint="this is a fault of stackcheck: please report it")]
    return [_verdict(each, _rests_on(finding, each, facts)) for finding in findings]


def _not_had(missing: Missing, each: Rule) -> Finding:
    """Say that a fact could not be had; where a level was not reached, at that level."""
    level = None if missing.level is None else max(missing.level, each.level)
    return skipped(missing.reason, hint=missing.hint)._replace(level=level)


def _absent(name: str) -> Missing:
    return Missing(f"there is no {name!r} fact here")


def _rests_on(finding: Finding, each: Rule, facts: Facts) -> Finding:
    """Say by what evidence a rule knew the versions that it judged, where the stack does not pin them.

    A finding about distributions rests on these, and on torch where torch was asked for; any other on all
    that the rule looked up.
    """
    env = facts.get("env") if "env" in each.needs else None
    if env is None or isinstance(env, Missing) or not env.infers:
        return finding
    if finding.outcome in (Outcome.SKIP, Outcome.ERROR):
        return finding
    asked = set(env.asked)
    own = {finding.subject, *finding.about} & env.packages.keys()
    names = own | (asked & {"torch"}) if own else asked
    chosen = env.choices(names)
    if len(chosen) > _MOST_CHOICES and (own := {*finding.about} & {*env.packages}):
        # A rule that looks at every package has looked all of them up: what it names is what it rests on.
        names = {*own, *(asked & {"torch"})}
        chosen = env.choices(names)
    level = finding.level if finding.level is not None else max(each.level, env.level_of(names))
    if not chosen:
        return finding if level in (finding.level, each.level) else finding._replace(level=level)
    bad = finding.outcome in (Outcome.WARN, Outcome.FAIL)
    told = [f"{one.what}." for one in chosen[:_MOST_CHOICES]]
    if len(chosen) > _MOST_CHOICES:
        told.append(f"{len(chosen) - _MOST_CHOICES} more versions are those that resolve today.")
    cached = bool(env.resolution and env.resolution.offline) and finding.outcome is Outcome.FAIL
    if cached:  # uv takes what it happens to have: an index may give another version, which is good
        told.append("That is what uv's cache has (--offline): the index may have another.")
    message = " ".join([sentence(finding.message), *told])
    return finding._replace(
        outcome=Outcome.WARN if cached else finding.outcome,
        unverified=finding.unverified or cached,
        level=level,
        message=message if bad else finding.message,
        evidence=(*finding.evidence, *chosen),
    )


def _verdict(each: Rule, finding: Finding) -> Verdict:
    from stackcheck.model.verdict import Verdict  # noqa: PLC0415 - a dataclass, which explaining needs not

    return Verdict(
        code=each.code,
        title=each.title,
        outcome=finding.outcome,
        message=sentence(finding.message),
        expected=finding.expected,
        found=finding.found,
        hint=finding.hint,
        evidence=tuple(finding.evidence),
        level=each.level if finding.level is None else finding.level,
        unverified=finding.unverified,
        question="" if finding.question == NO_ANSWER else finding.question or each.question,
        subject=finding.subject or each.subject,
        notes=finding.notes,
        place=finding.place,
        about=tuple(map(_named, finding.about)),
    )


def _named(name: str) -> str:
    """Return the name of a thing, some of which targets give, printable and bounded; no two become one."""
    if len(name) <= MOST_OF_A_NAME:
        return one_line(name, 2 * MOST_OF_A_NAME)
    import hashlib  # noqa: PLC0415 - some names in a thousand reports

    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{one_line(name[:MOST_OF_A_NAME], 2 * MOST_OF_A_NAME)}...{digest}"


def as_list(findings: Findings) -> list[Finding]:
    """Return what a rule gave as a list: none, one or several findings."""
    if findings is None:
        return []
    return [findings] if isinstance(findings, Finding) else list(findings)
