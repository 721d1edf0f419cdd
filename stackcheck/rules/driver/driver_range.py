"""What a stack says about the driver of its hosts: a version, a branch or a range, and what it admits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from packaging.version import InvalidVersion, Version


@dataclass(frozen=True, slots=True)
class Driver:
    """What a stack says about the driver of its hosts.

    low, high: the oldest and the newest that it admits; None is open. A bare branch ("570", "R570") admits
    everything in that branch: then `whole_branch` is True, and `low` is only the branch number.
    """

    text: str
    low: Version | None
    high: Version | None
    whole_branch: bool = False

    def below(self, floor: Version) -> bool | None:
        """Tell whether hosts are, or are admitted to be, below `floor`; None when that is not known."""
        if self.high is not None and self.high < floor and not self._in_branch(self.high, floor):
            return True
        if self.low is None or self._in_branch(self.low, floor):
            return None
        return self.low < floor

    def _in_branch(self, bound: Version, floor: Version) -> bool:
        # "570" says nothing about which 570: a bare branch number is no exact bound.
        return len(bound.release) == 1 and bound.release[0] == floor.release[0] and len(floor.release) > 1


@lru_cache(maxsize=1024)
def parse_driver(text: str) -> Driver | None:
    """Parse "550.54.15", "R570", "570" or ">=550.54.15,<600"; None for anything else."""
    branch = re.fullmatch(r"[rR]?(\d{3})", text.strip())
    if branch:
        number = Version(branch[1])
        return Driver(text, number, number, whole_branch=True)
    low: Version | None = None
    high: Version | None = None
    try:
        for part in text.split(","):
            match = re.fullmatch(r"\s*(>=|>|<=|<|==|)\s*([\d.]+?)(?:\.\*)?\s*", part)
            if match is None:
                return None
            version = Version(match[2])
            if match[1] in (">=", ">", "==", ""):
                low = version if low is None else max(low, version)
            if match[1] in ("<=", "<", "==", ""):
                high = version if high is None else min(high, version)
    except InvalidVersion:
        return None
    return Driver(text, low, high)
