"""What is required: pins, and METADATA."""

FAMILIES = {
    "PIN": "pins",
    "NEEDS": "requirements that packages declare",
    "NVPIN": "NVIDIA's libraries that torch pins",
}
"""The letters of the codes in this folder, and what each family is about."""
