"""Readers of binaries: ELF, GPU code, archives that hold them; headers only, nothing is run or unpacked."""
