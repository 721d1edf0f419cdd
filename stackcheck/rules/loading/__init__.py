"""Whether what is installed can be loaded."""

FAMILIES = {
    "LOAD": "shared libraries and their symbols",
}
"""The letters of the codes in this folder, and what each family is about."""
