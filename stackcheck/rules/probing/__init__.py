"""The run of the probes."""

FAMILIES = {
    "PROBE": "the probes",
}
"""The letters of the codes in this folder, and what each family is about."""
