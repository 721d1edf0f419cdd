"""Environment variables."""

FAMILIES = {
    "ENV": "environment variables",
}
"""The letters of the codes in this folder, and what each family is about."""
