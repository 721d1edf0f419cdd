"""What may stand in a manifest or a line of sbatch: names are checked before they go in, never repaired."""

from __future__ import annotations

import re
from typing import NamedTuple

from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line


class _Form(NamedTuple):
    """How something is written: the pattern, how long it may be, and an example."""

    pattern: re.Pattern[str]
    most: int
    example: str


_FORMS = {
    # kubernetes.io/docs/concepts/overview/working-with-objects/names and .../labels, checked 2026-11-30
    "label": _Form(re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"), 63, "gpu-checks"),
    "subdomain": _Form(re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?"), 253, "pull-secret"),
    "label value": _Form(re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?"), 63, "NVIDIA-L4"),
    "label key": _Form(
        re.compile(r"([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?"),
        317,
        "nvidia.com/gpu",
    ),
    "variable": _Form(re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), 253, "UV_DEFAULT_INDEX"),
    "key of a secret": _Form(re.compile(r"[-._A-Za-z0-9]+"), 253, "url"),
    # kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity
    "quantity": _Form(re.compile(r"[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?"), 30, "16Gi"),
    "cron schedule": _Form(re.compile(r"[-0-9*/,A-Za-z]+( [-0-9*/,A-Za-z]+){4}"), 100, "17 3 * * *"),
    # What sbatch takes without quoting: slurm.schedmd.com/sbatch.html
    "word of Slurm": _Form(re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.:,=]*"), 200, "gpu:h100"),
    "time of Slurm": _Form(
        re.compile(r"([0-9]+-)?[0-9]+(:[0-9]{2}){0,2}"), 30, "00:30:00"
    ),
    "memory of Slurm": _Form(re.compile(r"[0-9]+[KMGT]?"), 30, "16G"),
}  # fmt: skip


def checked(form: str, text: str, option: str) -> str:
    """Return a text that is written as its form wants it; raise UsageError, naming the option, otherwise."""
    row = _FORMS[form]
    if len(text) > row.most or not row.pattern.fullmatch(text):
        raise UsageError(f"{said(option, text)}: this is not a {form}, such as {row.example}.")
    return text


def said(option: str, text: str) -> str:
    """Return an option with what was said behind it, as one harmless line."""
    shown = repr(one_line(text, 120))
    return f"{option}{shown}" if option.endswith(("=", "/")) else f"{option} {shown}"


def slug(text: str, most: int = 40) -> str:
    """Return a text as part of a name: lower case, digits and hyphens; "x" where nothing of it is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:most].rstrip("-") or "x"
