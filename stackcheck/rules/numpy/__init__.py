"""NumPy's binary interface."""

FAMILIES = {
    "NUMPY": "NumPy",
}
"""The letters of the codes in this folder, and what each family is about."""
