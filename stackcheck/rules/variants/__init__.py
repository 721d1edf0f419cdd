"""Targeted builds of torch."""

FAMILIES = {
    "VARIANT": "targeted builds",
}
"""The letters of the codes in this folder, and what each family is about."""
