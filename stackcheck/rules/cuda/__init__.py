"""The CUDA version of torch's build."""

FAMILIES = {
    "CUDA": "the CUDA version of torch's build",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("cuda", "packages.torch")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
