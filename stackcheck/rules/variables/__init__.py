"""Environment variables."""

FAMILIES = {
    "ENV": "environment variables",
}
"""The letters of the codes in this folder, and what each family is about."""
KEYS = ("env.LD_LIBRARY_PATH",)
"""The keys of a definition that a finding is about when it names no other."""
