"""The expectation: what the host knew when an image was baked, as one JSON file beside the agent.

It carries the knowledge that judging needs (driver floors, GPUs by name, overrides), so that nothing of the
host is needed where the container starts. `stackcheck.guard.baking` writes it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA_VERSION = 1
MAX_BYTES = 16 << 20
NAME = "expectation.json"
FOLDER = "/opt/stackcheck"
"""Where `stackcheck bake` puts the agent and the expectation."""

SHAPE: dict[str, tuple[type, ...]] = {
    "stack": (str,),
    "made": (str,),
    "accelerator": (str,),
    "cpu": (str,),
    "site": (list,),
    "packages": (list,),
    "torch": (dict, type(None)),
    "own": (list,),
    "libraries": (list,),
    "codes": (list,),
    "faults": (list,),
    "sonames": (list,),
    "outside": (dict,),
    "optional": (list,),
    "library_path": (str,),
    "cuda": (dict, type(None)),
    "devices": (dict,),
    "gpus": (list,),
    "env": (dict,),
    "variables": (list,),
    "headers": (bool,),
    "overrides": (dict,),
}
"""Every field and its types."""


class ExpectationError(ValueError):
    """The expectation cannot be used: which file, and what is wrong with it."""


def beside(archive: str) -> str:
    """Return where the expectation of an agent lies: beside it, else where images have it."""
    path = os.path.join(os.path.dirname(os.path.abspath(archive)), NAME)
    return path if os.path.exists(path) else os.path.join(FOLDER, NAME)


def load(path: str) -> dict[str, Any]:
    """Return the expectation in a file; raise `ExpectationError`."""
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to must not wait.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            raw = file.read(MAX_BYTES + 1) or b""
    except OSError as error:
        raise ExpectationError("the expectation %s cannot be read: %s" % (path, error.strerror)) from None
    if len(raw) > MAX_BYTES:
        raise ExpectationError("the expectation %s is larger than %d bytes" % (path, MAX_BYTES))
    try:
        document = parse(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ExpectationError("the expectation %s is not JSON: %s" % (path, error)) from None
    fault = _fault(document)
    if fault:
        raise ExpectationError("the expectation %s cannot be used: %s" % (path, fault))
    return document  # type: ignore[no-any-return]


def parse(text: str) -> Any:
    """Parse JSON without the module `json`, whose regular expressions cost 8 ms; with it to say why not.

    The scanner is the one that `json` uses; raise ValueError.
    """
    try:
        from _json import make_scanner

        document, end = make_scanner(_Dialect)(text, 0)  # type: ignore[arg-type]
        if not text[end:].strip():
            return document
    except (ImportError, AttributeError, TypeError, StopIteration, ValueError, SystemError):
        pass
    import json

    return json.loads(text)


class _Dialect:
    """What the scanner asks of a `json.JSONDecoder`."""

    strict = True
    object_hook = object_pairs_hook = array_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def _fault(document: Any) -> str:
    if not isinstance(document, dict):
        return "it is not an object"
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        return "its schema_version is %r, this agent reads %d: bake the image again" % (
            version,
            SCHEMA_VERSION,
        )
    for key, types in SHAPE.items():
        if key not in document:
            return "%s is missing" % key
        if not isinstance(document[key], types):
            return "%s is of a wrong type" % key
    return ""
