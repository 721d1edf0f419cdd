"""AMD GPUs."""

FAMILIES = {
    "ROCM": "ROCm and AMD GPUs",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("rocm", "gpus", "packages.torch")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
