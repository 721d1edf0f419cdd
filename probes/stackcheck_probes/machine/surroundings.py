"""Who started this process: found by what it shows inside, so that advice can name the right command.

Sources: docs of Kubernetes (service environment), podman-run(1) (/run/.containerenv), Apptainer
(/.singularity.d), systemd.io/CONTAINER_INTERFACE (`container`), Slurm's sbatch(1); read 2026-11-30.
"""

from __future__ import annotations

import os

from stackcheck_probes.judging.advice import (
    APPTAINER,
    CONTAINER,
    DOCKER,
    HOST,
    KUBERNETES,
    LXC,
    PODMAN,
    SLURM,
)
from stackcheck_probes.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_OUTER = (
    ("var/run/secrets/kubernetes.io", KUBERNETES),
    ("run/secrets/kubernetes.io", KUBERNETES),
    (".singularity.d", APPTAINER),
)
_ENGINES = (("run/.containerenv", PODMAN), (".dockerenv", DOCKER))
"""Asked after Slurm: images that were made of a running container have these files wherever they start."""
_GROUPS = (("kubepods", KUBERNETES), ("libpod", PODMAN), ("docker", DOCKER), ("lxc", LXC))


def find(root: str, environ: Mapping[str, str]) -> str:
    """Return one of the names that `judging.advice` knows; `host` where nothing shows a container."""
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return KUBERNETES
    if environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER"):
        return APPTAINER
    outer = _by_files(root, _OUTER)
    if outer or environ.get("SLURM_JOB_ID"):
        return outer or SLURM
    return _by_files(root, _ENGINES) or _by_words(root, environ)


def _by_files(root: str, rows: tuple[tuple[str, str], ...]) -> str:
    return next((kind for name, kind in rows if os.path.exists(os.path.join(root, name))), "")


def _by_words(root: str, environ: Mapping[str, str]) -> str:
    """Return who it is by what systemd's interface, the control groups and the root's mount say."""
    if environ.get("container") in (PODMAN, DOCKER, LXC):
        return environ["container"]
    groups = files.text(os.path.join(root, "proc/1/cgroup"), 1 << 14)
    mounts = files.text(os.path.join(root, "proc/mounts"), 1 << 12)
    other = CONTAINER if mounts.startswith("overlay / ") else HOST
    return next((kind for word, kind in _GROUPS if word in groups), other)
