"""Nix recipes of targeted builds."""

FAMILIES = {
    "RECIPE": "recipes of targeted builds",
}
"""The letters of the codes in this folder, and what each family is about."""
