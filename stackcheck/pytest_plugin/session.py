"""The plugin while `--stack` is on: which stacks run, how their reports are made, what the summary says."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from stackcheck import pipeline
from stackcheck.intake import catalog
from stackcheck.intake.configuration import configuration
from stackcheck.model.errors import StackcheckError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.pytest_plugin.items import PROPERTY, REST, RuleItem, StackItem, line_of
from stackcheck.pytest_plugin.nodes import StackFile, StackFolder
from stackcheck.pytest_plugin.shared_reports import SharedReports
from stackcheck.storage.confinement import anywhere, real_path
from stackcheck.storage.reading import read_certificates
from stackcheck.storage.writable import settle_cache
from stackcheck.targets import BuildOptions
from stackcheck.targets.registry import DEFAULT, known_name
from stackcheck_probes.judging.judgement import sentence

if TYPE_CHECKING:
    from collections.abc import Generator

    from stackcheck.intake.stack import Stack
    from stackcheck.model.report import Report
    from stackcheck.steps.options import Options

_FOLDER = "stackcheck_folder"
_HOST = ("driver", "python", "platform")


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
            self.by_path[real_path(Path(stack.file))].append(stack)
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
            if (report.when == "call" or not report.passed) and name.startswith(PROPERTY):
                group = self.noted.setdefault(name.removeprefix(PROPERTY), {})
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


def _progress(line: str) -> None:
    sys.stderr.write(f"{one_line(line)}\n")
    sys.stderr.flush()


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
