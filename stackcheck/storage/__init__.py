"""Folders of the user: cache and data, and files written whole or not at all."""
