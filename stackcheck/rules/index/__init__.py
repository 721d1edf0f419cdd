"""Package indexes and pages of wheels."""

FAMILIES = {
    "INDEX": "package indexes and pages of wheels",
}
"""The letters of the codes in this folder, and what each family is about."""
