"""Statements of several files as the one row of a definition; what takes something back is said."""

from __future__ import annotations

from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from stackcheck.intake.stated import Open, Place, Stated
from stackcheck.model import markers
from stackcheck.model.platforms import ASSUMED
from stackcheck.model.redact import without_userinfo
from stackcheck.model.versions import LATEST, exact_version

LISTS = ("index.extra", "index.find_links", "constraints", "overrides", "no_build_isolation", "gpus")
"""Keys whose values come together; of every other key one value counts."""
LINUX = ASSUMED
"""The platform that projects are read for where neither they nor the call state one."""
_PYTHONS = tuple(f"3.{minor}" for minor in range(6, 16))
_REFERENCES = frozenset({"git", "url", "path"})
SOURCES = "sources"
"""Key of a row: where a package comes from by platform, as pairs of a marker and what it adds to the row.

The row itself has what that is on Linux.
"""


class Merged:
    """The row of a definition: `row` as TOML has it, `places` of its keys, and what was left `open`."""

    def __init__(self, python: str | None = None, platform: str = LINUX) -> None:
        """Begin with nothing; markers are answered for this Python and platform as far as they are known."""
        self._python, self._platform = python, platform
        self.row: dict[str, Any] = {}
        self.places: dict[str, Place] = {}
        self.open: list[Open] = []

    @property
    def python(self) -> str | None:
        """Return the Python that markers are answered for; None while none is known."""
        return self._python or self.row.get("python")

    def add(self, each: Stated) -> None:
        """Take a statement; the first value of a key stays, and one that differs is a contradiction."""
        if each.key.startswith("packages."):
            self._add_package(each.key.removeprefix("packages."), dict(each.value), each.place)
        elif each.key in LISTS:
            self._add_listed(each)
        else:
            self._add_value(each)

    def put(self, key: str, value: Any, place: Place) -> None:
        """Put a value in the place of what was stated: the call decides."""
        table, _, name = key.rpartition(".")
        (self.row.setdefault(table, {}) if table else self.row)[name] = value
        self.places[key] = place

    def hold(self, constraint: Stated) -> None:
        """Take the version of a package that a constraint pins, where what requires it leaves that open."""
        try:
            held = Requirement(str(constraint.value))
        except InvalidRequirement:
            return
        row = self.row.get("packages", {}).get(name := canonicalize_name(held.name))
        pin = next(iter(held.specifier), None) if len(held.specifier) == 1 else None
        marker = {"marker": str(held.marker)} if held.marker else {}
        if row is None or pin is None or pin.operator != "==" or _REFERENCES & row.keys():
            return
        wanted = row.get("version", LATEST)
        applies = _holds(marker, self.python, self._platform)
        if applies and exact_version(wanted) is None and takes(wanted, pin.version):
            row["version"], self.places[f"packages.{name}"] = pin.version, constraint.place

    def _add_value(self, each: Stated) -> None:
        table, _, name = each.key.rpartition(".")
        target = self.row.setdefault(table, {}) if table else self.row
        value = self._without_login(each.value, each.place)
        if name in target and target[name] != value:
            text = f"{each.key} is {value} here and {target[name]} in {self.places[each.key]}"
            self.open.append(Open(f"{text}; the latter was taken.", each.place, "contradiction"))
        elif name not in target:
            self.put(each.key, value, each.place)

    def _add_listed(self, each: Stated) -> None:
        table, _, name = each.key.rpartition(".")
        target = self.row.setdefault(table, {}) if table else self.row
        if each.value is True or target.get(name) is True:
            target[name] = True
        else:
            value = self._without_login(each.value, each.place)
            target[name] = list(dict.fromkeys([*target.get(name, ()), value]))
        self.places.setdefault(each.key, each.place)

    def _without_login(self, value: Any, place: Place) -> Any:
        """Take a login out of an address: it belongs into the environment or a netrc file."""
        clean = without_userinfo(value) if isinstance(value, str) and "://" in value else value
        if clean != value:
            self.open.append(Open(f"the login in the address {clean} was left out.", place))
        return clean

    def _from_there(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with the place that it comes from on the platform."""
        sources = row.pop(SOURCES, ())
        if not sources or self._platform == LINUX:
            return row
        kept = {key: value for key, value in row.items() if key not in {"index", *_REFERENCES}}
        held = (told for marker, told in sources if _holds({"marker": marker}, self.python, self._platform))
        return {**kept, **next(held, {})}

    def _add_package(self, name: str, new: dict[str, Any], place: Place) -> None:
        new = self._from_there(new)
        if "index" in new:
            new["index"] = self._without_login(new["index"], place)
        packages = self.row.setdefault("packages", {})
        key, old = f"packages.{name}", packages.get(name)
        if old is None:
            packages[name], self.places[key] = new, place
            return
        which = one_of(old, new, self.python, self._platform)
        if which and None in (_holds(each, None, self._platform) for each in (old, new)) and not self.python:
            text = f"which {name} is meant hangs on the Python: say which one with --python."
            self.open.append(Open(text, place, "asked"))
        if which:
            if which == "new":
                packages[name], self.places[key] = new, place
            return
        packages[name] = joined(old, new)
        if packages[name]["version"] == old.get("version") and not _REFERENCES & new.keys():
            return  # what the first one says decides
        if clashes(old, new):
            text = f"{name} is {new['version']} here and {old['version']} in {self.places[key]}"
            self.open.append(Open(f"{text}; the former was taken.", place, "contradiction"))
        self.places[key] = place


def one_of(old: dict[str, Any], new: dict[str, Any], python: str | None, platform: str) -> str:
    """Tell which of two statements of a package counts, by their markers: "old", "new", or "" for both.

    Where the Python is not known, and they are for different ones, that for the newest counts.

    >>> one_of({"marker": "os_name == 'nt'"}, {"marker": "os_name != 'nt'"}, None, "linux/amd64")
    'new'
    """
    first, second = (_holds(each, python, platform) for each in (old, new))
    if first is False or second is False:
        return "new" if first is False and second is not False else "old"
    if first is None or second is None:
        return _of_python(old, new, platform)
    return ""


def _of_python(old: dict[str, Any], new: dict[str, Any], platform: str) -> str:
    """Return the statement for the newest Python, where no Python takes both; "" where one does."""
    rows = [(_holds(old, each, platform), _holds(new, each, platform)) for each in _PYTHONS]
    both = any(first is not False and second is not False for first, second in rows)
    newest = [("old" if first else "new") for first, second in rows if first or second]
    return "" if both or not newest else newest[-1]


def _holds(row: dict[str, Any], python: str | None, platform: str) -> bool | None:
    marker = row.get("marker")
    return markers.holds(marker, python=python, platform=platform) if marker else True


def joined(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return what two statements of one package say together: a pin decides, then the later one.

    >>> joined({"version": ">=2.4"}, {"version": "2.5.0"}), joined({"version": ">=2"}, {"version": "<3"})
    ({'version': '2.5.0'}, {'version': '>=2,<3'})
    """
    if _REFERENCES & new.keys():
        return new
    if _REFERENCES & old.keys():
        return old
    return {**old, **new, "version": _version(old.get("version", LATEST), new.get("version", LATEST))}


def _version(first: str, second: str) -> str:
    if second in (LATEST, first) or takes(second, first):
        return first
    if first == LATEST or exact_version(first) or exact_version(second):
        return second
    return f"{first},{second}"


def clashes(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether no version serves both statements, as far as a pin tells it."""
    first, second = old.get("version", LATEST), new.get("version", LATEST)
    if LATEST in (first, second) or (_REFERENCES & new.keys()):
        return False
    pinned = exact_version(first) or exact_version(second)
    return bool(pinned) and not (takes(first, second) or takes(second, first))


def takes(wanted: str, version: str) -> bool:
    """Tell whether a version or range takes an exact version; a pin without a local part takes any."""
    have, same = exact_version(version), exact_version(wanted)
    if have is None or wanted == LATEST:
        return have is not None
    try:
        specifiers = SpecifierSet(f"=={wanted}" if same else wanted)
    except InvalidSpecifier:
        return False
    return specifiers.contains(have, prereleases=True)
