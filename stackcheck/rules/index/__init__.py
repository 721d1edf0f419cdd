"""Package indexes and pages of wheels."""

FAMILIES = {
    "INDEX": "package indexes and pages of wheels",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("index.url", "index.extra")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
