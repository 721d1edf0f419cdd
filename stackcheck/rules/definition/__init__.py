"""The definition itself."""

FAMILIES = {
    "STACK": "the definition",
}
"""The letters of the codes in this folder, and what each family is about."""
