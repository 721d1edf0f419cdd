"""What the pins resolve to."""

FAMILIES = {
    "LOCK": "the resolution of the pins, and its lock",
}
"""The letters of the codes in this folder, and what each family is about."""
