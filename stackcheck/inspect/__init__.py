"""Look at what exists: files, wheels, archives, environments, images; nothing is built."""
