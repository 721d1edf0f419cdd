"""Which GPUs the compiled code is for."""

FAMILIES = {
    "ARCH": "code for the GPUs of a stack, by arch lists",
    "GPUCODE": "code for the GPUs of a stack, in the files of its packages",
}
"""The letters of the codes in this folder, and what each family is about."""
