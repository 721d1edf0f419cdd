"""References to container images: by digest, so that every node runs the same bytes."""

from __future__ import annotations

import re

from stackcheck.fleet.render.names import said
from stackcheck.model.errors import UsageError

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?)"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?P<host>{_HOST})/)?{_PATH}(?:/{_PATH})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""github.com/distribution/reference, reference.go, checked 2026-11-30."""
_MOST = 500


def by_digest(text: str, option: str, *, allow_tag: bool = False) -> str:
    """Return a reference that names its digest; raise UsageError, naming the option, for another one.

    With `allow_tag` a tag will do: which bytes it means may then differ from node to node.
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= _MOST else None
    if match is None:
        raise UsageError(
            f"{said(option, text)}: this is not a reference to an image, such as "
            "registry.example/app@sha256:DIGEST."
        )
    if not match["digest"] and not allow_tag:
        raise UsageError(
            f"{said(option, text)}: a tag may mean another image tomorrow; name the digest "
            "(`docker buildx imagetools inspect IMAGE` says it), or add --allow-tags."
        )
    return text


def for_enroot(text: str) -> str:
    """Return a reference as Enroot writes it: `#` behind the registry, no tag beside a digest.

    Source: https://github.com/NVIDIA/enroot/blob/main/doc/cmd/import.md, checked 2026-11-30.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return text  # a file
    host = match["host"] or ""
    known = host if "." in host or ":" in host or host == "localhost" else ""
    name = match["name"].removeprefix(f"{known}/") if known else match["name"]
    end = f"@{match['digest']}" if match["digest"] else f":{match['tag']}" if match["tag"] else ""
    return f"{known}#{name}{end}" if known else f"{name}{end}"
