"""What the machine and its files say: small files, NVIDIA's driver, versions of tools."""
