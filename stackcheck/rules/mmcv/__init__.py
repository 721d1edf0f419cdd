"""mmcv and OpenMMLAB's packages."""

FAMILIES = {
    "MMCV": "mmcv",
    "OPENMMLAB": "packages of OpenMMLab",
}
"""The letters of the codes in this folder, and what each family is about."""
