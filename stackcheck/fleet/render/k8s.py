"""Arrays as Kubernetes Indexed Jobs, and drift as a CronJob: objects of the core API, as values. Pure.

Sources: https://kubernetes.io/docs/concepts/workloads/controllers/job/ (Indexed, backoffLimitPerIndex and
podFailurePolicy, stable since 1.33 and 1.31) and .../cron-jobs/, checked 2026-11-30.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcheck.fleet.render import pods
from stackcheck.fleet.render.arrays import Array
from stackcheck.fleet.render.gpukinds import CPU, GpuKind
from stackcheck.fleet.render.imagerefs import by_digest
from stackcheck.fleet.render.names import checked
from stackcheck.fleet.render.pods import AGENT, CHECKS, FOLDER, RESULTS, TASKS, PodOptions, Work
from stackcheck.model.errors import UsageError
from stackcheck_probes.arraytask import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST_BYTES = 1 << 20
"""Of the data of a ConfigMap: kubernetes.io/docs/concepts/configuration/configmap."""
_WRONG_CALL = 2
"""The exit status of a task that another try would not help: `stackcheck_probes.arraytask`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How often and how long: `retries` of a task whose node or pod was lost, seconds of a whole Job.

    `queue` is the LocalQueue of Kueue that admits the Jobs, "" without Kueue.
    """

    parallel: int = 0
    """Pods of a Job at once; 0 for all."""
    retries: int = 1
    deadline_s: int = 3600
    ttl_s: int = 86_400
    queue: str = ""

    def __post_init__(self) -> None:
        """Refuse what Kubernetes would."""
        for option, number, least in (
            ("--parallel", self.parallel, 0),
            ("--retries", self.retries, 0),
            ("--deadline", self.deadline_s, 1),
            ("--ttl", self.ttl_s, 0),
        ):
            if not least <= number < 1 << 31:
                raise UsageError(f"{option} {number}: give a whole number from {least} on.")
        if self.queue:
            checked("label", self.queue, "--kueue")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions:
    """A nightly `stackcheck drift`: an image of stackcheck, when, and the claim with the project's files."""

    image: str
    schedule: str
    project: str
    stacks: tuple[str, ...]
    allow_tags: bool = False


def labels_of(run: str, part: str) -> dict[str, str]:
    """Return the labels that Kubernetes recommends; `run` is what `kubectl logs --selector` asks for."""
    return {
        "app.kubernetes.io/name": "stackcheck",
        "app.kubernetes.io/instance": run,
        "app.kubernetes.io/component": part,
        "app.kubernetes.io/managed-by": "stackcheck",
    }


def objects(
    arrays: Sequence[Array], agent: bytes, pod: PodOptions, job: JobOptions
) -> Iterator[dict[str, Any]]:
    """Yield the agent's ConfigMap, and for each array one with its tasks and its Job."""
    carried = _agent_map(agent, pod)
    yield carried
    for array in arrays:
        files = {TASKS: array.document(array.tasks)}
        files |= {CHECKS: array.document(array.checks)} if array.checks else {}
        labels = labels_of(array.run, array.kind.slug)
        yield _config_map(array.name, labels, files, pod)
        yield _job(array, labels, carried["metadata"]["name"], pod, job)


def claim(name: str, size: str, access: str, storage_class: str, pod: PodOptions) -> dict[str, Any]:
    """Return the PersistentVolumeClaim that answers are written to."""
    checked("subdomain", name, "--claim")
    checked("quantity", size, "--claim-size")
    spec: dict[str, Any] = {"accessModes": [access], "resources": {"requests": {"storage": size}}}
    if storage_class:
        spec["storageClassName"] = checked("subdomain", storage_class, "--storage-class")
    about = pods.metadata(name, labels_of("results", "results"), pod)
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": spec}


