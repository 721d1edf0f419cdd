"""Wheels with native code: what they were made for and what is wrong with some."""

FAMILIES = {
    "WHEEL": "wheels with native code",
}
"""The letters of the codes in this folder, and what each family is about."""
