"""Read which GPU a code object of AMD is for (`.hsaco`, `.co`): the processor and features in its ELF header.

Source: llvm/include/llvm/BinaryFormat/ELF.h and llvm/docs/AMDGPUUsage.rst, "ELF Header" (checked 2026-11-30).
"""

from __future__ import annotations

from stackcheck_probes.binaries.elf import EM_AMDGPU, ElfError
from stackcheck_probes.binaries.hipbundle import Bundles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.binaries.elf import Elf

_NAMES = """
gfx600 gfx601 gfx700 gfx701 gfx702 gfx703 gfx704 - gfx801 gfx802 gfx803 gfx810 gfx900 gfx902 gfx904 gfx906
gfx908 gfx909 gfx90c gfx1010 gfx1011 gfx1012 gfx1030 gfx1031 gfx1032 gfx1033 gfx602 gfx705 gfx805 gfx1035
gfx1034 gfx90a gfx940 gfx1100 gfx1013 gfx1150 gfx1103 gfx1036 gfx1101 gfx1102 gfx1200 gfx1250 gfx1151 gfx941
gfx942 - gfx1201 gfx950 gfx1310 gfx9-generic gfx10-1-generic gfx10-3-generic gfx11-generic gfx1152 - gfx1154
gfx1153 gfx12-generic gfx1251 gfx12-5-generic gfx1172 gfx1170 gfx1171 gfx9-4-generic
"""
PROCESSORS = dict(enumerate(_NAMES.split(), 0x20))
"""EF_AMDGPU_MACH, the low byte of the flags, from 0x20 on; `-` is a reserved number."""
V3 = 1
"""EI_ABIVERSION of the code object versions: V2 is 0 and names its target in a note, V4 to V6 are 2 to 4."""
_FEATURES_V3 = (("sramecc", 0x200), ("xnack", 0x100))
_FEATURES = (("sramecc", 10), ("xnack", 8))
_SIGN = {2: "-", 3: "+"}  # 0: the processor does not have it, 1: the code runs either way


def read_code_object(elf: Elf) -> Bundles:
    """Return a code object as one bundle of one target; raise `ElfError` when it names none that is known."""
    found = Bundles()
    found.bundles = 1
    target = _target(elf)
    found.add(target, elf.size)
    found.group(frozenset((target,)))
    return found


def _target(elf: Elf) -> str:
    processor = PROCESSORS.get(elf.flags & 0xFF, "-")
    if elf.machine != EM_AMDGPU or processor == "-":
        raise ElfError(f"a code object of AMD whose flags {elf.flags:#x} name no processor that is known")
    if elf.abiversion < V3:
        return processor
    if elf.abiversion == V3:  # a bit that is not set may also mean that the processor lacks the feature
        return processor + "".join(f":{name}+" for name, bit in _FEATURES_V3 if elf.flags & bit)
    signs = [(name, _SIGN.get(elf.flags >> shift & 3)) for name, shift in _FEATURES]
    return processor + "".join(f":{name}{sign}" for name, sign in signs if sign)
