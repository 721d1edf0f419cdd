"""Building: packages from source, and the stack itself."""

FAMILIES = {
    "BUILD": "builds from source, and of the stack itself",
    "CMAKE": "CMake",
}
"""The letters of the codes in this folder, and what each family is about."""
