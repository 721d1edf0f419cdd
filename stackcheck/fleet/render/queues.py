"""Custom resources: the flavors and queues of Kueue, and a RayJob of KubeRay. Pure.

No schema of theirs is held against them here: tests keep them as golden files.
Sources, checked 2026-11-30: https://kueue.sigs.k8s.io/docs/reference/kueue.v1beta2/ and
https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stackcheck.fleet.render import pods
from stackcheck.fleet.render.gpukinds import CPU, GpuKind
from stackcheck.fleet.render.imagerefs import by_digest
from stackcheck.fleet.render.k8s import labels_of
from stackcheck.fleet.render.names import slug
from stackcheck.fleet.render.pods import RESULTS, PodOptions, Work
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_KUEUE = "kueue.x-k8s.io/v1beta2"
_RAY = "ray.io/v1"
_ANY = "stackcheck-any-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class RayOptions:
    """A Ray cluster that lives as long as one `stackcheck fleet verify`.

    `image` has stackcheck with the extra `fleet` and Ray of the version that is named.
    """

    image: str
    version: str
    words: tuple[str, ...]
    """What `stackcheck fleet verify` is asked for: patterns and options."""
    workers: int = 1
    allow_tags: bool = False
    deadline_s: int = 3600
    ttl_s: int = 600


def kueue_setup(
    kinds: Sequence[GpuKind], queue: str, quota: int, pod: PodOptions
) -> Iterator[dict[str, Any]]:
    """Yield a ResourceFlavor a label value, one ClusterQueue over them, and the LocalQueue of the Jobs.

    A flavor names one value of each label, so a GPU that comes under several has several flavors; `quota` is
    how many tasks each takes. What else a pod asks for has to be covered too, or Kueue admits none.
    """
    flavors = [row for kind in kinds for row in _flavors(kind)]
    labels = labels_of(queue, "queue")
    for _, name, node_labels in (*flavors, (GpuKind(CPU), _ANY, {})):
        spec = {"nodeLabels": node_labels} if node_labels else {}
        about = {"name": name, "labels": labels}
        yield {"apiVersion": _KUEUE, "kind": "ResourceFlavor", "metadata": about, "spec": spec}
    groups = []
    for resource in dict.fromkeys(kind.resource for kind in kinds):
        names = [name for kind, name, _ in flavors if kind.resource == resource]
        groups.append(_resource_group({resource: str(quota * pod.gpus)}, names))
    most = quota * max(len(flavors), 1)
    rest = {"cpu": pod.cpu, "memory": pod.memory, "ephemeral-storage": pod.scratch}
    groups.append(_resource_group({name: times(text, most) for name, text in rest.items()}, [_ANY]))
    yield {
        "apiVersion": _KUEUE,
        "kind": "ClusterQueue",
        "metadata": {"name": queue, "labels": labels},
        "spec": {"namespaceSelector": {}, "resourceGroups": groups},
    }
    yield {
        "apiVersion": _KUEUE,
        "kind": "LocalQueue",
        "metadata": pods.metadata(queue, labels, pod),
        "spec": {"clusterQueue": queue},
    }


def _flavors(kind: GpuKind) -> list[tuple[GpuKind, str, dict[str, str]]]:
    """Return the flavors of a kind of GPU: the kind, a name and the labels of the nodes of each."""
    (key, values), *others = kind.labels
    fixed = {other: one for other, (one, *_) in others}
    if len(values) == 1:
        return [(kind, f"stackcheck-{kind.slug}", {key: values[0], **fixed})]
    return [(kind, slug(f"stackcheck-{value}", 63), {key: value, **fixed}) for value in values]


def _resource_group(quotas: Mapping[str, str], flavors: Sequence[str]) -> dict[str, Any]:
    """Return quotas of resources, the same in each flavor."""
    rows = [{"name": name, "nominalQuota": text} for name, text in quotas.items()]
    return {
        "coveredResources": [*quotas],
        "flavors": [{"name": name, "resources": rows} for name in flavors],
    }


def times(quantity: str, number: int) -> str:
    """Return a quantity so many times: "16Gi" twice is "32Gi"."""
    digits = quantity.rstrip("mkKMGTi")
    return f"{Decimal(digits) * number:f}{quantity[len(digits) :]}"


def ray_job(kinds: Sequence[GpuKind], wish: RayOptions, pod: PodOptions) -> dict[str, Any]:
    """Return a RayJob with a group of workers a kind of GPU, which goes when `fleet verify` has ended."""
    import shlex  # noqa: PLC0415 - of all that is rendered only this is one line of a shell

    image = by_digest(wish.image, "--runner", allow_tag=wish.allow_tags)
    if not pod.claim:
        raise UsageError("--as ray needs --claim: its pods go, and what they wrote with them.")
    # No engine of containers answers in a pod, so environments are built there.
    words = ["stackcheck", "fleet", "verify", *wish.words, "--address", "auto", "--engine", "venv"]
    words += ["-o", f"{RESULTS}/fleet"]
    name, labels = "stackcheck-fleet", labels_of("fleet", "ray")
    cluster = {
        "rayVersion": wish.version,
        "headGroupSpec": {
            "rayStartParams": {"num-cpus": "0", "dashboard-host": "0.0.0.0"},  # noqa: S104 - its Service
            "template": _ray_pod("ray-head", image, GpuKind(CPU), labels, pod),
        },
        "workerGroupSpecs": [
            {
                "groupName": kind.slug,
                "replicas": wish.workers,
                "minReplicas": 0,
                "maxReplicas": wish.workers,
                "rayStartParams": {},
                "template": _ray_pod("ray-worker", image, kind, labels, pod),
            }
            for kind in kinds
        ],
    }
    return {
        "apiVersion": _RAY,
        "kind": "RayJob",
        "metadata": pods.metadata(name, labels, pod),
        "spec": {
            "entrypoint": shlex.join(words),
            "shutdownAfterJobFinishes": True,
            "ttlSecondsAfterFinished": wish.ttl_s,
            "activeDeadlineSeconds": wish.deadline_s,
            "backoffLimit": 0,
            "rayClusterSpec": cluster,
        },
    }


def _ray_pod(name: str, image: str, kind: GpuKind, labels: dict[str, str], pod: PodOptions) -> dict[str, Any]:
    """Return a pod of the cluster: that of a task without its files and its command, which Ray gives it.

    Ray and stackcheck write below the user's home, so the root is not read-only.
    """
    work = Work(image=image, command=(), kind=kind, architecture="amd64", config_maps=())
    spec = pods.pod_spec(work, pod)
    container = spec["containers"][0] | {"name": name}
    del container["command"]
    container["securityContext"] = container["securityContext"] | {"readOnlyRootFilesystem": False}
    container["volumeMounts"] = [each for each in container["volumeMounts"] if each["name"] != "stackcheck"]
    volumes = [each for each in spec["volumes"] if each["name"] != "stackcheck"]
    del spec["restartPolicy"]
    return {"metadata": {"labels": labels}, "spec": spec | {"containers": [container], "volumes": volumes}}
