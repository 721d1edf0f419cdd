"""The CUDA version of torch's build."""

FAMILIES = {
    "CUDA": "the CUDA version of torch's build",
}
"""The letters of the codes in this folder, and what each family is about."""
