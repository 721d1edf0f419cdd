"""Starts that were reported or follow from a report, each with its source: what is there, and what is right.

Sources are issues and pull requests on github.com; "documentation" names the vendor's page. Read 2026-11-30.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.starts.hosts import DRIVER, DRIVERS, NODES, Case, Host, Kfd, Libcuda

GOOD, BAD, UNCHECKED = "healthy", "misconfigured", "unchecked"
SET_ALREADY = ("NVIDIA_DRIVER_CAPABILITIES=compute,utility",)
CUDA_VARIABLES = "documentation: CUDA C++ Programming Guide, CUDA Environment Variables; torch/cuda/__init__.py, _parse_visible_devices"
TOOLKIT = "documentation: NVIDIA Container Toolkit, Specialized configurations with Docker"
SAYS = f"driver={DRIVER};cuda=12040;gpus="


def gpus(names: str, **more: Any) -> Host:
    """Return a host with these GPUs, and a node for each."""
    count = len(names.split(","))
    nodes = (*(f"nvidia{number}" for number in range(count)), "nvidiactl", "nvidia-uvm")
    named = tuple(each.partition(":")[0] for each in names.split(","))
    return Host(**{"nodes": nodes, "nvml": SAYS + names, "named": named, **more})


def driver(version: str, cuda: int, name: str = "NVIDIA L4:8.9") -> Host:
    """Return a host with another driver, whole."""
    return Host(
        module=version, nvml=f"driver={version};cuda={cuda};gpus={name}", libcuda=(Libcuda(version=version),)
    )


TWO = "NVIDIA H200:9.0,NVIDIA H200:9.0"
UNLIKE = "NVIDIA L4:8.9,Tesla V100:7.0"
NVML_ERRORS = {
    1: "uninitialized", 2: "invalid argument", 3: "not supported", 4: "no permission", 7: "insufficient size",
    8: "power", 9: "driver is not loaded", 10: "timed out", 11: "interrupt", 12: "library",
    13: "function", 14: "infoROM", 15: "lost", 16: "reset", 17: "operating system", 18: "mismatch",
    20: "memory", 23: "resources", 27: "not ready", 29: "state", 999: "unknown error", 42: "NVML error 42",
}  # fmt: skip
"""What nvml.h names (nvmlReturn_t), and a number that it does not."""

MACHINE_CODE = {"codes": [{"groups": [{"codes": ["sm_75", "sm_86", "sm_90"], "fatbins": 2}]}]}
DOCKER = {".dockerenv": ""}

NVML = [
    *(
        Case(
            f"nvml-init-{code}",
            "NVML fails",
            "NVIDIA/nvidia-docker#1671, #1678; nvml.h, nvmlReturn_t",
            BAD,
            "driver",
            text,
            host=Host(nvml=f"mode={code}"),
        )
        for code, text in NVML_ERRORS.items()
    ),
    Case(
        "nvml-unknown-without-proc",
        "NVML fails",
        "NVIDIA/nvidia-container-toolkit#48",
        BAD,
        "driver",
        "unknown error",
        "restart",
        host=Host(nvml="mode=999", named=()),
    ),
    Case(
        "nvml-count-999",
        "NVML fails",
        "NVIDIA/nvidia-docker#1671",
        BAD,
        "driver",
        "unknown error",
        host=Host(nvml=f"{SAYS}NVIDIA L4:8.9;count=999"),
    ),
    Case(
        "nvml-broken-file",
        "NVML fails",
        "NVIDIA/nvidia-docker#1163 (empty files left by docker commit)",
        BAD,
        "driver",
        "libnvidia-ml.so.1",
        host=Host(nvml="broken"),
    ),
    Case(
        "nvml-not-there-by-name",
        "NVML is not there",
        TOOLKIT,
        GOOD,
        host=Host(nvml=""),
        environ={"NVIDIA_DRIVER_CAPABILITIES": "compute"},
    ),
    Case(
        "nvml-not-there-nameless",
        "NVML is not there",
        TOOLKIT,
        UNCHECKED,
        "devices",
        "NVML",
        "utility",
        host=Host(nvml="", named=(), files=DOCKER),
        environ={"NVIDIA_DRIVER_CAPABILITIES": "compute"},
    ),
    Case(
        "nvml-not-there-set-already",
        "NVML is not there",
        "docker/compose#8583",
        UNCHECKED,
        "devices",
        "NVML",
        never=SET_ALREADY,
        host=Host(nvml="", named=()),
        environ={"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"},
    ),
    Case(
        "nvml-slow",
        "NVML is slow",
        "documentation: NVIDIA Driver Persistence",
        UNCHECKED,
        "devices",
        "NVML",
        "persistence",
        host=Host(nvml=f"{SAYS}NVIDIA L4:8.9;wait=3"),
        seconds="0.5",
    ),
    Case(
        "nvml-hangs",
        "NVML is slow",
        "NVIDIA/nvidia-container-toolkit#1227",
        UNCHECKED,
        "devices",
        "NVML",
        "persistence",
        host=Host(nvml="mode=hang"),
        seconds="0.5",
    ),
    Case(
        "nvml-crashes",
        "NVML crashes",
        "fault file",
        UNCHECKED,
        "devices",
        "SIGSEGV",
        host=Host(nvml="mode=crash"),
    ),
]

DEVICES = [
    Case(
        "gpu-lost",
        "a GPU is lost",
        "documentation: nvml.h, NVML_ERROR_GPU_IS_LOST",
        BAD,
        "devices",
        "GPU 1: ",
        "reset",
        host=gpus("NVIDIA L4:8.9,NVIDIA L4:8.9:handle15"),
    ),
    Case(
        "gpu-lost-later",
        "a GPU is lost",
        "documentation: nvml.h, NVML_ERROR_GPU_IS_LOST",
        BAD,
        "devices",
        "GPU 1: ",
        "reset",
        host=gpus("NVIDIA L4:8.9,NVIDIA L4:8.9:capability15"),
    ),
    Case(
        "gpu-lost-and-hidden",
        "a GPU is lost",
        "documentation: nvml.h, NVML_ERROR_GPU_IS_LOST",
        GOOD,
        note="GPU 1: ",
        host=gpus("NVIDIA L4:8.9,NVIDIA L4:8.9:handle15"),
        environ={"CUDA_VISIBLE_DEVICES": "GPU-1"},
    ),
    Case(
        "gpu-reset-required",
        "a GPU is lost",
        "documentation: nvml.h, NVML_ERROR_RESET_REQUIRED",
        BAD,
        "devices",
        "reset",
        "reset",
        host=gpus("NVIDIA L4:8.9:handle16"),
    ),
    Case(
        "gpu-of-another-job",
        "a GPU of another job",
        "documentation: nvmlDeviceGetCount_v2 (counts devices without permission)",
        GOOD,
        note="GPU 1",
        host=gpus("NVIDIA L4:8.9,NVIDIA L4:8.9:handle4", refused={"nvidia1": "EPERM"}),
    ),
    Case(
        "all-gpus-of-other-jobs",
        "a GPU of another job",
        "documentation: Slurm, cgroup.conf ConstrainDevices",
        BAD,
        "driver",
        "nvidia0",
        "gpus",
        host=gpus(
            "NVIDIA L4:8.9:handle4,NVIDIA L4:8.9:handle4", refused={"nvidia0": "EPERM", "nvidia1": "EPERM"}
        ),
        environ={"SLURM_JOB_ID": "7"},
    ),
    Case(
        "capability-not-known",
        "a GPU is not known",
        "fault file",
        UNCHECKED,
        "devices",
        "compute capability",
        "update",
        host=gpus("NVIDIA X:none"),
    ),
    Case(
        "nvml-lists-none",
        "no GPU",
        "fault file",
        UNCHECKED,
        "devices",
        "NVML",
        never=SET_ALREADY,
        host=replace(gpus("x"), nvml=SAYS, named=()),
    ),
    Case(
        "no-code-for-the-gpu",
        "no code for the GPU",
        "own tests",
        BAD,
        "gpu-code",
        "no code for it",
        host=gpus("Tesla V100:7.0"),
    ),
    Case(
        "no-code-for-the-second",
        "no code for the GPU",
        "own tests",
        BAD,
        "gpu-code",
        "GPU 1",
        "CUDA_VISIBLE_DEVICES",
        host=gpus(UNLIKE),
    ),
    Case(
        "weaker-second-hidden",
        "no code for the GPU",
        "own tests",
        GOOD,
        host=gpus(UNLIKE),
        environ={"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
    ),
    Case(
        "weaker-second-hidden-by-uuid",
        "no code for the GPU",
        "own tests",
        GOOD,
        host=gpus(UNLIKE),
        environ={"CUDA_VISIBLE_DEVICES": "GPU-1"},
    ),
    Case(
        "weaker-second-unsure",
        "no code for the GPU",
        "own tests",
        GOOD,
        note="no code for it",
        host=gpus(UNLIKE),
        environ={"CUDA_VISIBLE_DEVICES": "0"},
    ),
    Case(
        "mig-without-instance",
        "MIG",
        "own tests",
        BAD,
        "devices",
        "no MIG device",
        host=gpus("NVIDIA H100 80GB HBM3:9.0:mig"),
    ),
    Case("mig-with-instance", "MIG", "own tests", GOOD, host=gpus("NVIDIA H100 80GB HBM3:9.0:mig1")),
    Case(
        "mig-by-id",
        "MIG",
        CUDA_VARIABLES,
        GOOD,
        host=gpus("NVIDIA H100 80GB HBM3:9.0:mig2"),
        environ={"CUDA_VISIBLE_DEVICES": "MIG-0001"},
    ),
    Case(
        "mig-by-wrong-id",
        "MIG",
        CUDA_VARIABLES,
        BAD,
        "devices",
        "MIG-feed",
        host=gpus("NVIDIA H100 80GB HBM3:9.0:mig2"),
        environ={"CUDA_VISIBLE_DEVICES": "MIG-feed"},
    ),
    Case(
        "mig-named-as-a-gpu",
        "MIG",
        CUDA_VARIABLES,
        GOOD,
        host=gpus("NVIDIA H100 80GB HBM3:9.0:mig1"),
        environ={"CUDA_VISIBLE_DEVICES": "GPU-1"},
    ),
    Case(
        "mig-not-root",
        "MIG as non-root",
        "utkuozdemir/nvidia_gpu_exporter#463; elastisys/compliantkubernetes-apps#2473",
        GOOD,
        host=gpus("NVIDIA H100 80GB HBM3:9.0:mig1", folders=("dev/nvidia-caps",), user=1000),
    ),
    Case(
        "imex-not-root",
        "MIG as non-root",
        "utkuozdemir/nvidia_gpu_exporter#463",
        GOOD,
        host=gpus(
            "NVIDIA H100 80GB HBM3:9.0:mig1",
            folders=("dev/nvidia-caps", "dev/nvidia-caps-imex-channels"),
            user=1000,
        ),
    ),
    Case(
        "mig-caps-of-root",
        "MIG as non-root",
        "documentation: MIG User Guide, device nodes (nvidia-cap1 is 0400)",
        GOOD,
        host=gpus(
            "NVIDIA H100 80GB HBM3:9.0:mig1",
            user=1000,
            modes={"nvidia-caps/nvidia-cap1": 0o400, "nvidia-caps/nvidia-cap2": 0o444},
            nodes=(*NODES, "nvidia-caps/nvidia-cap1", "nvidia-caps/nvidia-cap2"),
        ),
    ),
    Case(
        "modeset-of-root",
        "MIG as non-root",
        "documentation: nvidia-modprobe (nvidia-modeset is for displays)",
        GOOD,
        host=Host(
            nodes=(*NODES, "nvidia-modeset", "nvidia-uvm-tools"),
            modes={"nvidia-modeset": 0o600, "nvidia-uvm-tools": 0o600},
            user=1000,
        ),
    ),
    *(
        Case(
            f"fabric-{name}",
            "fabric manager",
            "huggingface/huggingface_hub#4134; pytorch/pytorch#35710",
            GOOD,
            note=note,
            host=gpus(f"NVIDIA H200:9.0:fabric{state}"),
        )
        for state, name, note in (
            (1, "not-started", "802"),
            (2, "in-progress", "802"),
            (3, "completed", ""),
            (0, "none", ""),
        )
    ),
]

NODE_FAULTS = [
    Case("no-uvm", "no nvidia-uvm", "NVIDIA/nvidia-docker#1085; pytorch/pytorch#49081", BAD, "driver", "nvidia-uvm", "nvidia-modprobe -c 0 -u",
         host=Host(nodes=("nvidia0", "nvidiactl"))),
    Case("no-uvm-podman", "no nvidia-uvm", "pytorch/pytorch#49081", BAD, "driver", "nvidia-uvm", "restart",
         host=Host(nodes=("nvidia0", "nvidiactl"), files={"run/.containerenv": ""})),
    Case("no-uvm-eight-gpus", "no nvidia-uvm", "NVIDIA/nvidia-docker#1085", BAD, "driver", "nvidia-uvm",
         host=gpus(",".join(["NVIDIA L4:8.9"] * 8), nodes=(*(f"nvidia{n}" for n in range(8)), "nvidiactl"))),
    Case("no-ctl", "no nvidiactl", "NVIDIA/nvidia-docker#1085", BAD, "driver", "nvidiactl", host=Host(nodes=("nvidia0", "nvidia-uvm"))),
    Case("cgroup-root", "device cgroup", "NVIDIA/nvidia-container-toolkit#48, #251, #1227; NVIDIA/gpu-operator#485", BAD, "driver",
         "lost", "restart", never=("run as root", "--group-add"), host=Host(refused=dict.fromkeys(NODES, "EPERM"))),
    Case("cgroup-uvm", "device cgroup", "NVIDIA/k8s-device-plugin#222", BAD, "driver", "nvidia-uvm", "restart",
         never=("run as root", "--group-add"), host=Host(refused={"nvidia-uvm": "EPERM"})),
    Case("cgroup-kubernetes", "device cgroup", "NVIDIA/gpu-operator#485", BAD, "driver", "lost", "pod", never=("docker run",),
         host=Host(refused=dict.fromkeys(NODES, "EPERM")), environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
    Case("cgroup-user", "device cgroup", "NVIDIA/nvidia-container-toolkit#48", BAD, "driver", "lost", "restart",
         never=("run as root", "--group-add"), host=Host(refused=dict.fromkeys(NODES, "EPERM"), user=1000)),
    Case("selinux", "device cgroup", "NVIDIA/nvidia-container-toolkit#251", BAD, "driver", "SELinux", "",
         never=("--group-add",), host=Host(refused=dict.fromkeys(NODES, "EACCES"))),
    Case("mode-0660", "group of the nodes", "own tests (DeviceFileMode 0660)", BAD, "driver", "cannot be opened", "--group-add=0",
         host=Host(modes=dict.fromkeys(NODES, 0o660), user=1000, files=DOCKER)),
    Case("mode-0660-podman", "group of the nodes", "own tests (DeviceFileMode 0660)", BAD, "driver", "cannot be opened", "keep-groups",
         host=Host(modes=dict.fromkeys(NODES, 0o660), user=1000, files={"run/.containerenv": ""})),
    Case("mode-0660-kubernetes", "group of the nodes", "elastisys/compliantkubernetes-apps#2473", BAD, "driver", "cannot be opened",
         "supplementalGroups", host=Host(modes=dict.fromkeys(NODES, 0o660), user=1000), environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
    Case("mode-0666-user", "group of the nodes", "own tests", GOOD, host=Host(user=1000)),
    Case("slurm-one-of-four", "a GPU of another job", "documentation: Slurm, cgroup.conf ConstrainDevices", GOOD, note="3 of 4",
         host=gpus("NVIDIA L4:8.9", nodes=("nvidia0", "nvidia1", "nvidia2", "nvidia3", "nvidiactl", "nvidia-uvm"),
                   refused={"nvidia1": "EPERM", "nvidia2": "EPERM", "nvidia3": "EPERM"}), environ={"SLURM_JOB_ID": "7"}),
]  # fmt: skip

NOTHING = Host(nodes=(), module="", nvml="", named=(), libcuda=())
NO_GPU = [
    *(
        Case(f"no-gpu-{name}", "no GPU", source, BAD, "no-gpu", "no GPU is here", fix, never, host=replace(NOTHING, files=files), environ=environ)
        for name, source, fix, never, files, environ in (
            ("docker", "own tests", "--gpus all", ("nvidia.com/gpu:",), {".dockerenv": ""}, {}),
            ("compose", "docker/compose#8583", "capabilities: [gpu]", (), {".dockerenv": ""}, {}),
            ("podman", "pytorch/pytorch#49081", "--device nvidia.com/gpu=all", ("docker run",), {"run/.containerenv": ""}, {}),
            ("kubernetes", "NVIDIA/k8s-device-plugin#222", "nvidia.com/gpu", ("docker run",), {}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
            ("kubernetes-account", "NVIDIA/k8s-device-plugin#222", "nvidia.com/gpu", ("docker run",),
             {"var/run/secrets/kubernetes.io/serviceaccount/token": "x"}, {}),
            ("slurm", "documentation: Slurm, gres.html", "--gpus", ("docker run",), {}, {"SLURM_JOB_ID": "7"}),
            ("apptainer", "documentation: Apptainer, GPU support", "--nv", ("docker run",), {".singularity.d/runscript": ""}, {}),
            ("apptainer-slurm", "documentation: Apptainer, GPU support", "--nv", ("docker run",), {".singularity.d/runscript": ""}, {"SLURM_JOB_ID": "7"}),
            ("lxc", "by experience (fault file S6)", "lxc", ("docker run",), {}, {"container": "lxc"}),
            ("host", "own tests", "driver", ("docker run",), {}, {}),
        )
    ),
    Case("no-gpu-cpu-allowed", "CPU on purpose", "own tests", GOOD, note="no GPU is here", host=NOTHING, environ={"STACKCHECK_CPU": "allow"}),
    Case("no-gpu-driver-there", "no GPU", "own tests", BAD, "no-gpu", "although the host has driver", host=replace(NOTHING, module=DRIVER)),
    *(
        Case(f"visible-{value or 'empty'}", "NVIDIA_VISIBLE_DEVICES", TOOLKIT, BAD, "no-gpu", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES=all",
             SET_ALREADY, host=replace(NOTHING, module=DRIVER, files={".dockerenv": ""}), environ={"NVIDIA_VISIBLE_DEVICES": value})
        for value in ("void", "none", "")
    ),
    Case("visible-none-control-only", "NVIDIA_VISIBLE_DEVICES", TOOLKIT, BAD, "no-gpu", "NVIDIA_VISIBLE_DEVICES", "", SET_ALREADY,
         host=Host(nodes=("nvidiactl", "nvidia-uvm"), nvml=SAYS, named=()), environ={"NVIDIA_VISIBLE_DEVICES": "none"}),
    Case("control-only-cpu-allowed", "CPU on purpose", TOOLKIT, GOOD, note="no GPU is here",
         host=Host(nodes=("nvidiactl", "nvidia-uvm"), nvml=SAYS, named=()), environ={"NVIDIA_VISIBLE_DEVICES": "none", "STACKCHECK_CPU": "allow"}),
    *(
        Case(f"cpu-on-purpose-{value or 'empty'}", "CPU on purpose", "fault file M4", GOOD, note="hides every",
             environ={"STACKCHECK_CPU": "allow", "CUDA_VISIBLE_DEVICES": value})
        for value in ("", "-1", "none")
    ),
    Case("cpu-on-purpose-beside-an-old-driver", "CPU on purpose", "fault file M4", GOOD, note="hides every", host=driver("470.82.01", 11040),
         environ={"STACKCHECK_CPU": "allow", "CUDA_VISIBLE_DEVICES": ""}),
    Case("cpu-on-purpose-by-the-image", "CPU on purpose", "fault file M4", GOOD, note="hides every", environ={"CUDA_VISIBLE_DEVICES": ""}, stack={"cpu": "allow"}),
]  # fmt: skip

VISIBLE = [
    *(
        Case(f"cuda-visible-{name}", "CUDA_VISIBLE_DEVICES", CUDA_VARIABLES, BAD, "devices", says, host=gpus(TWO), environ={"CUDA_VISIBLE_DEVICES": value})
        for name, value, says in (
            ("beyond", "2", "hides every"),
            ("empty", "", "hides every"),
            ("minus", "-1", "hides every"),
            ("twice", "0,0", "twice"),
            ("twice-later", "0,1,0", "twice"),
            ("stops", "0,5,1", "1 of 2"),
            ("stops-at-a-uuid", "0,GPU-2", "1 of 2"),
            ("stops-at-a-word", "0,x,1", "1 of 2"),
            ("uuid-not-here", "GPU-deadbeef", "GPU-deadbeef"),
            ("uuid-twice", "GPU-1,GPU-1", "twice"),
            ("uuid-then-index", "GPU-1,1", "1 of 2"),
            ("uuid-prefix-of-both", "GPU-", "more than one"),
            ("word", "all", "hides every"),
        )
    ),
    *(
        Case(f"cuda-visible-{name}", "CUDA_VISIBLE_DEVICES", CUDA_VARIABLES, GOOD, host=gpus(TWO), environ={"CUDA_VISIBLE_DEVICES": value})
        for name, value in (("first", "0"), ("both", "0,1"), ("turned", "1,0"), ("spaces", " 0 , 1 "), ("ended-on-purpose", "0,-1"),
                            ("uuid", "GPU-2"), ("uuids", "GPU-2,GPU-1"), ("sign", "+1"), ("digits-then-letters", "1gpu"))
    ),
    Case("cuda-visible-uuid-prefix", "CUDA_VISIBLE_DEVICES", CUDA_VARIABLES, GOOD, host=gpus(TWO), environ={"CUDA_VISIBLE_DEVICES": "GPU-2"}),
]  # fmt: skip

C = "c/compat"
LIBRARIES = [
    Case("cache-older-compat", "ld.so.cache", "vllm-project/vllm#34821, #32373", BAD, "driver", "803",
         host=replace(driver("580.105.08", 13000), libcuda=(Libcuda(C, "570.86.15"), Libcuda(version="580.105.08")), cached=(f"/{C}",))),
    Case("cache-newer-compat", "ld.so.cache", "vllm-project/vllm#34821", GOOD, note="forward compatibility",
         host=replace(driver("550.54.15", 12040), libcuda=(Libcuda(C, "570.86.15"), Libcuda()), cached=(f"/{C}",))),
    Case("cache-compat-geforce", "ld.so.cache", "QuipNetwork/quip-miner#24", BAD, "driver", "804",
         host=replace(gpus("NVIDIA GeForce RTX 4090:8.9"), libcuda=(Libcuda(C, "570.86.15"), Libcuda()), cached=(f"/{C}",))),
    Case("cache-alone-has-it", "ld.so.cache", "vllm-project/vllm#34821", GOOD, host=Host(libcuda=(Libcuda("opt/driver"),), cached=("/opt/driver",))),
    Case("path-before-cache", "ld.so.cache", "documentation: ld.so(8)", GOOD, environ={"LD_LIBRARY_PATH": f"/{DRIVERS}"},
         host=Host(libcuda=(Libcuda(C, "470.82.01"), Libcuda()), cached=(f"/{C}",))),
    Case("compat-by-path-geforce", "forward compatibility", "QuipNetwork/quip-miner#24", BAD, "driver", "804", environ={"LD_LIBRARY_PATH": "/usr/local/cuda/compat"},
         host=replace(gpus("NVIDIA GeForce RTX 4090:8.9"), libcuda=(Libcuda("usr/local/cuda/compat", "570.86.15"), Libcuda()))),
    Case("compat-by-path-h100", "forward compatibility", "documentation: CUDA Compatibility", GOOD, note="forward compatibility",
         environ={"LD_LIBRARY_PATH": "/usr/local/cuda/compat"},
         host=replace(driver("535.129.03", 12020, "NVIDIA H100 80GB HBM3:9.0"), libcuda=(Libcuda("usr/local/cuda/compat"), Libcuda(version="535.129.03")))),
    Case("conda-cuda-compat", "forward compatibility", "fault file M7 (conda-forge's cuda-compat)", GOOD, note="forward compatibility",
         environ={"LD_LIBRARY_PATH": "/opt/conda/cuda-compat"},
         host=replace(driver("535.129.03", 12020, "NVIDIA H100 80GB HBM3:9.0"), libcuda=(Libcuda("opt/conda/cuda-compat"), Libcuda(version="535.129.03")))),
    Case("compat-by-its-files", "forward compatibility", "fault file M7", GOOD, note="forward compatibility", environ={"LD_LIBRARY_PATH": "/opt/newer"},
         host=replace(driver("535.129.03", 12020, "NVIDIA H100 80GB HBM3:9.0"),
                      libcuda=(Libcuda("opt/newer", beside=("libnvidia-ptxjitcompiler.so.550.54.15",)), Libcuda(version="535.129.03")))),
    Case("foreign-libcuda", "another driver's library", "own tests", BAD, "driver", "803", environ={"LD_LIBRARY_PATH": "/opt/old"},
         host=Host(libcuda=(Libcuda("opt/old", "470.82.01"), Libcuda()))),
    Case("stub-by-path", "a stub", "fboulnois/stable-diffusion-docker#23", BAD, "driver", "stub", environ={"LD_LIBRARY_PATH": "/usr/local/cuda/lib64/stubs"},
         host=Host(libcuda=(Libcuda("usr/local/cuda/lib64/stubs", "", "stub"), Libcuda()))),
    Case("stub-copied", "a stub", "fboulnois/stable-diffusion-docker#23", BAD, "driver", "stub", environ={"LD_LIBRARY_PATH": "/opt/lib"},
         host=Host(libcuda=(Libcuda("opt/lib", "", "stub"), Libcuda()))),
    Case("stub-in-a-default-folder", "a stub", "NVIDIA/nvidia-container-toolkit#668", BAD, "driver", "stub",
         host=Host(libcuda=(Libcuda(DRIVERS, "", "stub"),))),
    Case("bound-file-without-a-version", "a stub", "documentation: Apptainer, GPU support (--nv binds the files)", GOOD,
         environ={"LD_LIBRARY_PATH": "/.singularity.d/libs"}, host=Host(libcuda=(Libcuda(".singularity.d/libs", ""),))),
    Case("empty-libcuda", "an empty library", "NVIDIA/nvidia-docker#1163 (empty files left by docker commit)", BAD, "driver", "empty",
         environ={"LD_LIBRARY_PATH": "/opt/lib"}, host=Host(libcuda=(Libcuda("opt/lib", "470.82.01", "empty"), Libcuda()))),
    Case("32-bit-libcuda-first", "another machine's library", "documentation: ld.so(8)", GOOD, environ={"LD_LIBRARY_PATH": "/usr/lib32"},
         host=Host(libcuda=(Libcuda("usr/lib32", "470.82.01", "32-bit"), Libcuda()))),
    Case("gke", "libcuda lies elsewhere", "deepgram/self-hosted-resources#177; antflydb/antfly#707; NVIDIA/dcgm-exporter#484", BAD, "driver",
         "/usr/local/nvidia/lib64", "LD_LIBRARY_PATH", SET_ALREADY, host=Host(libcuda=(Libcuda("usr/local/nvidia/lib64"),))),
    Case("gke-with-path", "libcuda lies elsewhere", "NVIDIA/dcgm-exporter#484", GOOD, host=Host(libcuda=(Libcuda("usr/local/nvidia/lib64"),)),
         environ={"LD_LIBRARY_PATH": "/usr/local/nvidia/lib64"}),
    Case("apptainer-libs", "libcuda lies elsewhere", "documentation: Apptainer, GPU support", BAD, "driver", "/.singularity.d/libs", "LD_LIBRARY_PATH",
         host=Host(libcuda=(Libcuda(".singularity.d/libs"),))),
    Case("utility-only", "no compute", "docker/compose#8583", BAD, "driver", "leaves out compute", "compute", host=Host(libcuda=()),
         environ={"NVIDIA_DRIVER_CAPABILITIES": "utility"}),
    Case("compute-is-set-already", "no compute", "docker/compose#8583; weaviate/weaviate#1736", BAD, "driver", "no libcuda.so.1", "compute", SET_ALREADY,
         host=Host(libcuda=(), files={".dockerenv": ""}), environ={"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}),
    Case("all-is-set-already", "no compute", "weaviate/weaviate#1736", BAD, "driver", "no libcuda.so.1", "", SET_ALREADY, host=Host(libcuda=()),
         environ={"NVIDIA_DRIVER_CAPABILITIES": "all"}),
    Case("no-libcuda-kubernetes", "no compute", "NVIDIA/k8s-device-plugin#222", BAD, "driver", "no libcuda.so.1", "runtimeClassName", ("docker run",),
         host=Host(libcuda=()), environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
    Case("utility-and-the-library", "no compute", "own tests", GOOD, environ={"NVIDIA_DRIVER_CAPABILITIES": "utility"}),
    Case("driver-470", "driver too old", "own tests", BAD, "driver-too-old", "525.60.13", host=driver("470.82.01", 11040)),
    Case("driver-535", "driver too old", "documentation: CUDA Compatibility", GOOD, note="minor-version", host=driver("535.129.03", 12020)),
    Case("rtx-5090-without-code", "no code for the GPU", "own tests", BAD, "gpu-code", "no code for it",
         host=driver("570.86.15", 12080, "NVIDIA GeForce RTX 5090:12.0"), stack=MACHINE_CODE),
    Case("rtx-5090-by-ptx", "no code for the GPU", "documentation: CUDA Compatibility (PTX)", GOOD,
         host=driver("570.86.15", 12080, "NVIDIA GeForce RTX 5090:12.0")),
    Case("wsl", "WSL", "microsoft/WSL#8587 (libcuda.so.1.1 of 141,464 bytes)", GOOD,
         host=Host(nodes=("dxg",), module="", nvml="driver=581.15;cuda=13000;gpus=NVIDIA L4:8.9", libcuda=(Libcuda("usr/lib/wsl/lib", "", "stub"),))),
    Case("wsl-without-libraries", "WSL", "own tests", BAD, "driver", "no libcuda.so.1", host=Host(nodes=("dxg",), module="", libcuda=())),
]  # fmt: skip

TEGRA = ("nvhost-gpu", "nvhost-ctrl-gpu", "nvmap")
JETSON = [
    Case("jetson-35", "Jetson", "NVIDIA/nvidia-docker#1602", GOOD, note="Jetson",
         host=Host(nodes=TEGRA, module="35.4.1", nvml="", named=(), libcuda=(Libcuda("usr/lib/aarch64-linux-gnu/tegra", "1.1"),), cached=("/usr/lib/aarch64-linux-gnu/tegra",))),
    Case("jetpack-6", "Jetson", "NVIDIA/nvidia-docker#1602", GOOD, note="Jetson",
         host=Host(nodes=(*TEGRA, "nvidia0", "nvidiactl"), module="540.3.0", nvml="", named=(),
                   libcuda=(Libcuda("usr/lib/aarch64-linux-gnu/tegra", "1.1"),), cached=("/usr/lib/aarch64-linux-gnu/tegra",))),
    Case("jetson-by-its-folder", "Jetson", "NVIDIA/nvidia-docker#1602", GOOD, note="Jetson",
         host=Host(nodes=("nvgpu/igpu0/ctrl",), module="540.3.0", nvml="", named=(),
                   libcuda=(Libcuda("usr/lib/aarch64-linux-gnu/tegra", "1.1"),), cached=("/usr/lib/aarch64-linux-gnu/tegra",))),
    Case("jetson-without-libcuda", "Jetson", "NVIDIA/nvidia-docker#1602", BAD, "driver", "no libcuda.so.1", "--runtime nvidia",
         host=Host(nodes=TEGRA, module="35.4.1", nvml="", named=(), libcuda=())),
    Case("jetson-closed", "Jetson", "NVIDIA/nvidia-docker#1602", BAD, "driver", "nvmap", "--group-add",
         host=Host(nodes=TEGRA, module="35.4.1", nvml="", named=(), user=1000, files=DOCKER, modes=dict.fromkeys(TEGRA, 0o660),
                   libcuda=(Libcuda("usr/lib/aarch64-linux-gnu/tegra", "1.1"),))),
]  # fmt: skip

AMD_NODES = ("kfd", "dri/renderD128")
CPU_NODE = Kfd(0, 0)
CARD = Kfd(1, 110000, 128, 0x1234)
IGPU = Kfd(2, 100306, 129, 0x99)
OLD = Kfd(1, 100300, 128, 0x1234)


def amd(*nodes: Kfd, **more: Any) -> Host:
    """Return a host with these GPUs of AMD, and their render nodes."""
    paths = ("kfd", *(f"dri/renderD{each.minor}" for each in nodes if each.minor))
    return Host(
        **{
            "nodes": paths,
            "module": "",
            "nvml": "",
            "named": (),
            "libcuda": (),
            "kfd": (CPU_NODE, *nodes),
            **more,
        }
    )


ROCM: dict[str, Any] = {"accelerator": "rocm", "codes": [{"targets": [{"target": "gfx1030"}, {"target": "gfx1100"}]}],
                        "overrides": {"gfx1031": "10.3.0", "gfx1036": "10.3.0"}}  # fmt: skip
IGPU_REPORTS = "oobabooga/textgen#7319; ROCm/legacy-rocm-build#3401, #4386"


def rocm(id_: str, kind: str, source: str, answer: str, *words: Any, **more: Any) -> Case:
    """Return a case of a ROCm stack with code for gfx1030 and gfx1100."""
    return Case(id_, kind, source, answer, *words, **{"stack": ROCM, "host": amd(CARD), **more})


AMD = [
    rocm("rocm-good", "ROCm", "own tests", GOOD),
    rocm("rocm-no-render-node", "ROCm: no render node", "ROCm/ROCm-docker#39", BAD, "rocm", "no render node", "--device=/dev/dri",
         host=amd(CARD, nodes=("kfd",))),
    rocm("rocm-no-render-node-unknown-minor", "ROCm: no render node", "ROCm/ROCm-docker#39", BAD, "rocm", "no render node", "--device=/dev/dri",
         host=amd(Kfd(1, 110000), nodes=("kfd",))),
    rocm("rocm-other-render-node", "ROCm: no render node", "ROCm/ROCm-docker#39", BAD, "rocm", "renderD128", "--device=/dev/dri",
         host=amd(CARD, nodes=("kfd", "dri/renderD130"))),
    rocm("rocm-no-kfd", "ROCm: no GPU", "own tests", BAD, "no-gpu", "no AMD GPU", "--device=/dev/kfd", host=amd(nodes=(), kfd=(), files={".dockerenv": ""})),
    rocm("rocm-no-kfd-kubernetes", "ROCm: no GPU", "ROCm/container-toolkit#86", BAD, "no-gpu", "no AMD GPU", "amd.com/gpu", ("docker run",),
         host=amd(nodes=(), kfd=()), environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
    rocm("rocm-cpu-allowed", "CPU on purpose", "own tests", GOOD, note="no AMD GPU", host=amd(nodes=(), kfd=()), environ={"STACKCHECK_CPU": "allow"}),
    rocm("rocm-group", "group of the nodes", "kyuz0/amd-strix-halo-vllm-toolboxes#6; ROCm/container-toolkit#86", BAD, "rocm", "kfd", "--group-add=0",
         host=amd(CARD, user=1000, files=DOCKER, modes=dict.fromkeys(AMD_NODES, 0o660))),
    rocm("rocm-group-of-the-render-node", "group of the nodes", "kyuz0/amd-strix-halo-vllm-toolboxes#6", BAD, "rocm", "renderD128", "--group-add=0",
         host=amd(CARD, user=1000, files=DOCKER, modes={"dri/renderD128": 0o660})),
    rocm("rocm-cgroup", "device cgroup", "NVIDIA/nvidia-container-toolkit#48 (the same cause)", BAD, "rocm", "kfd", "restart", ("--group-add",),
         host=amd(CARD, refused={"kfd": "EPERM"})),
    rocm("rocm-other-card-closed", "ROCm: render nodes of others", "documentation: Slurm, cgroup.conf ConstrainDevices", GOOD,
         host=amd(CARD, nodes=(*AMD_NODES, "dri/renderD130"), refused={"dri/renderD130": "EPERM"})),
    rocm("rocm-second-card-of-another-job", "ROCm: render nodes of others", "documentation: Slurm, cgroup.conf ConstrainDevices", GOOD, note="1 of 2",
         host=amd(CARD, Kfd(2, 90010, 129), refused={"dri/renderD129": "EPERM"})),
    rocm("rocm-one-node-mounted", "ROCm: render nodes of others", "documentation: ROCm, Running ROCm Docker containers (one render node)", GOOD,
         note="1 of 2", host=amd(CARD, IGPU, nodes=AMD_NODES)),
    rocm("rocm-igpu", "iGPU beside a card", IGPU_REPORTS, BAD, "gpu-code", "gfx1036", "ROCR_VISIBLE_DEVICES=0",
         ("HSA_OVERRIDE_GFX_VERSION=",), host=amd(CARD, IGPU)),
    *(
        rocm(f"rocm-igpu-hidden-{name.lower()}", "iGPU beside a card", IGPU_REPORTS, GOOD, host=amd(CARD, IGPU), environ={name: "0"})
        for name in ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
    ),
    rocm("rocm-igpu-hidden-by-uuid", "iGPU beside a card", IGPU_REPORTS, GOOD, host=amd(CARD, IGPU), environ={"ROCR_VISIBLE_DEVICES": f"GPU-{0x1234:016x}"}),
    rocm("rocm-igpu-override-by-node", "iGPU beside a card", IGPU_REPORTS, GOOD, host=amd(CARD, IGPU), note="gfx1036",
         environ={"HSA_OVERRIDE_GFX_VERSION_2": "10.3.0"}, stack={**ROCM, "overrides": {}}),
    rocm("rocm-igpu-override-known", "iGPU beside a card", IGPU_REPORTS, GOOD, host=amd(CARD, IGPU), environ={"HSA_OVERRIDE_GFX_VERSION_2": "10.3.0"}),
    rocm("rocm-igpu-override-for-all", "iGPU beside a card", "ROCm/legacy-rocm-build#5069", BAD, "gpu-code", "gfx1100", "HSA_OVERRIDE_GFX_VERSION_2=10.3.0",
         host=amd(CARD, IGPU), environ={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}),
    rocm("rocm-igpu-first", "iGPU beside a card", IGPU_REPORTS, BAD, "gpu-code", "gfx1036", "ROCR_VISIBLE_DEVICES=1",
         host=amd(Kfd(1, 100306, 128), Kfd(2, 110000, 129))),
    rocm("rocm-igpu-alone", "an override", "ROCm/legacy-rocm-build#5069", BAD, "gpu-code", "gfx1036", "HSA_OVERRIDE_GFX_VERSION=10.3.0", host=amd(Kfd(1, 100306, 128))),
    *(
        rocm(f"rocm-{name}", "ROCm: visible devices", "documentation: ROCm, GPU isolation techniques", BAD, "rocm", says, host=amd(CARD), environ=environ)
        for name, says, environ in (
            ("hip-empty", "hides every", {"HIP_VISIBLE_DEVICES": ""}),
            ("hip-beyond", "hides every", {"HIP_VISIBLE_DEVICES": "1"}),
            ("hip-minus", "hides every", {"HIP_VISIBLE_DEVICES": "-1"}),
            ("rocr-empty", "hides every", {"ROCR_VISIBLE_DEVICES": ""}),
            ("rocr-beyond", "hides every", {"ROCR_VISIBLE_DEVICES": "4"}),
            ("rocr-uuid", "GPU-feed", {"ROCR_VISIBLE_DEVICES": "GPU-feed"}),
            ("hip-after-rocr", "HIP_VISIBLE_DEVICES", {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "1"}),
            ("cuda-for-hip", "CUDA_VISIBLE_DEVICES", {"CUDA_VISIBLE_DEVICES": "-1"}),
        )
    ),
    rocm("rocm-stops", "ROCm: visible devices", "documentation: ROCm, GPU isolation techniques", BAD, "rocm", "1 of 2", host=amd(CARD, Kfd(2, 110000, 129)),
         environ={"HIP_VISIBLE_DEVICES": "0,7,1"}),
    rocm("rocm-hip-over-cuda", "ROCm: visible devices", "documentation: ROCm, GPU isolation techniques", GOOD, host=amd(CARD),
         environ={"HIP_VISIBLE_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "0"}),
    rocm("rocm-cpu-on-purpose", "CPU on purpose", "fault file M4", GOOD, note="hides every", environ={"STACKCHECK_CPU": "allow", "HIP_VISIBLE_DEVICES": "-1"}),
    rocm("rocm-empty-override", "an override", "ROCm/rocm-systems#5686", BAD, "rocm", "HSA_OVERRIDE_GFX_VERSION", "unset", environ={"HSA_OVERRIDE_GFX_VERSION": ""}),
    rocm("rocm-override-harms", "an override", "Crosstalk-Solutions/project-nomad#810", BAD, "gpu-code", "another instruction set", "unset", host=amd(OLD),
         environ={"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}),
    rocm("rocm-gfx1031", "an override", "own tests", BAD, "gpu-code", "gfx1031", "HSA_OVERRIDE_GFX_VERSION=10.3.0", host=amd(Kfd(1, 100301, 128))),
    rocm("rocm-gfx1031-overridden", "an override", "own tests", GOOD, host=amd(Kfd(1, 100301, 128)), environ={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}),
    rocm("rocm-no-topology", "ROCm", "own tests", GOOD, note="lists no GPU", host=amd(nodes=AMD_NODES, kfd=())),
    rocm("rocm-wsl", "WSL", "documentation: ROCm on Radeon, Install PyTorch for ROCm on WSL (--device=/dev/dxg)", GOOD, note="WSL",
         host=amd(nodes=("dxg",), kfd=())),
]  # fmt: skip

SOUND = [
    Case("good", "a good host", "own tests", GOOD),
    Case("good-two", "a good host", "own tests", GOOD, host=gpus(TWO)),
    Case("good-open-module", "a good host", "own tests", GOOD, host=driver("580.105.08", 13000)),
    Case(
        "good-podman", "a good host", "own tests", GOOD, host=Host(files={"run/.containerenv": ""}, user=1000)
    ),
    Case(
        "good-kubernetes",
        "a good host",
        "own tests",
        GOOD,
        environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1", "NVIDIA_VISIBLE_DEVICES": "GPU-1"},
    ),
    Case(
        "good-visible-void-cdi",
        "a good host",
        "documentation: NVIDIA Container Toolkit, CDI (sets NVIDIA_VISIBLE_DEVICES=void)",
        GOOD,
        environ={"NVIDIA_VISIBLE_DEVICES": "void"},
    ),
]

CANNOT = [
    Case("inner-entrypoint-sets-compat", "cannot", "vllm-project/vllm#34821 (NGC's way)", BAD, "driver", "804",
         host=replace(gpus("NVIDIA GeForce RTX 4090:8.9"), libcuda=(Libcuda(), Libcuda("usr/local/cuda/compat/lib", "570.86.15"))),
         cannot="what an entrypoint behind the check exports is not there yet; `--inside` checks after it"),
    Case("fabric-of-an-a100", "cannot", "pytorch/pytorch#35710", BAD, "devices", "802", host=gpus("NVIDIA A100-SXM4-80GB:8.0", nvml=f"{SAYS}NVIDIA A100-SXM4-80GB:8.0"),
         cannot="NVML tells of the fabric from Hopper on; before, only CUDA's initialisation shows 802"),
    Case("suspend", "cannot", "pytorch/pytorch#49081 (after suspend)", BAD, "driver", "unknown error",
         cannot="after a suspend nvidia-uvm is stale: every file and NVML answer as before, only cuInit fails"),
]  # fmt: skip

CASES = [*SOUND, *NVML, *DEVICES, *NODE_FAULTS, *NO_GPU, *VISIBLE, *LIBRARIES, *JETSON, *AMD, *CANNOT]
