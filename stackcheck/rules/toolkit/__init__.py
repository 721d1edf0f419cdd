"""The CUDA toolkit that compiles."""

FAMILIES = {
    "TOOLKIT": "the CUDA toolkit and its host compiler",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("toolkit", "image.base")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
