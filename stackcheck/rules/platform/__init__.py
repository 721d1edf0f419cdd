"""The system that wheels are made for."""

FAMILIES = {
    "PLATFORM": "operating system and processor",
    "GLIBC": "glibc",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("glibc", "os", "platform", "packages.torch")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
