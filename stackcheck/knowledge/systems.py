"""Linux distributions, the glibc and Python they ship, and what manylinux promises with a glibc."""

import re
from datetime import date
from itertools import pairwise

import msgspec
from packaging.version import Version

from stackcheck.knowledge.reading import Row, require, unique
from stackcheck.knowledge.told import Told, table

_ALIASES = {
    "bionic": ("ubuntu", "18.04"),
    "focal": ("ubuntu", "20.04"),
    "jammy": ("ubuntu", "22.04"),
    "noble": ("ubuntu", "24.04"),
    "resolute": ("ubuntu", "26.04"),
    "buster": ("debian", "10"),
    "bullseye": ("debian", "11"),
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
    "manylinux2014": ("centos", "7"),
    "manylinux_2_28": ("rhel", "8"),
    "manylinux_2_34": ("rhel", "9"),
}
"""Code names, and the images of github.com/pypa/manylinux, which are CentOS 7 and AlmaLinux 8 and 9."""
_JETSON = r"(?:l4t[a-z-]*[ :]?|jetson linux )r?{}(?=\.|$)(?!\S*-\d\d\.\d\d$)"
"""Jetson Linux by its release, and the images of NVIDIA that are named after it. Tags such as
r36.4.0-cu128-24.04 name another Ubuntu at their end."""
_SPELLINGS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"red hat enterprise linux|redhat|rocky ?(?:linux)?", "rhel"),
        (r"almalinux|oracle ?linux|ubi(?=\d)", "rhel"),
        (r"amazon linux|amzn", "amazonlinux"),
        (r"cbl-mariner(?:/base/core)?|\bcm(?=\d)", "mariner"),
        (r"azure linux|azurelinux/base/core|\bazl(?=\d)", "azurelinux"),
        (r"suse linux enterprise(?: server)?|bci/bci-base", "sles"),
        (r"opensuse[ /]?leap|\bsuse(?=16)", "leap"),
        (r"(?<=fedora) linux| gnu/linux", ""),
        (r"(?<=\d)[ -]?sp(?=\d)", "."),
        (_JETSON.format(32), "jetpack 4"),
        (_JETSON.format(35), "jetpack 5"),
        (_JETSON.format(36), "jetpack 6"),
        (_JETSON.format("3[89]"), "jetpack 7"),
    )
)
"""Rebuilds of RHEL ship its glibc: that is what they are for. SLES 15 SP6 is 15.6. The tags of nvidia/cuda
say amzn2023, cm2, azl3 and suse16, which is openSUSE Leap 16.0 (manifests/cuda.yaml of its sources)."""


_NONE = Version("0")


class System(Row, frozen=True, kw_only=True):
    """One release of a distribution; without a version, all of them.

    glibc: None where it is not known, or there is none. python: the version of its `python3`, "" where that
    is not known. musl: it has musl in its place.
    """

    name: str
    version: str = ""
    glibc: Version | None = None
    python: str = ""
    musl: bool = False


class Policy(Row, frozen=True, kw_only=True):
    """The newest symbol versions that every system of a platform has from this glibc on (PEP 600)."""

    platform: str
    glibc: Version
    glibcxx: Version
    cxxabi: Version
    gcc: Version
    zlib: Version


class SystemTable(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Every distribution row, indexed."""

    checked: date
    systems: tuple[System, ...]
    policies: tuple[Policy, ...]
    _system: dict[tuple[str, str], System]

    def promised(self, platform: str, glibc: Version) -> Policy | None:
        """Return what manylinux promises of a system with this glibc; None where no policy is that old."""
        fitting = [row for row in self.policies if row.platform == platform and row.glibc <= glibc]
        return max(fitting, key=lambda row: row.glibc, default=None)

    def find(self, text: str) -> System | None:
        """Find "Ubuntu 20.04", "ubuntu18.04.5", "CentOS 7.9" or "debian:bookworm"; None when not known."""
        lowered = text.lower()
        for word, key in _ALIASES.items():
            if word in lowered:
                return self._system.get(key)
        for pattern, name in _SPELLINGS:
            lowered = pattern.sub(name, lowered)
        named = re.finditer(r"([a-z]+)[ :_-]?(\d+)(?:\.(\d+))?", lowered)
        keys = [
            (match[1], version) for match in named for version in (f"{match[2]}.{match[3] or 0}", match[2])
        ]
        keys += [(name, "") for name in re.findall(r"[a-z]+", lowered)]
        return next((self._system[key] for key in keys if key in self._system), None)

    def with_python(self, name: str, python: str) -> System | None:
        """Return the release of a distribution with this `python3`; None where none or several have it."""
        found = [row for row in self.systems if row.name == name and row.python == python]
        return found[0] if len(found) == 1 else None


@table
def load(told: Told) -> SystemTable:
    """Return the table, read once and proven. Raises TableError naming file, line and key."""
    policies = told.rows("policy", Policy)
    unique(policies, lambda row: (row.platform, row.glibc), "policy")
    systems = told.rows("system", System, order=lambda row: (row.name, row.glibc or _NONE))
    for older, row in pairwise(systems):
        grows = older.name != row.name or (older.glibc or _NONE) < (row.glibc or _NONE) or row.name == "sles"
        require(
            row, "glibc", holds=grows, else_say=f"not above {older.glibc} of {older.name} {older.version}"
        )
    return SystemTable(
        told.checked("system"),
        systems,
        policies,
        unique(systems, lambda row: (row.name, row.version), "system"),
    )
