"""The Python files of one or more packages: which modules they are, what is in each, what each provides."""

from __future__ import annotations

from stackcheck_probes.imports.source import read_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Dict, Optional, Set, Tuple

    from stackcheck_probes.imports.source import Source

BINARY = (".so", ".pyd")
_ALIASES = ("sys.modules", "meta_path", "__path__")
"""What a file mentions that gives modules names which no file has."""


class Tree:
    """Files by their path among the packages ("diffusers/utils/__init__.py"); each is read when it is needed.

    `text` returns the content of one, None where it cannot be read.
    """

    def __init__(self, paths: Iterable[str], text: Callable[[str], Optional[str]]) -> None:
        self.paths = frozenset(paths)
        self._text = text
        self._folders: Set[str] = set()
        self._binaries: Set[str] = set()
        self._sources: Dict[str, Optional[Source]] = {}
        self._texts: Dict[bool, bytes] = {}  # as one text with a rare letter it would take four times as much
        self._mentioned: Dict[Tuple[str, bool], bool] = {}
        for path in self.paths:
            folder, _, name = path.rpartition("/")
            if name.endswith(BINARY):
                self._binaries.add((folder + "/" if folder else "") + name.partition(".")[0])
            if name.endswith((".py", *BINARY)):
                while folder and folder not in self._folders:
                    self._folders.add(folder)
                    folder = folder.rpartition("/")[0]

    def kind(self, module: str) -> str:
        """Return "package", "module", "binary", "folder" (a namespace), or "" for what is not there."""
        path = module.replace(".", "/")
        if path + "/__init__.py" in self.paths:
            return "package"
        if path in self._binaries or path + "/__init__" in self._binaries:
            return "binary"
        if path + ".py" in self.paths:
            return "module"
        return "folder" if path in self._folders else ""

    def path(self, module: str) -> str:
        """Return the file of a module or package."""
        inside = "/__init__.py" if self.kind(module) == "package" else ".py"
        return module.replace(".", "/") + inside

    def source(self, module: str) -> Optional[Source]:
        """Return what the file of a module says; None where there is none, or it is not read."""
        if module not in self._sources:
            kind = self.kind(module)
            text = self._text(self.path(module)) if kind in ("package", "module") else None
            read = None if text is None else read_source(text, module, is_package=kind == "package")
            self._sources[module] = read
        return self._sources[module]

    def mentions(self, name: str, aliasing: bool = False) -> bool:
        """Tell whether any Python file has a name in its text; `aliasing`: one that may name modules anew."""
        key = (name, aliasing)
        if key not in self._mentioned:
            self._mentioned[key] = name.encode() in self._all(aliasing)
        return self._mentioned[key]

    def _all(self, aliasing: bool) -> bytes:
        if aliasing not in self._texts:
            texts = (self._text(path) or "" for path in sorted(self.paths) if path.endswith(".py"))
            chosen = (text for text in texts if not aliasing or any(each in text for each in _ALIASES))
            self._texts[aliasing] = b"\n".join(text.encode("utf-8", "replace") for text in chosen)
        return self._texts[aliasing]

    def has_module(self, module: str) -> Optional[bool]:
        """Tell whether a module is there; None where that is not known."""
        parts = module.split(".")
        if self.kind(parts[0]) not in ("package", "module"):
            return True if self.kind(module) else None
        for end in range(2, len(parts) + 1):
            name = ".".join(parts[:end])
            if self.kind(name):
                continue
            if self.kind(".".join(parts[: end - 1])) == "binary" or self.mentions(
                parts[end - 1], aliasing=True
            ):
                return None
            return False
        return True

    def has_name(self, module: str, name: str) -> Optional[bool]:
        """Tell whether a module that is there provides a name; None where that is not known."""
        if self.kind(module + "." + name):
            return True
        known, todo, seen = True, [module], {module}
        while todo:
            each = todo.pop()
            source = self.source(each)
            if source is None:
                known = False
                continue
            if name in source.binds:
                return True
            known = known and name not in source.strings and name[:2] != "__"
            known = known and source.dynamic != "open"  # names may be composed: XFast of X in transformers 5
            todo += sorted(source.stars - seen)
            seen |= source.stars
        return False if known else None

    def lacks(self, module: str, name: str, attribute: bool) -> Optional[str]:
        """Return what is missing of something that is needed of these packages.

        "a.b" for a module, "a.b:c" for a name in it; "" where all is there, None where that is not known.
        attribute: `name` is a path that is read off the module, and other code may have put it there.
        """
        there = self.has_module(module)
        if not there:
            return module if there is False and not attribute else None
        if name in ("", "*"):
            return ""
        for part in name.split(".") if attribute else [name]:
            has = self.has_name(module, part)
            if not has:
                certain = has is False and not (attribute and self.mentions(part))
                return module + ":" + part if certain else None
            module += "." + part
            if not self.kind(module):
                return ""
        return ""
