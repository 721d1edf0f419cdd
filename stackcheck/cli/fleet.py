"""`stackcheck fleet`: many stacks on many machines. Each verb has a module of its own."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

VERBS = {
    "verify": ("fleetverify", "verify stacks on the nodes that have their GPUs, and keep every result"),
    "render": ("fleetrender", "write what the scheduler of a cluster runs: Kubernetes or Slurm"),
    "collect": ("fleetcollect", "join what came back from a cluster: reports, logs, archives"),
    "nodes": ("fleetnodes", "say what each node has, what no node can serve, and which GPUs nobody covers"),
}
"""Verb -> the module of `stackcheck.cli` that has its `configure` and `run`, and what it does."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, (module, does) in VERBS.items():
        described = f"{does[0].upper()}{does[1:]}."
        import_module(f"stackcheck.cli.{module}").configure(
            verbs.add_parser(verb, help=does, description=described)
        )


def execute(args: argparse.Namespace) -> int:
    """Run the verb."""
    code: int = import_module(f"stackcheck.cli.{VERBS[args.verb][0]}").run(args)
    return code
