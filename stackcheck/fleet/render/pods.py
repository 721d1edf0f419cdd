"""The pod of one task: what it may, what it gets, and where its answer goes. Pure.

It keeps to the Pod Security Standard "restricted", mounts no token of a service account and writes nowhere
but in its own empty folders. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards,
checked 2026-11-30.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackcheck.fleet.render.names import checked
from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackcheck.fleet.render.gpukinds import GpuKind

AGENT, TASKS, CHECKS = "agent.pyz", "tasks.json", "checks.json"
FOLDER, RESULTS, PROJECT = "/stackcheck", "/results", "/project"
_TMP = "/tmp"  # noqa: S108 - the container's own
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_CONTAINER: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOptions:
    """What a pod gets, in Kubernetes' own words; quantities are texts such as "16Gi".

    `claim` names the PersistentVolumeClaim that answers are written to, "" has them in the log. `secrets` are
    variables by the Secret and its key that hold their value: the value itself never stands in a manifest.
    """

    namespace: str = ""
    gpus: int = 1
    cpu: str = "4"
    memory: str = "16Gi"
    shm: str = "2Gi"
    scratch: str = "10Gi"
    user: int = 65534
    groups: tuple[int, ...] = ()
    """Further groups, such as the one that AMD's device nodes belong to."""
    claim: str = ""
    pull_secrets: tuple[str, ...] = ()
    tolerations: tuple[Mapping[str, str], ...] = ()
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what Kubernetes would."""
        for option, form, texts in (
            ("--namespace", "label", [self.namespace]),
            ("--claim", "subdomain", [self.claim]),
            ("--pull-secret", "subdomain", self.pull_secrets),
            ("--cpu", "quantity", [self.cpu]),
            ("--memory", "quantity", [self.memory]),
            ("--shm", "quantity", [self.shm]),
            ("--scratch", "quantity", [self.scratch]),
        ):
            for text in filter(None, texts):
                checked(form, text, option)
        for option, number in (
            ("--count", self.gpus),
            ("--user", self.user),
            *(("--group", each) for each in self.groups),
        ):
            if not 1 <= number < 1 << 31:
                raise UsageError(f"{option} {number}: give a whole number from 1 on.")
        for name, (secret, key) in self.secrets.items():
            checked("variable", name, "--secret-env")
            checked("subdomain", secret, f"--secret-env {name}=")
            checked("key of a secret", key, f"--secret-env {name}={secret}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a pod runs: an image, the words of its command, files by folder from ConfigMaps, variables."""

    image: str
    command: tuple[str, ...]
    check: tuple[str, ...] = ()
    """The command of the init container; empty for none."""
    kind: GpuKind
    architecture: str
    config_maps: tuple[str, ...]
    project: str = ""
    """A claim that holds definitions, locks and reports; "" for none."""


def toleration(text: str) -> dict[str, str]:
    """Read `key[=value][:effect]`, as kubectl writes taints. Raises UsageError."""
    rest, _, effect = text.partition(":")
    key, equals, value = rest.partition("=")
    option = f"--toleration {one_line(text, 80)}:"
    if effect and effect not in _EFFECTS:
        raise UsageError(f"{option} the effect is one of {', '.join(_EFFECTS)}.")
    checked("label key", key, "--toleration")
    if value:
        checked("label value", value, "--toleration")
    found = (
        {"key": key, "operator": "Equal", "value": value} if equals else {"key": key, "operator": "Exists"}
    )
    return found | ({"effect": effect} if effect else {})


def metadata(name: str, labels: Mapping[str, str], options: PodOptions) -> dict[str, Any]:
    """Return the metadata of an object."""
    where = {"namespace": options.namespace} if options.namespace else {}
    return {"name": name, **where, "labels": dict(labels)}


def pod_spec(work: Work, options: PodOptions) -> dict[str, Any]:
    """Return the specification of the pod of one task."""
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": options.user,
            "runAsGroup": options.user,
            "fsGroup": options.user,
            **({"supplementalGroups": [*options.groups]} if options.groups else {}),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "nodeSelector": {"kubernetes.io/os": "linux", "kubernetes.io/arch": work.architecture},
    }
    if work.kind.labels:
        spec["affinity"] = {"nodeAffinity": node_affinity(work.kind)}
    if found := [*_own_taint(work.kind), *map(dict, options.tolerations)]:
        spec["tolerations"] = found
    if options.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in options.pull_secrets]
    if work.check:
        spec["initContainers"] = [_container("start-check", work, work.check, options)]
    spec["containers"] = [_container("task", work, work.command, options)]
    spec["volumes"] = _volumes(work, options)
    return spec


def node_affinity(kind: GpuKind) -> dict[str, Any]:
    """Return the rule that lets only nodes with this kind of GPU in."""
    rows = [{"key": key, "operator": "In", "values": [*values]} for key, values in kind.labels]
    terms = {"nodeSelectorTerms": [{"matchExpressions": rows}]}
    return {"requiredDuringSchedulingIgnoredDuringExecution": terms}


def _own_taint(kind: GpuKind) -> list[dict[str, str]]:
    """Return the toleration of the taint that GPU nodes usually bear: the name of their resource."""
    if not kind.resource:
        return []
    return [{"key": kind.resource, "operator": "Exists", "effect": "NoSchedule"}]


def _container(name: str, work: Work, command: Sequence[str], options: PodOptions) -> dict[str, Any]:
    return {
        "name": name,
        "image": work.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*command],
        "env": _environment(work, options),
        "resources": _resources(work.kind, options),
        "securityContext": dict(_CONTAINER),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": _mounts(work, options),
    }


def _environment(work: Work, options: PodOptions) -> list[dict[str, Any]]:
    node = {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}
    found: list[dict[str, Any]] = [{"name": "STACKCHECK_NODE", "valueFrom": node}]
    found += [{"name": name, "value": _TMP} for name in ("HOME", "TMPDIR")]
    if work.check:
        found.append({"name": "STACKCHECK_FORMAT", "value": "json"})
    if work.project:
        found.append({"name": "STACKCHECK_STATE", "value": f"{PROJECT}/state"})
    for name, (secret, key) in options.secrets.items():
        found.append({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
    return found


def _resources(kind: GpuKind, options: PodOptions) -> dict[str, Any]:
    """Return requests that are limits as well: a pod of the class Guaranteed is the last to be evicted."""
    asked = {"cpu": options.cpu, "memory": options.memory, "ephemeral-storage": options.scratch}
    if kind.resource:
        asked[kind.resource] = str(options.gpus)
    return {"requests": dict(asked), "limits": asked}


def _mounts(work: Work, options: PodOptions) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": "stackcheck", "mountPath": FOLDER, "readOnly": True},
        {"name": "tmp", "mountPath": _TMP},
        {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - likewise
    ]
    found += [{"name": "results", "mountPath": RESULTS}] if options.claim else []
    return found + ([{"name": "project", "mountPath": PROJECT}] if work.project else [])


def _volumes(work: Work, options: PodOptions) -> list[dict[str, Any]]:
    sources = [{"configMap": {"name": name}} for name in work.config_maps]
    found: list[dict[str, Any]] = [
        {"name": "stackcheck", "projected": {"defaultMode": 0o444, "sources": sources}},
        {"name": "tmp", "emptyDir": {"sizeLimit": options.scratch}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": options.shm}},
    ]
    for name, claim in (("results", options.claim), ("project", work.project)):
        found += [{"name": name, "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    return found
