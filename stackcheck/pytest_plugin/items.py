"""Stacks as pytest items: `matrices/pointcept.toml::cuda124-torch25-py311::TORCH101`.

Every item of a stack reads the same report, which is made once: under pytest-xdist the first worker that
needs it makes it, the others wait for a file lock and read the JSON. `--dist loadscope` gives each worker
stacks of its own, so that several build side by side.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from stackcheck import knowledge, pipeline, rules
from stackcheck.environment import definition_facts
from stackcheck.intake import catalog
from stackcheck.intake.configuration import configuration
from stackcheck.model.acceptance import code_of
from stackcheck.model.errors import StackcheckError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.reach import Reach
from stackcheck.model.verdict import Level, Outcome, Verdict, worst
from stackcheck.pytest_plugin.shared_reports import SharedReports
from stackcheck.report import wording
from stackcheck.report.text import verdict_text
from stackcheck.rules.accepting import current_text
from stackcheck.rules.registry import RULES, Rule
from stackcheck.storage.confinement import anywhere, real_path
from stackcheck.storage.reading import read_certificates
from stackcheck.storage.writable import settle_cache
from stackcheck.targets import BuildOptions
from stackcheck.targets.registry import DEFAULT, known_name
from stackcheck_probes.judging.judgement import sentence

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck.model.report import Report
    from stackcheck.steps.options import Options

REST = "OTHER"
"""Name of the item for verdicts whose rule the definition gave no reason to expect."""
REACH = "REACH"
"""Name of the item that --stack-require adds."""
_TITLES = {REST: "what other rules saw", REACH: "how far the checks came"}
_FOLDER = "stackcheck_folder"
_HOST = ("driver", "python", "platform")
_PROPERTY = "stackcheck."


class Stacks:
    """The plugin while `--stack` is on: which stacks, their reports, and the summary."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the definitions and make pytest collect their files; raise pytest's UsageError for a fault."""
        self.config = config
        get = config.getoption
        folders = [Path(each) for each in get("stack_matrices")]
        host = catalog.hosts(get("stack_gpu"), *(get(f"stack_{key}") for key in _HOST))
        try:
            with anywhere(allowed=get("stack_allow_outside")):
                self.stacks = catalog.find(get("stack"), folders, host)
            required = configuration()[0].require
        except StackcheckError as error:
            raise pytest.UsageError(sentence(str(error))) from None
        self.by_path: dict[Path, list[Stack]] = defaultdict(list)
        for stack in self.stacks:
            self.by_path[path_of(stack.file)].append(stack)
        self.required: str | None = get("stack_require") or required
        self.check_only: bool = get("stack_check_only") or get("stack_level") is not None
        self.warning = settle_cache(os.environ)
        self.options = _options(config)
        given = _worker_input(config).get(_FOLDER)
        self.folder = Path(given or tempfile.mkdtemp(prefix="stackcheck-pytest-"))
        self.reports = SharedReports(self.folder, self._make)
        self.noted: dict[str, dict[str, list[str]]] = {}
        self.told: set[str] = set()
        """The stacks whose headline an item of this process carries."""
        self._collect_definitions()

    def _collect_definitions(self) -> None:
        """Add the definition files to what pytest collects; they replace what it would collect unasked."""
        config, files = self.config, list(map(str, self.by_path))
        asked = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
        named = {str(Path(arg.partition("::")[0]).resolve()) for arg in asked}
        config.args[:] = [*asked, *(file for file in files if file not in named)]
        config.args_source = pytest.Config.ArgsSource.ARGS

    def pytest_report_header(self) -> list[str]:
        """Say which stacks run, and whether nothing of it will be kept."""
        how = f"engine {self.options.engine or DEFAULT}"
        if self.check_only:
            how = "check only, with the bytes of the wheels" if self.options.bytes else "check only"
        head = f"stackcheck: {', '.join(stack.id for stack in self.stacks)} ({how})"
        return [head, *([f"stackcheck: warning: {one_line(self.warning)}"] if self.warning else [])]

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Directory | None:
        """Collect the folders of these files, where they are no packages."""
        if path in {file.parent for file in self.by_path} and not (path / "__init__.py").is_file():
            return StackFolder.from_parent(parent, path=path)
        return None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.File | None:
        """Collect the definition files of the chosen stacks."""
        if file_path in self.by_path:
            return StackFile.from_parent(parent, path=file_path)
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where reports are shared."""
        node.workerinput[_FOLDER] = str(self.folder)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Remove the shared reports, in the process that made their folder."""
        if not _worker_input(config):
            shutil.rmtree(self.folder, ignore_errors=True)

    @pytest.hookimpl(trylast=True)
    def pytest_stackcheck_report(self, stack: Stack, options: Options, check_only: bool) -> Report:
        """Run stackcheck itself; progress goes to stderr: shown with a failure, and live by -s."""
        run = pipeline.check if check_only else pipeline.verify
        return run(stack, options, _progress)

    def _make(self, stack: Stack) -> Report:
        made: Report = self.config.hook.pytest_stackcheck_report(
            config=self.config, stack=stack, options=self.options, check_only=self.check_only
        )
        return made

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run an item; one whose rule has nothing to say of the stack is left out of every count and report.

        What a rule needs to know for that may be seen only while the stack is judged, after the collection.
        """
        if not isinstance(item, RuleItem):
            return None
        items = item.by_code() if item.name == REST else [item]
        for each, following in zip(items, [*items[1:], nextitem], strict=True):
            reports = runtestprotocol(each, log=False, nextitem=following)
            if each.applies:
                each.ihook.pytest_runtest_logstart(nodeid=each.nodeid, location=each.location)
                for report in reports:
                    each.ihook.pytest_runtest_logreport(report=report)
            else:
                each.config.hook.pytest_deselected(items=[each])
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Name the definition, not a line of this module, as the place of a skip."""
        result = yield
        if isinstance(item, StackItem) and result.skipped and isinstance(result.longrepr, tuple):
            result.longrepr = (item.stack.file, line_of(item.stack, item.path), result.longrepr[2])
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note headlines, warnings and what was not checked, from this process or from a worker."""
        for name, value in report.user_properties:
            if (report.when == "call" or not report.passed) and name.startswith(_PROPERTY):
                group = self.noted.setdefault(name.removeprefix(_PROPERTY), {})
                group.setdefault(str(value), []).append(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how far each stack came, and what does not show in dots, grouped by reason."""
        if not self.noted:
            return
        terminalreporter.section("stackcheck")
        for headline in self.noted.get("HEADLINE", {}):
            terminalreporter.line(headline)
        for kind in ("WARN", "NOT CHECKED", "NOT REACHED"):
            for reason, nodes in self.noted.get(kind, {}).items():
                terminalreporter.line(f"{kind}: {reason}")
                for node in nodes:
                    terminalreporter.line(f"    {node}")


