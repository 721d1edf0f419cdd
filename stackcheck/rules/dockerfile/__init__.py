"""The text of a Dockerfile."""

FAMILIES = {
    "DOCKER": "the Dockerfile",
}
"""The letters of the codes in this folder, and what each family is about."""
