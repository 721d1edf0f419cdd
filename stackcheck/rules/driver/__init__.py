"""The NVIDIA driver of the hosts."""

FAMILIES = {
    "DRIVER": "the NVIDIA driver",
}
"""The letters of the codes in this folder, and what each family is about."""
