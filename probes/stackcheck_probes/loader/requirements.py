"""Which installed distribution requires which: a package loads the libraries of those that it requires.

`librmm.load_library()` loads rapids_logger first: its METADATA name it, and no search path of its files leads
there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

MAX_REQUIRED = 1000


class Requirements:
    """The distributions of some package folders.

    installed: returns what each one requires, by its name as the index compares names; asked once, and only
    when it is needed. record: returns the RECORD of one. roots: the folders.
    """

    def __init__(
        self,
        installed: Callable[[], dict[str, list[str]]],
        record: Callable[[str], str],
        roots: list[str],
    ) -> None:
        self._installed = installed
        self._record = record
        self._roots = roots
        self._required: dict[str, list[str]] | None = None
        self._records: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._closures: dict[str, frozenset[str]] = {}

    def leads(self, path: str, other: str) -> bool:
        """Tell whether the distribution of the file at `path` requires that of `other`, itself or in between.

        What it names for one of its extras counts too: it knows that package.
        """
        owner, theirs = self._owner(path), self._owner(other)
        return bool(owner and theirs) and theirs in self._closure(owner)

    def _all(self) -> dict[str, list[str]]:
        if self._required is None:
            self._required = self._installed()
        return self._required

    def _owner(self, path: str) -> str:
        if path not in self._owners:
            self._owners[path] = self._find(path)
        return self._owners[path]

    def _find(self, path: str) -> str:
        """Return which distribution has the file in its RECORD, "" for none; those of a like name first."""
        root = next((each for each in self._roots if path.startswith(each + "/")), "")
        row = path[len(root) + 1 :] + ","
        top = row.split("/", 1)[0].partition(".")[0].lower().replace("_", "-")
        for name in sorted(self._all(), key=lambda name: not name.startswith(top)):
            if name not in self._records:
                self._records[name] = self._record(name)
            text = self._records[name]
            if text.startswith(row) or f"\n{row}" in text:
                return name
        return ""

    def _closure(self, name: str) -> frozenset[str]:
        if name not in self._closures:
            self._closures[name] = frozenset(_closure(name, self._all()))
        return self._closures[name]


def _closure(name: str, required: dict[str, list[str]]) -> Collection[str]:
    found: set[str] = set()
    queue = [name]
    while queue and len(found) < MAX_REQUIRED:
        fresh = set(required.get(queue.pop(), ())) - found
        found |= fresh
        queue += fresh
    return found
