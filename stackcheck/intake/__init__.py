"""From what people have to `Stack` values."""
