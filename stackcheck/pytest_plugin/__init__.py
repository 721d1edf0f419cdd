"""Stacks as pytest items."""
