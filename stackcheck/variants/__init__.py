"""Folders of Nix recipes, one a variant of a stack: read them, hold them against the matrix, write them."""
