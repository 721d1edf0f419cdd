"""How long one run waits for what does not end by itself."""

TIMEOUT_S = 600.0
"""Seconds that uv has for all questions about one stack, and all probes of one target have together."""
