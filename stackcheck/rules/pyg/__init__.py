"""PyTorch Geometric and its companions."""

FAMILIES = {
    "PYG": "PyTorch Geometric",
}
"""The letters of the codes in this folder, and what each family is about."""
