"""What CMake 4 refuses, and the variable that lets it accept that again."""

from __future__ import annotations

from stackcheck.model.evidence import Evidence

VARIABLE = "CMAKE_POLICY_VERSION_MINIMUM"


REFUSES = Evidence(
    "CMake 4.0 removed compatibility with versions older than 3.5",
    "https://cmake.org/cmake/help/latest/command/cmake_minimum_required.html (checked 2026-11-20)",
)


FIX = f"ENV {VARIABLE}=3.5 (CMake 4 reads it for a new build tree), or use a CMake below 4"
