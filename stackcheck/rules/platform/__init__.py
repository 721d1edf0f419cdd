"""The system that wheels are made for."""

FAMILIES = {
    "PLATFORM": "operating system and processor",
    "GLIBC": "glibc",
}
"""The letters of the codes in this folder, and what each family is about."""
