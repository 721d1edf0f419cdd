"""What is shared tells nobody whose machine it was made on: the folder of work is left out, home is `~`."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from stackcheck.report.markdown import inline

if TYPE_CHECKING:
    from pathlib import Path


def without_own_paths(rendered: str, work: Path, home: Path) -> str:
    """Return a rendered document with paths below `work` relative to it, and those below `home` from `~`.

    A path is found however the formats spell it; one in which the folder stands further down is another.
    """
    for folder, instead in ((work, ""), (home, "~/")):
        if len(folder.parts) < 2:  # the root is nobody's own
            continue
        rendered = re.sub(rf"(?:file://|(?<![\w.~/\\-]))(?:{_spellings(folder)})/", instead, rendered)
    return rendered


def _spellings(folder: Path) -> str:
    text = str(folder)
    return "|".join(re.escape(each) for each in sorted({text, escape(text), quote(text), inline(text)}))
