"""`stackcheck fleet render k8s`: Indexed Jobs, a CronJob for drift, or a RayJob, as one file of YAML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.cli import fleettasks, output
from stackcheck.fleet.render import k8s, queues, yamltext
from stackcheck.fleet.render.arrays import arrays, gpus_of
from stackcheck.fleet.render.gpukinds import kind_of
from stackcheck.fleet.render.pods import PodOptions, toleration
from stackcheck.model.errors import EXIT_OK, UsageError
from stackcheck.report.wording import plural
from stackcheck.steps.probing import packed_agent

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from stackcheck.fleet.render.arrays import Array
    from stackcheck.fleet.render.gpukinds import GpuKind
    from stackcheck.intake.stack import Stack

_APPLY = (
    "Made by `stackcheck fleet render k8s`. Submit it with `kubectl create -f FILE`, or with\n"
    "`kubectl apply --server-side`: the agent is larger than what a plain `apply` notes beside an object."
)
_ACCESS = ("ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    fleettasks.configure(parser)
    add = parser.add_argument
    add(
        "--as",
        dest="form",
        choices=("jobs", "drift", "ray"),
        default="jobs",
        help="Indexed Jobs, a CronJob for drift, or a RayJob of KubeRay; default: jobs",
    )
    add(
        "--label",
        action="append",
        default=[],
        metavar="GPU=VALUE",
        help="what nodes with a GPU are labelled, where that is not known: nvidia.com/gpu.product",
    )
    group = parser.add_argument_group("what a pod gets")
    add = group.add_argument
    add("--namespace", default="", metavar="NAME", help="of all objects; default: that of kubectl")
    add("--cpu", default="4", metavar="N", help="cores; default: %(default)s")
    add("--memory", default="16Gi", metavar="SIZE", help="default: %(default)s")
    add("--shm", default="2Gi", metavar="SIZE", help="of /dev/shm, within the memory; default: %(default)s")
    add("--scratch", default="10Gi", metavar="SIZE", help="of /tmp; default: %(default)s")
    add("--user", type=int, default=65534, metavar="UID", help="default: %(default)s")
    add("--group", type=int, action="append", default=[], metavar="GID", help="a further group of the user")
    add("--pull-secret", action="append", default=[], metavar="NAME", help="for the registry")
    add("--toleration", action="append", default=[], metavar="KEY[=VALUE][:EFFECT]", help="of a taint")
    add(
        "--secret-env",
        action="append",
        default=[],
        metavar="NAME=SECRET/KEY",
        help="a variable whose value stands in a Secret",
    )
    group = parser.add_argument_group("where answers go")
    add = group.add_argument
    add("--claim", default="", metavar="NAME", help="to this PersistentVolumeClaim; default: to the log")
    add("--claim-size", default="", metavar="SIZE", help="render the claim as well")
    add("--claim-access", choices=_ACCESS, default="ReadWriteMany", help="default: %(default)s")
    add("--storage-class", default="", metavar="NAME", help="of the claim")
    group = parser.add_argument_group("how long and how often")
    add = group.add_argument
    add("--deadline", type=int, default=3600, metavar="S", help="of a whole Job; default: %(default)s")
    add("--retries", type=int, default=1, metavar="N", help="of a task; default: %(default)s")
    add("--ttl", type=int, default=86_400, metavar="S", help="Jobs are kept so long; default: %(default)s")
    add("--kueue", default="", metavar="QUEUE", help="the LocalQueue of Kueue that admits the Jobs")
    add("--kueue-quota", type=int, default=0, metavar="N", help="render queues with so many tasks a GPU kind")
    group = parser.add_argument_group("for --as drift and --as ray")
    add = group.add_argument
    add("--runner", default="", metavar="REF", help="an image that has stackcheck, by digest")
    add("--schedule", default="17 3 * * *", metavar="CRON", help="of drift, in UTC; default: %(default)s")
    add("--project", default="", metavar="CLAIM", help="the claim with matrices/, locks/ and reports/")
    add("--ray-version", default="", metavar="VERSION", help="the Ray that the image has")
    add("--workers", type=int, default=1, metavar="N", help="of each GPU kind; default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: stdout")


def render(args: argparse.Namespace, chosen: Sequence[Stack]) -> int:
    """Write the objects."""
    pod = _pod(args)
    job = k8s.JobOptions(
        parallel=args.parallel,
        retries=args.retries,
        deadline_s=args.deadline,
        ttl_s=args.ttl,
        queue=args.kueue,
    )
    form = {"jobs": _jobs, "drift": _drift, "ray": _ray}[args.form]
    made = list(form(args, chosen, pod, job))
    output.write(yamltext.dump(made, _APPLY), args.output)
    where = f" in {args.output}" if args.output else ""
    output.progress(args)(f"{plural(len(made), 'object')}{where}; docs/fleet-render.md says how to go on")
    return EXIT_OK


def _jobs(
    args: argparse.Namespace, chosen: Sequence[Stack], pod: PodOptions, job: k8s.JobOptions
) -> Iterator[dict[str, Any]]:
    made = arrays(chosen, fleettasks.wish(args))
    if args.claim_size:
        if not args.claim:
            raise UsageError("--claim-size is for a claim: name it with --claim.")
        yield k8s.claim(args.claim, args.claim_size, args.claim_access, args.storage_class, pod)
    if args.kueue_quota:
        if not args.kueue:
            raise UsageError("--kueue-quota is for the queues of Kueue: name the LocalQueue with --kueue.")
        yield from queues.kueue_setup(_kinds(made), args.kueue, args.kueue_quota, pod)
    yield from k8s.objects(made, packed_agent(), pod, job)


def _drift(
    args: argparse.Namespace, chosen: Sequence[Stack], pod: PodOptions, job: k8s.JobOptions
) -> Iterator[dict[str, Any]]:
    if not (args.runner and args.project):
        raise UsageError("--as drift needs --runner, an image of stackcheck, and --project, a claim.")
    names = tuple(stack.id for stack in chosen)
    wish = k8s.DriftOptions(
        image=args.runner,
        schedule=args.schedule,
        project=args.project,
        stacks=names,
        allow_tags=args.allow_tags,
    )
    yield from k8s.drift(wish, packed_agent(), pod, job)


def _ray(
    args: argparse.Namespace, chosen: Sequence[Stack], pod: PodOptions, job: k8s.JobOptions
) -> Iterator[dict[str, Any]]:
    if not (args.runner and args.ray_version):
        raise UsageError("--as ray needs --runner, an image of stackcheck and Ray, and --ray-version.")
    names = dict.fromkeys(name for stack in chosen for name in gpus_of(stack, fleettasks.gpus(args)))
    wish = queues.RayOptions(
        image=args.runner,
        version=args.ray_version,
        words=tuple(stack.id for stack in chosen),
        workers=args.workers,
        allow_tags=args.allow_tags,
        deadline_s=job.deadline_s,
    )
    yield queues.ray_job([kind_of(name, fleettasks.labels(args)) for name in names], wish, pod)


def _pod(args: argparse.Namespace) -> PodOptions:
    secrets: dict[str, tuple[str, str]] = {}
    for text in args.secret_env:
        name, place = fleettasks.pair("--secret-env", text)
        secret, slash, key = place.partition("/")
        if not slash:
            raise UsageError(f"--secret-env {name}=...: say the Secret and its key, as NAME=SECRET/KEY.")
        secrets[name] = secret, key
    return PodOptions(
        namespace=args.namespace,
        gpus=args.count,
        cpu=args.cpu,
        memory=args.memory,
        shm=args.shm,
        scratch=args.scratch,
        user=args.user,
        groups=tuple(args.group),
        claim=args.claim,
        pull_secrets=tuple(args.pull_secret),
        tolerations=tuple(map(toleration, args.toleration)),
        secrets=secrets,
    )


def _kinds(made: Iterable[Array]) -> list[GpuKind]:
    return list(dict.fromkeys(array.kind for array in made if array.kind.labels))
