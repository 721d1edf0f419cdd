"""How the files that can hold GPU code begin."""

ELF = b"\x7fELF"
FATBIN = b"\x50\xed\x55\xba"
PLAIN_BUNDLE = b"__CLANG_OFFLOAD_BUNDLE__"
PACKED_BUNDLE = b"CCOB"
ARCHIVE = b"!<arch>\n"
THIN_ARCHIVE = b"!<thin>\n"

STARTS = (ELF, FATBIN, PLAIN_BUNDLE, PACKED_BUNDLE, ARCHIVE, THIN_ARCHIVE)
