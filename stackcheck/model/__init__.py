"""The nouns: frozen values without I/O, imported by everything else."""
