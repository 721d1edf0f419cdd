"""The Report, its JSON schema, and one renderer a file."""