class StackFolder(pytest.Directory):
    """A folder of definition files, collected once: pytest collects `Dir` again for each of its files."""

    @cached_property
    def _collected(self) -> list[pytest.Item | pytest.Collector]:
        found: list[pytest.Item | pytest.Collector] = []
        hook = self.ihook
        for path in sorted(self.path.iterdir()):
            asked = self.session.isinitpath(path, with_parents=True)
            if not asked and hook.pytest_ignore_collect(collection_path=path, config=self.config):
                continue
            if path.is_dir():
                folder = hook.pytest_collect_directory(path=path, parent=self)
                found += [folder] if folder else []
            elif path.is_file():
                found += hook.pytest_collect_file(file_path=path, parent=self)
        return found

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Return what pytest finds in the folder."""
        return self._collected


class StackFile(pytest.File):
    """A definition file; holds the chosen stacks of it."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield one node per chosen stack."""
        for stack in plugin_of(self.config).by_path[self.path]:
            yield StackNode.from_parent(self, name=stack.id, stack=stack)


class StackNode(pytest.Collector):
    """A stack; holds one item per rule."""

    def __init__(self, *, stack: Stack, **rest: Any) -> None:
        """Keep the stack."""
        super().__init__(**rest)
        self.stack = stack

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item per code, runs nothing; the last one takes the verdicts of all other codes."""
        plugin = plugin_of(self.config)
        codes = codes_of(self.stack, check_only=plugin.check_only, bytes_too=plugin.options.bytes)
        for code in codes:
            for name, subject in names_of(code, self.stack):
                yield RuleItem.from_parent(self, name=name, stack=self.stack, codes=(code,), subject=subject)
        yield RuleItem.from_parent(self, name=REST, stack=self.stack, codes=codes)
        if required := plugin.required:
            yield ReachItem.from_parent(self, name=REACH, stack=self.stack, required=Level[required.upper()])


class StackItem(pytest.Item):
    """Something that the report of one stack says."""

    def __init__(self, *, stack: Stack, **rest: Any) -> None:
        """Keep the stack."""
        super().__init__(**rest)
        self.stack = stack
        self.extra_keyword_matches.add(stack.family)

    def report(self) -> Report:
        """Return the stack's report; one that could not be had is a failure."""
        try:
            return plugin_of(self.config).reports.of(self.stack)
        except StackcheckError as error:
            pytest.fail(f"ERROR: {self.stack.title} could not be checked: {error}", pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the item in headings: the stack, and the code with the rule's title."""
        code = self.name.partition("[")[0]
        title = RULES[code].title if code in RULES else _TITLES.get(self.name, "")
        heading = f"{self.stack.title}::{self.name} {title}".rstrip()
        return self.path, line_of(self.stack, self.path) - 1, heading


class ReachItem(StackItem):
    """Whether the checks of a stack came as far as --stack-require asks."""

    def __init__(self, *, required: Level, **rest: Any) -> None:
        """Keep the level."""
        super().__init__(**rest)
        self.required = required

    def runtest(self) -> None:
        """Fail with the reason when the level was not reached."""
        report = self.report()
        if not report.reach.covers(self.required):
            reason = one_line(report.reach.unreached[self.required])
            pytest.fail(f"--stack-require {self.required.word}: not reached: {reason}.", pytrace=False)


class RuleItem(StackItem):
    """What one rule says of one stack, or (`REST`) what all rules say that have no item of their own."""

    def __init__(self, *, codes: tuple[str, ...], subject: str = "", **rest: Any) -> None:
        """Keep the code of this item or, for `REST`, those of all the others; `subject` narrows it to one."""
        super().__init__(**rest)
        self.codes, self.subject = codes, subject
        self.verdicts: tuple[Verdict, ...] = ()
        self.unexpected: tuple[Verdict, ...] = ()
        self.reach = Reach()
        self.applies = True

    def by_code(self) -> list[RuleItem]:
        """Return an item for each code that the rest has a verdict of; this one where there is none."""
        try:
            codes = sorted({verdict.code for verdict in self.report().verdicts} - {*self.codes})
        except pytest.fail.Exception:  # the item says it when it runs
            codes = []
        node = self.parent
        assert isinstance(node, StackNode)  # noqa: S101 - which made it
        return [RuleItem.from_parent(node, name=code, stack=self.stack, codes=(code,)) for code in codes] or [
            self
        ]

    def setup(self) -> None:
        """Have the report made; an ERROR, and a report that could not be had, is an error of the set-up."""
        report = self.report()
        self.reach = report.reach
        stated = tuple(map(current_text, self.stack.expect_codes))
        expecting = replace(report, expect=self.stack.expect, expect_codes=stated)
        self.unexpected = tuple(each for each in expecting.unexpected if each.code in self.codes)
        mine = (v for v in report.verdicts if (v.code in self.codes) != (self.name == REST))
        self.verdicts = tuple(v for v in mine if not self.subject or v.subject in ("", self.subject))
        self.applies = bool(self.verdicts) or self._is_expected or (self.name == REST and not report.verdicts)
        told = plugin_of(self.config).told
        if self.applies and self.stack.title not in told:
            told.add(self.stack.title)
            text = f"{wording.label(report)} {one_line(report.name, 120)}: {wording.headline(report)}."
            self.user_properties.append((f"{_PROPERTY}HEADLINE", text))
        if worst(self.verdicts) is Outcome.ERROR and not self._with(Outcome.FAIL):
            pytest.fail(f"ERROR: could not be checked\n{_text(self._with(Outcome.ERROR))}", pytrace=False)

    def runtest(self) -> None:
        """Pass, skip, xfail or fail as the verdicts say."""
        self._judge_failures()
        for verdict in self._with(Outcome.WARN):
            self.user_properties.append((f"{_PROPERTY}WARN", f"{verdict.code}: {one_line(verdict.message)}"))
        if waived := [verdict for verdict in self.verdicts if not verdict.counts]:
            pytest.xfail(f"accepted: {one_line(waived[0].waived)}")
        if not self.verdicts:
            pytest.skip("nothing was checked")
        doubts = [*self._with(Outcome.WARN), *self._with(Outcome.SKIP)]
        doubts = [each for each in doubts if not self.reach.skips(each)]
        if doubts and self.config.getoption("stack_strict"):
            pytest.fail(f"--stack-strict\n{_text(doubts)}", pytrace=False)
        if unmade := self._with(Outcome.SKIP):
            reason = one_line(unmade[0].message)
            kind = "NOT REACHED" if self.reach.skips(unmade[0]) else "NOT CHECKED"
            self.user_properties.append((f"{_PROPERTY}{kind}", reason))
            pytest.skip(f"not checked: {reason}")

    def _judge_failures(self) -> None:
        failed, expected = self._with(Outcome.FAIL), self._is_expected
        if failed and expected and not self.unexpected:
            pytest.xfail(f"expected by the definition: {one_line(failed[0].message)}")
        if failed:
            pytest.fail(_text(self.unexpected if expected else failed), pytrace=False)
        if expected and not self._with(Outcome.SKIP):  # what was not checked did not fail to fail
            said = _text(self.verdicts) or "it had nothing to judge"
            pytest.fail(f"{self.name} was expected to fail, and did not:\n{said}", pytrace=False)

    @property
    def _is_expected(self) -> bool:
        codes = map(code_of, self.stack.expect_codes)
        return self.stack.expect == "fail" and self.name != REST and self.codes[0] in codes

    def _with(self, outcome: Outcome) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.outcome is outcome and verdict.counts)


