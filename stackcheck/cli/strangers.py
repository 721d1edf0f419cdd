"""What each command does with a tree that a stranger has changed: why `check` alone takes `--untrusted`."""

from __future__ import annotations

OPTION = "--untrusted"
_JUDGE = "judge such a tree by `stackcheck check --untrusted` before you trust it with this"
_RUNS = "it builds and runs what the tree states"
_ASKS = "it asks the servers that the tree names"
WHY_NOT = {
    "verify": _RUNS,
    "build": _RUNS,
    "bake": _RUNS,
    "probe": "the target that it looks at runs, whatever the tree is",
    "drift": f"{_RUNS}, and its baseline is a file of the tree",
    "lock": f"{_ASKS}, and writes what they say beside it",
    "suggest": f"{_ASKS}, and its answer is an edit of the tree",
    "upgrade": f"{_ASKS}, and its answer is an edit of the tree",
    "matrix": f"{_ASKS}, and takes over what it accepts",
    "plan": "it reads no tree: the wishes and their indexes are of who calls",
    "init": "it writes a definition that reads as your own; it asks no server",
    "inspect": "it reads bytes, and of a stack its GPUs alone",
    "list": "it reads definitions, and asks, runs and judges nothing",
}
"""Command -> why it has no `--untrusted`, for those that read definitions or a project's own files."""


def refusal(command: str) -> str:
    """Return what a command says that is asked for it."""
    why = WHY_NOT.get(command, "it reads no definition")
    return f"{OPTION} is for `check`; `{command}` does not take it: {why}; {_JUDGE}"
