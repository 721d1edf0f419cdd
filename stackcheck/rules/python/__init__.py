"""The interpreter, and conda's packages beside pip's."""

FAMILIES = {
    "PYTHON": "the Python interpreter",
    "CONDA": "packages of conda beside those of pip",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("python", "packages.torch")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