def codes_of(stack: Stack, *, check_only: bool, bytes_too: bool = False) -> tuple[str, ...]:
    """Return the codes of the rules that may have something to say of a stack, the expected ones always.

    With `check_only` rules over what was built do not run, but for those over files with `bytes_too`.
    """
    facts = definition_facts(stack, knowledge.load())
    expected = map(code_of, stack.expect_codes) if stack.expect == "fail" else ()
    likely = {rule.code for rule in rules.load_all() if _may_apply(rule, facts)}
    left_out = {rule.code for rule in rules.of_target()} if check_only else set()
    if bytes_too:
        left_out -= {rule.code for rule in rules.of_files()}
    return tuple(sorted({*likely, *expected} - left_out))


def names_of(code: str, stack: Stack) -> list[tuple[str, str]]:
    """Return the items of a code, each with its subject: one of its own for each smoke test."""
    level = RULES[code].level.word if code in RULES else ""
    tests = [each.name for each in stack.smoke if code.startswith("SMOKE") and each.level == level]
    return [(f"{code}[{name}]", name) for name in tests] or [(code, "")]


def _may_apply(rule: Rule, facts: Facts) -> bool:
    """Ask the rule, by the definition alone; one that wants to see more first may apply."""
    try:
        return rule.when(facts)
    except (KeyError, AttributeError, TypeError):
        return True


