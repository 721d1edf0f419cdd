"""Import a package the way its users do, and keep what it said on the way: errors, warnings, stderr text."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import traceback
import warnings
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import BesideTorch, ErrorFact, Loaded, TorchBeside

MAX_TEXT = 2000
MAX_WARNINGS = 20


def error_fact(error: BaseException) -> ErrorFact:
    """Return type, text (at most 2,000 characters) and place of an exception: a bare assert has no text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
    return {"type": type(error).__name__, "message": str(error)[:MAX_TEXT], "at": place[:300]}


def installed(name: str) -> bool:
    """Tell whether a top-level package can be found, without importing it; a bare directory is none."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # ValueError: a module without __spec__ is loaded under that name
        return False
    return spec is not None and spec.origin is not None


def load(name: str) -> tuple[Any, Loaded]:
    """Import `name`; return the module (None when it fails or is not there) and what can be told about it.

    The facts: `installed`, `import_error` (or None), `version` (the module's own), `distribution_version`
    (its metadata's, known without importing), `file`, `warnings` (texts) and `stderr` (what Python code
    printed there while importing; NumPy's ABI message comes that way).
    """
    if not installed(name.partition(".")[0]):
        return None, {"installed": False, "import_error": None}
    facts: Loaded = {"installed": True, "import_error": None}
    module = None
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(printed):
        warnings.simplefilter("always")
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:
            facts["import_error"] = error_fact(error)
    facts["distribution_version"] = distribution_version(name.partition(".")[0])
    facts["warnings"] = warning_texts(caught)
    # NumPy adds how the import came about, which is this probe's own call stack.
    facts["stderr"] = printed.getvalue().partition("\nTraceback (most recent call last)")[0][:MAX_TEXT]
    facts["version"] = text_or_none(getattr(module, "__version__", None))
    facts["file"] = text_or_none(getattr(module, "__file__", None))
    return module, facts


def load_beside_torch(name: str) -> tuple[Any, Any, BesideTorch]:
    """Import torch, then `name`; return both modules and the facts of `name`, with the key `torch`.

    A package that is not there costs no import of torch, and its facts have no `torch`.
    """
    if not installed(name.partition(".")[0]):
        return None, None, {"installed": False, "import_error": None}
    torch, torch_facts = load("torch")
    module, loaded = load(name)
    facts = cast("BesideTorch", loaded)
    facts["torch"] = beside(torch_facts)
    return torch, module, facts


def beside(torch: Loaded) -> TorchBeside:
    """Return what the packages that ride on torch tell of it."""
    return {
        "installed": torch["installed"],
        "import_error": torch["import_error"],
        "version": torch.get("version"),
    }


def distribution_version(name: str) -> str | None:
    """Return the version in the metadata of the distribution of that name, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def warning_texts(caught: list[warnings.WarningMessage] | None) -> list[str]:
    """Return `Category: text` of recorded warnings, bounded; deprecations are left out."""
    texts = [
        f"{each.category.__name__}: {str(each.message)[:300]}"
        for each in caught or []
        if not issubclass(each.category, (DeprecationWarning, PendingDeprecationWarning, ImportWarning))
    ]
    return list(dict.fromkeys(texts))[:MAX_WARNINGS]


def text_or_none(value: object) -> str | None:
    """Return `str(value)`, cut, or None for None."""
    return None if value is None else str(value)[:MAX_TEXT]
