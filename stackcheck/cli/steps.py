"""What a stack is at, made of the lines that its steps tell. Pure.

uv tells the size of each download when it starts, and its name when it is done; BuildKit numbers its steps.
Source of the lines: uv 0.13.9 with --no-progress, docker buildx 0.17 with --progress plain, seen 2026-11-30.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stackcheck.report.wording import duration, size

_STARTS = re.compile(r"\s*Downloading (?P<name>\S+) \((?P<count>[\d.]+)(?P<unit>B|KiB|MiB|GiB)\)")
_ENDS = re.compile(r"\s*Downloaded (?P<name>\S+)")
_STEP = re.compile(
    r"#\d+ \[(?:[\w.-]+ )?(?P<step>\d+)/(?P<steps>\d+)\] (?P<what>.*)"
    r"|Step (?P<n>\d+)/(?P<m>\d+) : (?P<w>.*)"
)
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_DETAIL = re.compile(
    r"\s*(?:[+~-] \S+==|Using (?:CPython|Python)|Creating virtual environment|Activate with|Downloaded |"
    r"(?:Resolved|Prepared|Installed|Uninstalled|Audited) \d|#\d+ |Step \d|Collecting |Requirement already|"
    r"Downloading \S+ \([\d.]+(?:B|KiB)\))"
)
"""Lines of uv, pip and builders that nobody has to read unless something fails, when the log has them."""
_LASTING = re.compile(r".*: (?:wrote|no lock was kept)|.* Taking the engine ")
"""Lines that say what will stay so: they are not written over."""


def is_detail(line: str) -> bool:
    """Tell a line that is one of very many."""
    return _DETAIL.match(line) is not None


def is_lasting(line: str) -> bool:
    """Tell a line that a reader wants to find when all is done."""
    return _LASTING.match(line) is not None


@dataclass
class Doing:
    """What one stack is at: times are in seconds of one clock, `total` and `done` bytes of its downloads."""

    stack: str
    place: str
    """`3 of 7`."""
    started: float
    text: str = "waiting"
    total: int = 0
    done: int = 0
    downloading_since: float = 0.0
    _sizes: dict[str, int] = field(default_factory=dict)

    def take(self, line: str, now: float) -> None:
        """Take a line that was told about the stack."""
        if starts := _STARTS.match(line):
            self.downloading_since = self.downloading_since or now
            count = int(float(starts["count"]) * _UNITS[starts["unit"]])
            self._sizes[starts["name"]] = count
            self.total += count
            self.text = "downloading"
        elif ends := _ENDS.match(line):
            self.done += self._sizes.pop(ends["name"], 0)
            self.text = "downloading" if self._sizes else "installing"
        elif step := _STEP.match(line):
            number, of, what = (step[a] or step[b] for a, b in (("step", "n"), ("steps", "m"), ("what", "w")))
            self.text = f"step {number} of {of}: {what}"
        elif not is_detail(line):
            self.text = line.strip().removeprefix(f"{self.stack}: ")

    def line(self, now: float) -> str:
        """Say it in one line: place, step, bytes, rate, time left where it can be known, else time so far."""
        words = [self.place, self.text]
        if self._sizes and self.total:
            words += [f"{size(self.done)} of {size(self.total)}", *self._rate(now)]
        else:
            words += [duration(now - self.started)]
        return "  ".join(word for word in words if word)

    def _rate(self, now: float) -> list[str]:
        seconds = now - self.downloading_since
        if not self.done or seconds <= 0:
            return []
        rate = self.done / seconds
        return [f"{size(round(rate))}/s", f"{duration((self.total - self.done) / rate)} left"]
