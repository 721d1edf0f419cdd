"""AMD GPUs."""

FAMILIES = {
    "ROCM": "ROCm and AMD GPUs",
}
"""The letters of the codes in this folder, and what each family is about."""
