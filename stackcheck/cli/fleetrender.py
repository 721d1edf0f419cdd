"""`stackcheck fleet render`: what a cluster's own scheduler runs, as manifests or as scripts."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from stackcheck.cli import fleetk8s, fleetslurm, stacks

if TYPE_CHECKING:
    import argparse

_FORMS = {
    "k8s": (fleetk8s, "Indexed Jobs, a CronJob for drift, or a RayJob, as one file of YAML"),
    "slurm": (fleetslurm, "job arrays for sbatch, as a folder of scripts"),
}
"""Scheduler -> the module that has its options and writes for it, and what it writes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the schedulers and their options."""
    forms = parser.add_subparsers(dest="scheduler", metavar="SCHEDULER", required=True)
    for name, (module, does) in _FORMS.items():
        module.configure(forms.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}."))


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    # --gpu says where to run here, and is not a statement about files of a project.
    named = Namespace(stacks=args.stacks, matrices=args.matrices, allow_outside=args.allow_outside)
    code: int = _FORMS[args.scheduler][0].render(args, stacks.chosen(named))
    return code
