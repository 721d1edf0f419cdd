"""`stackcheck fleet nodes`: what is there, which stacks no node can serve, which GPUs nobody covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.cli import fleetoptions, options, output, stacks
from stackcheck.fleet import telling
from stackcheck.fleet.placing import placed
from stackcheck.fleet.work import Secrets
from stackcheck.model.errors import EXIT_OK, EXIT_UNCHECKED
from stackcheck.report import FORMATS

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    stacks.configure(parser, nargs="*")
    fleetoptions.configure(parser)
    options.add_engine(parser)
    output.configure(parser, FORMATS)


def run(args: argparse.Namespace) -> int:
    """Run the verb: 3 where no node takes a task, or a named stack is served by none."""
    named = stacks.chosen(args) if args.stacks else ()
    with fleetoptions.backend(args, fleetoptions.how(args), Secrets()) as backend:
        nodes = backend.nodes()
    placement = placed(named, nodes, fleetoptions.needs(args))
    output.write_document(telling.told_nodes(nodes, named, placement), args)
    return EXIT_UNCHECKED if placement.unserved or all(node.problem for node in nodes) else EXIT_OK
