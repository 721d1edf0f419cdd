"""mmcv and OpenMMLAB's packages."""

FAMILIES = {
    "MMCV": "mmcv",
    "OPENMMLAB": "packages of OpenMMLab",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("packages.mmcv", "packages.mmcv-full")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
