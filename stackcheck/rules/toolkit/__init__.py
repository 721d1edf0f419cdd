"""The CUDA toolkit that compiles."""

FAMILIES = {
    "TOOLKIT": "the CUDA toolkit and its host compiler",
}
"""The letters of the codes in this folder, and what each family is about."""
