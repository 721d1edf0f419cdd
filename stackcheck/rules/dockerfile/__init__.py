"""The text of a Dockerfile."""

FAMILIES = {
    "DOCKER": "the Dockerfile",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("image.dockerfile",)
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
