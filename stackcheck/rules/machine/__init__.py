"""The machine that the stack runs on."""

FAMILIES = {
    "SYSTEM": "the machine",
}
"""The letters of the codes in this folder, and what each family is about."""
