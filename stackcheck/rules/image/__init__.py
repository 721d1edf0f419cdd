"""Container images and chains of them."""

FAMILIES = {
    "IMAGE": "the base image",
    "TIER": "chains of images",
}
"""The letters of the codes in this folder, and what each family is about."""
