"""PyTorch Geometric and its companions."""

FAMILIES = {
    "PYG": "PyTorch Geometric",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("packages.torch-geometric", "packages.torch-scatter")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
