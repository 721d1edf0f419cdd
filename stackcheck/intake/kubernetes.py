"""Read Kubernetes manifests: each container that asks for a GPU is a stack of its own.

Resources: https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/; labels:
https://github.com/NVIDIA/k8s-device-plugin (GPU feature discovery),
https://docs.cloud.google.com/kubernetes-engine/docs/how-to/gpus and https://karpenter.sh/docs/concepts/scheduling/
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.intake.compose import unseen
from stackcheck.intake.dockerfiles import is_worth
from stackcheck.intake.documents import rows, table, text_at
from stackcheck.intake.stated import Found, Open, Stated, found_of, gpu_named
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.intake.yamls import documents, place

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "Kubernetes manifest"
_NOWHERE = Path("/nonexistent")
"""What the image of a container holds is not there to read."""
_RESOURCES = (("nvidia.com/", "cuda"), ("amd.com/gpu", "rocm"))
_LABELS = (
    "nvidia.com/gpu.product", "cloud.google.com/gke-accelerator", "karpenter.k8s.aws/instance-gpu-name",
    "gpu.nvidia.com/class", "gpu.nvidia.com/model", "amd.com/gpu.product-name",
    "k8s.amazonaws.com/accelerator",
)  # fmt: skip
"""Labels of nodes whose value is the product name of their GPU."""
_SHARED = re.compile(r"-(?:SHARED|MIG-\d+g\.\d+gb)$", re.IGNORECASE)


def read(text: str, shown: str) -> Found:
    """Read the pods of a manifest's documents. Raises UsageError for what is not YAML."""
    found = [
        each
        for document in documents(text, shown)
        for pod in _pods(document)
        for each in _containers(pod, shown)
    ]
    return Found(KIND, shown, containers=tuple(found))


def _pods(value: Any) -> Iterator[Any]:
    """Yield every specification of a pod, wherever a kind of resource keeps it."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if rows(each, "containers"):
                yield each
            waiting += reversed(list(each.values()))
        elif isinstance(each, list):
            waiting += reversed(each)


def _containers(pod: Any, shown: str) -> Iterator[Found]:
    for container in rows(pod, "containers"):
        asked = list(_asked_devices(container, shown))
        if asked:
            name = text_at(container, "name") or "container"
            said = [*_image(container, shown), *asked, *_gpus(pod, shown), *_environment(container, shown)]
            said += _commands(container, shown)
            yield found_of(KIND, shown, said, name)


def _commands(container: Any, shown: str) -> list[Stated | Open]:
    """Return what a container installs when it starts: its command, and the arguments of that."""
    words = [each for key in ("command", "args") for each in rows(container, key) if isinstance(each, str)]
    if not any("install" in each for each in words):
        return []
    key, left = "command" if "command" in container else "args", Left()
    # Of a line alone the number is known: the text of a block stands in the lines after it.
    here = Here((), shown, place(container, key, shown).line, _NOWHERE)
    run_script(shlex.join(words), {}, here, left)
    return left.said()


def _image(container: Any, shown: str) -> Iterator[Stated | Open]:
    image, where = text_at(container, "image"), place(container, "image", shown)
    if re.search(r"\$|\{\{", image):
        yield Open(f"the image {image} holds a variable that is not known here.", where)
    elif image:
        yield Stated("image.ready", image, where)
        yield from unseen(image, where)


def _asked_devices(container: Any, shown: str) -> Iterator[Stated]:
    for key in ("limits", "requests"):
        asked = table(container, "resources", key)
        for name in asked:
            vendor = next((vendor for start, vendor in _RESOURCES if name.startswith(start)), "")
            if (
                vendor
                and (name.endswith("gpu") or "mig-" in name or "gpu.shared" in name)
                and asked[name] != "0"
            ):
                yield Stated("accelerator", vendor, place(asked, name, shown))
                return


def _gpus(pod: Any, shown: str) -> Iterator[Stated | Open]:
    """Yield the GPUs of the nodes that a pod may run on, by their labels."""
    selector = table(pod, "nodeSelector")
    named = [(selector[key], place(selector, key, shown)) for key in _LABELS if key in selector]
    required = table(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in rows(required, "nodeSelectorTerms"):
        for each in rows(term, "matchExpressions"):
            if text_at(each, "key") in _LABELS and text_at(each, "operator") == "In":
                named += [(value, place(each, "values", shown)) for value in rows(each, "values")]
    for value, where in named:
        yield gpu_named(_SHARED.sub("", str(value)), where)


def _environment(container: Any, shown: str) -> Iterator[Stated]:
    for each in rows(container, "env"):
        name, value = text_at(each, "name"), text_at(each, "value")
        if value and "$(" not in value and is_worth(name):
            yield Stated(f"env.{name}", value, place(each, "value", shown))
