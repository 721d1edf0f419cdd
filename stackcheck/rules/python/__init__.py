"""The interpreter, and conda's packages beside pip's."""

FAMILIES = {
    "PYTHON": "the Python interpreter",
    "CONDA": "packages of conda beside those of pip",
}
"""The letters of the codes in this folder, and what each family is about."""
