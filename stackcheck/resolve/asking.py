"""Put the questions of one stack to uv: the same one once, and offline only believe what its pages say."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackcheck.model.redact import secrets_of
from stackcheck.resolve.derivation import read_failure
from stackcheck.resolve.given import write_stand_ins
from stackcheck.resolve.uncached_pages import (
    asks_several,
    keep_absent,
    load_absent,
    not_cached,
    unread_pages,
    verbose,
)
from stackcheck.resolve.uvinput import UvInput, project_of, uv_input
from stackcheck.resolve.uvrun import UvAnswer, compile_args, find_uv, project_folder, run_uv

if TYPE_CHECKING:
    from stackcheck.model.resolution import Unresolved
    from stackcheck.resolve.options import Options
    from stackcheck.resolve.question import Question


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks uv about one stack; `first` is the question that the others of it go on from.

    All of them together have the time of the options, from `started` on.
    """

    options: Options
    first: Question
    started: float = field(default_factory=time.monotonic)

    def input_of(self, question: Question) -> UvInput:
        """Return a question in uv's words."""
        return uv_input(question, self.options.environ, offline=self.options.offline)

    def failure(self, question: Question) -> Unresolved | None:
        """Ask uv; return why it found nothing."""
        asked = self.input_of(question)
        answer = self.compile(asked, asked.args, "pylock.toml")
        secrets = secrets_of({**self.options.environ, **asked.env})
        found = (
            read_failure(answer.stderr, offline=self.options.offline, secrets=secrets)
            if answer.code
            else None
        )
        silent = "--offline" in asked.args and (found is None or found.proven)
        if silent and (missing := self.missing_pages(question, asked)):
            found = not_cached(missing, question)
        if found is not None:
            self.options.memory.keep_uncached(question, found)
        return found

    def compile(self, asked: UvInput, args: tuple[str, ...], form: str) -> UvAnswer:
        """Return what uv says to a question in one form of output; the same is asked once."""
        options, question = self.options, (asked.project, args, form, frozenset(asked.env.items()))
        answers = options.answers if options.answers is not None else {}
        with options.memory.one_at_a_time(question):
            if question not in answers:
                folder = project_folder(options.cache_folder, asked.project)
                write_stand_ins(folder, asked.given)
                binary, arguments = options.uv or find_uv(), compile_args(args, form)
                left = max(1.0, self.started + options.timeout_s - time.monotonic())
                answers[question] = run_uv(binary, arguments, cwd=folder, env=asked.env, timeout_s=left)
        return answers[question]

    def missing_pages(self, question: Question, asked: UvInput) -> frozenset[str]:
        """Return the pages that uv had to do without, offline; online, remember those that there are not."""
        if not asks_several(question, asked.env):
            return frozenset()
        # One stack's questions of one run go on from the same first one: what it lacked, all of them lack.
        folder = project_folder(self.options.cache_folder, project_of(self.first))
        offline = "--offline" in asked.args
        args = asked.args if offline else (*asked.args, "--offline")
        unread = unread_pages(self.compile(asked, verbose(args), "requirements.txt").stderr, question)
        if offline:
            return unread - load_absent(folder)
        keep_absent(folder, unread)
        return frozenset()
