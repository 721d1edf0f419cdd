"""spconv and cumm."""

FAMILIES = {
    "SPCONV": "spconv",
    "CUMM": "cumm",
}
"""The letters of the codes in this folder, and what each family is about."""
