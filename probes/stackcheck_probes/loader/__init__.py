"""The rules of the dynamic loader, followed on files without loading any."""
