"""NumPy's binary interface."""

FAMILIES = {
    "NUMPY": "NumPy",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("packages.numpy", "packages.torch")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