def path_of(file: str) -> Path:
    """Return the absolute path of a definition file."""
    return real_path(Path(file))


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def line_of(stack: Stack, path: Path) -> int:
    """Return the line, from 1, that holds the id of a stack or its family in its definition file."""
    wanted = re.compile(rf"\s*id\s*=\s*[\"']{re.escape(stack.family or stack.id)}[\"']")
    return next((number for number, line in enumerate(_lines(path), 1) if wanted.match(line)), 1)


def plugin_of(config: pytest.Config) -> Stacks:
    """Return the active plugin."""
    plugin = config.pluginmanager.get_plugin("stackcheck.pytest_plugin.items")
    assert isinstance(plugin, Stacks)  # noqa: S101 - these nodes exist only while it is registered
    return plugin


def _progress(line: str) -> None:
    sys.stderr.write(f"{one_line(line)}\n")
    sys.stderr.flush()


def _text(verdicts: Iterable[Verdict]) -> str:
    return "\n".join(verdict_text(verdict) for verdict in verdicts)


def _worker_input(config: pytest.Config) -> dict[str, Any]:
    """Return what pytest-xdist gave this worker; empty in the process that the user started."""
    return getattr(config, "workerinput", {})


def _options(config: pytest.Config) -> Options:
    get = config.getoption
    ca, locks = get("stack_ca"), get("stack_locks")
    try:
        if ca:
            read_certificates(Path(ca))
        engine = known_name(get("stack_engine")) if get("stack_engine") else None
    except UsageError as error:
        raise pytest.UsageError(sentence(str(error))) from None
    return pipeline.Options(
        offline=get("stack_offline"),
        engine=engine,
        build=BuildOptions(
            base=get("stack_base"), mirror=get("stack_mirror"), ca_file=Path(ca) if ca else None
        ),
        locks=Path(locks) if locks else None,
        keep_going=get("stack_keep_going"),
        bytes=get("stack_level") == "bytes",
    )
