"""The distributions that are installed."""

FAMILIES = {
    "DIST": "installed distributions",
}
"""The letters of the codes in this folder, and what each family is about."""
