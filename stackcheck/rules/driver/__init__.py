"""The NVIDIA driver of the hosts."""

FAMILIES = {
    "DRIVER": "the NVIDIA driver",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("driver", "driver_cuda", "packages.torch")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
