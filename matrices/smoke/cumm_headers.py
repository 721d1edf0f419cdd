"""The headers that NVRTC needs lie in the installed cumm."""

import pathlib

import cumm

folder = pathlib.Path(cumm.__file__).parent / "include" / "tensorview" / "core"
assert (folder / "all.h").is_file(), f"no all.h in {folder}"
print("headers found")
