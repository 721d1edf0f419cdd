"""What to do next, in the words of whoever started the container: pure.

`by` is what `machine.surroundings.find` says. Sources: docs.docker.com (GPU access, compose), podman-run(1),
kubernetes.io (Schedule GPUs), Slurm's sbatch(1), Apptainer's user guide (GPU support); read 2026-11-30.
"""

from __future__ import annotations

KUBERNETES, SLURM, APPTAINER, PODMAN, DOCKER, LXC, CONTAINER, HOST = (
    "kubernetes",
    "slurm",
    "apptainer",
    "podman",
    "docker",
    "lxc",
    "container",
    "host",
)
_NVIDIA = {
    PODMAN: "podman run --device nvidia.com/gpu=all (nvidia-ctk cdi generate writes what that needs)",
    KUBERNETES: "ask for one in the container's resources: limits: nvidia.com/gpu: 1",
    SLURM: "ask Slurm for one: srun or sbatch --gpus=1",
    APPTAINER: "apptainer exec --nv (in a job of Slurm also srun or sbatch --gpus=1)",
    LXC: "give the container its GPU: lxc config device add NAME gpu gpu, or lxc.mount.entry for each node",
    HOST: "install NVIDIA's driver on this machine and load it: modprobe nvidia",
}
_DOCKER_NVIDIA = (
    "docker run --gpus all (compose: deploy.resources.reservations.devices with capabilities: [gpu])"
)
_AMD = {
    PODMAN: "podman run --device=/dev/kfd --device=/dev/dri --group-add keep-groups",
    KUBERNETES: "ask for one in the container's resources: limits: amd.com/gpu: 1",
    SLURM: "ask Slurm for one: srun or sbatch --gpus=1",
    APPTAINER: "apptainer exec --rocm (in a job of Slurm also srun or sbatch --gpus=1)",
    LXC: "give the container /dev/kfd and /dev/dri (lxc.mount.entry)",
    HOST: "load AMD's driver on this machine: modprobe amdgpu",
}
_DOCKER_AMD = "docker run --device=/dev/kfd --device=/dev/dri"
_AGAIN = {
    KUBERNETES: "delete the pod, so that it is made anew",
    SLURM: "start the job again, with --gpus for the GPUs that it needs",
    HOST: "run `systemctl daemon-reload` no longer under running jobs, and start this one again",
}
_COMPUTE = {
    KUBERNETES: "set runtimeClassName: nvidia, or let the node's toolkit mount the driver into this pod",
    APPTAINER: "apptainer exec --nv, so that the driver's libraries are bound",
    PODMAN: "podman run --device nvidia.com/gpu=all, after nvidia-ctk cdi generate on the host",
    SLURM: "load the site's module for CUDA or the driver, or ask for a node with a driver",
    HOST: "install the driver's CUDA library (libcuda1, nvidia-driver-cuda-libs or the like)",
    LXC: "mount the driver's libraries into the container (nvidia.runtime: true)",
}


def a_gpu(by: str) -> str:
    """Return how to give the process a GPU of NVIDIA."""
    return _NVIDIA.get(by, _DOCKER_NVIDIA)


def a_gpu_of_amd(by: str) -> str:
    """Return how to give the process a GPU of AMD."""
    return _AMD.get(by, _DOCKER_AMD)


def render_nodes(by: str) -> str:
    """Return how to give the process the render nodes."""
    said = _AMD.get(by, "")
    return said if by in {KUBERNETES, SLURM, APPTAINER} else "add --device=/dev/dri"


def variable(by: str, name: str, value: str) -> str:
    """Return how to set a variable."""
    if by == KUBERNETES:
        return f"set it in the container's env: {name}={value}"
    if by in {SLURM, HOST}:
        return f"export {name}={value}"
    if by == APPTAINER:
        return f"apptainer exec --env {name}={value}"
    return f"{'podman' if by == PODMAN else 'docker'} run -e {name}={value}"


def group(by: str, number: int) -> str:
    """Return how to be in a group: by number, for its name may mean another one inside."""
    if by == KUBERNETES:
        return f"securityContext: supplementalGroups: [{number}]"
    if by == PODMAN:
        return f"podman run --group-add keep-groups (the user must be in group {number} on the host)"
    if by in {SLURM, HOST, APPTAINER}:
        return f"put the user into group {number} on the host (usermod -aG)"
    return f"docker run --group-add={number} (by number: the name may mean another group)"


def again(by: str) -> str:
    """Return how to get back devices that a running container has lost."""
    lasting = "for good: links in /dev/char, the cgroupfs driver, or CDI on the host"
    return f"{_AGAIN.get(by, 'restart the container')} (restart is what helps); {lasting}"


def compute(by: str, capabilities: str | None) -> str:
    """Return how to get libcuda mounted; what is set already is not advised."""
    if by in _COMPUTE:
        return _COMPUTE[by]
    if capabilities is not None and {part.strip() for part in capabilities.split(",")} & {"all", "compute"}:
        return (
            "NVIDIA_DRIVER_CAPABILITIES is right already: add compute to the device request "
            "(docker run --gpus 'all,\"capabilities=compute,utility\"', "
            "compose: capabilities: [gpu, compute, utility]), "
            "or let nvidia-container-toolkit mount the driver (--gpus all)"
        )
    return "start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility"


def utility(by: str, capabilities: str | None) -> str:
    """Return how to get NVML mounted; what is set already is not advised."""
    asked = {part.strip() for part in (capabilities or "").split(",")}
    if asked & {"all", "utility"} or by == HOST:
        return "NVML comes with the driver: look at nvidia-smi on the host, and at what is mounted here"
    if by in {KUBERNETES, APPTAINER, SLURM, LXC}:
        return "set NVIDIA_DRIVER_CAPABILITIES=compute,utility, so that NVML is mounted"
    return variable(by, "NVIDIA_DRIVER_CAPABILITIES", "compute,utility")


def shared_memory(by: str) -> str:
    """Return how to get more of /dev/shm."""
    if by == KUBERNETES:
        return "mount an emptyDir with medium: Memory at /dev/shm"
    if by in {HOST, SLURM, APPTAINER}:
        return "mount a larger tmpfs at /dev/shm on the host"
    return f"{'podman' if by == PODMAN else 'docker'} run --shm-size=8g (or --ipc=host)"
