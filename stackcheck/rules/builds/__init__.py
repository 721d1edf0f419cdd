"""Building: packages from source, and the stack itself."""

FAMILIES = {
    "BUILD": "builds from source, and of the stack itself",
    "CMAKE": "CMake",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("packages.torch", "arch_list")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