def drift(wish: DriftOptions, agent: bytes, pod: PodOptions, job: JobOptions) -> Iterator[dict[str, Any]]:
    """Yield what runs `stackcheck drift` for each stack, one after the other, as often as the schedule says.

    It asks indexes and needs no GPU. The claim holds what a checkout does: matrices/, locks/, reports/.
    """
    checked("cron schedule", wish.schedule, "--drift-schedule")
    checked("subdomain", wish.project, "--drift-claim")
    image = by_digest(wish.image, "--runner", allow_tag=wish.allow_tags)
    command = ["stackcheck", "drift"]
    tasks = tuple(
        {"stack": name, "image": image, "command": [*command, name, "--format", "json"]}
        for name in wish.stacks
    )
    array = Array(GpuKind(CPU), image, "python3", "amd64", tasks)
    name, labels = f"stackcheck-drift-{array.run}", labels_of(array.run, "drift")
    carried = _agent_map(agent, pod)
    yield carried
    yield _config_map(name, labels, {TASKS: array.document(tasks)}, pod)
    work = Work(
        image=image,
        command=_command("python3", TASKS, pod),
        kind=array.kind,
        architecture=array.architecture,
        config_maps=(carried["metadata"]["name"], name),
        project=wish.project,
    )
    template = _template(work, labels, pod)
    template["spec"]["containers"][0]["workingDir"] = pods.PROJECT
    spec = _job_spec(template, len(tasks), job) | {"parallelism": 1}
    yield {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": pods.metadata(name, labels, pod),
        "spec": {
            "schedule": wish.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _agent_map(agent: bytes, pod: PodOptions) -> dict[str, Any]:
    """Return the agent as a ConfigMap that is named by its content, and never changed."""
    if len(agent) > _MOST_BYTES:
        raise UsageError(f"the agent takes {len(agent):,} bytes, more than a ConfigMap has room for.")
    digest = hashlib.sha256(agent).hexdigest()[:10]
    about = pods.metadata(f"stackcheck-agent-{digest}", labels_of(digest, "agent"), pod)
    content = {AGENT: base64.b64encode(agent).decode("ascii")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": about,
        "immutable": True,
        "binaryData": content,
    }


def _config_map(
    name: str, labels: Mapping[str, str], files: Mapping[str, str], pod: PodOptions
) -> dict[str, Any]:
    if sum(map(len, files.values())) > _MOST_BYTES:
        raise UsageError(f"the tasks of {name} take more than the 1 MiB of a ConfigMap: render fewer stacks.")
    about = pods.metadata(name, labels, pod)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": about,
        "immutable": True,
        "data": dict(files),
    }


def _job(
    array: Array, labels: Mapping[str, str], carried: str, pod: PodOptions, job: JobOptions
) -> dict[str, Any]:
    work = Work(
        image=array.image,
        command=_command(array.python, TASKS, pod),
        check=_command(array.python, CHECKS, pod) if array.checks else (),
        kind=array.kind,
        architecture=array.architecture,
        config_maps=(carried, array.name),
    )
    about = pods.metadata(array.name, labels, pod)
    spec = _job_spec(_template(work, labels, pod), len(array.tasks), job)
    if job.queue:
        # Kueue admits a Job by taking its suspension away: kueue.sigs.k8s.io/docs/tasks/run/jobs
        about["labels"]["kueue.x-k8s.io/queue-name"] = job.queue
        spec["suspend"] = True
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": spec}


def _command(python: str, file: str, pod: PodOptions) -> tuple[str, ...]:
    to = ("--to", RESULTS) if pod.claim else ()
    return (python, "-B", f"{FOLDER}/{AGENT}", COMMAND, f"{FOLDER}/{file}", *to)


def _template(work: Work, labels: Mapping[str, str], pod: PodOptions) -> dict[str, Any]:
    return {"metadata": {"labels": dict(labels)}, "spec": pods.pod_spec(work, pod)}


def _job_spec(template: Mapping[str, Any], tasks: int, job: JobOptions) -> dict[str, Any]:
    """Return a Job of so many tasks: a node that is lost costs no try, a wrong call is not tried again."""
    rules = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [_WRONG_CALL]}},
    ]
    return {
        "completionMode": "Indexed",
        "completions": tasks,
        "parallelism": min(job.parallel, tasks) or tasks,
        "backoffLimitPerIndex": job.retries,
        "podFailurePolicy": {"rules": rules},
        "activeDeadlineSeconds": job.deadline_s,
        "ttlSecondsAfterFinished": job.ttl_s,
        "template": template,
    }
