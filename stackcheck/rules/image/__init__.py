"""Container images and chains of them."""

FAMILIES = {
    "IMAGE": "the base image",
    "TIER": "chains of images",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("image.base", "image.ready", "image.dockerfile")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
