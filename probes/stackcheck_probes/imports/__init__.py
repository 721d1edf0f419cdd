"""Names that Python packages import from each other, read from their files: nothing is imported."""
