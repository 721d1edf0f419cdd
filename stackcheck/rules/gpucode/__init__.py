"""Which GPUs the compiled code is for."""

FAMILIES = {
    "ARCH": "code for the GPUs of a stack, by arch lists",
    "GPUCODE": "code for the GPUs of a stack, in the files of its packages",
}
"""The letters of the codes in this folder, and what each family is about."""

KEYS = ("packages.torch", "gpus")
"""The keys of a definition that a finding is about where it names no package: the first one stated counts."""
