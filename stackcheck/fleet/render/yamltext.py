"""Documents as YAML that every reader takes the same way: a text that looks like anything else is quoted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"))
"""What YAML 1.1 reads as something else; Kubernetes reads by its rules in part, and by those of 1.2."""
_BLOCK_FROM = 200


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and indents lists below their key."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write out what stands in two places twice."""
        del data
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        style = None
    elif "\n" in text and len(text) > _BLOCK_FROM and _fits_block(text):
        style = "|"
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_block(text: str) -> bool:
    return all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))


_Dumper.add_representer(str, _text)


def dump(documents: Iterable[Mapping[str, Any]], comment: str = "") -> str:
    """Return documents as one text of ASCII, with a comment in front."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body = yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        width=1_000_000,
        explicit_start=True,
        allow_unicode=False,
    )
    return head + body
