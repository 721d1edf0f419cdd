"""The knowledge that stacks are judged by."""

FAMILIES = {
    "KNOW": "the knowledge itself",
}
"""The letters of the codes in this folder, and what each family is about."""
