"""torch, torchvision and torchaudio."""

FAMILIES = {
    "TORCH": "torch and what belongs to its release",
    "VISION": "torchvision",
    "AUDIO": "torchaudio",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("packages.torch",)
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
