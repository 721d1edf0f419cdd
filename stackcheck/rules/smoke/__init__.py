"""A team's own smoke tests."""

FAMILIES = {
    "SMOKE": "the team's own smoke tests",
}
"""The letters of the codes in this folder, and what each family is about."""
