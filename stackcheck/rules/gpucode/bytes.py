"""Rules about the GPU code in the libraries of a target, as it stands in the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck_probes.binaries.capability import NATIVE, NO
from stackcheck_probes.binaries.gpucode import GpuCode, from_json
from stackcheck_probes.judging.coverage import NONE, UNKNOWN, LibraryCoverage, library_coverage
from stackcheck_probes.judging.packagecover import UNTOLD, judged, package_of, short_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.binaries import Libraries

_SHOWN = 4


def _names_nvidia_gpus(facts: Facts) -> bool:
    stack: Stack = facts["stack"]
    return any(gpu.capability for gpu in stack.gpus)


def packages_of(libraries: Libraries) -> dict[str, list[tuple[str, GpuCode]]]:
    """Return the libraries with GPU code by package, in each the one with the most code first."""
    found: dict[str, list[tuple[str, GpuCode]]] = {}
    for row in libraries["libraries"]:
        if "error" not in row:
            path = short_path(row["path"])
            found.setdefault(package_of(path), []).append((path, from_json(row)))
    for rows in found.values():
        rows.sort(key=lambda row: -sum(images.bytes for images in row[1].images))
    return found


@rule("GPUCODE301", when=_names_nvidia_gpus, about="library")
def every_package_serves_the_gpus(stack: Stack, libraries: Libraries) -> list[Finding]:
    """Every package with GPU code has code for the GPUs of the stack.

    torch running on a GPU says nothing of spconv, xformers or bitsandbytes: each library carries its own
    list. SASS runs on the same major with the same or a higher minor; `a` code on exactly one; PTX is
    compiled by the driver. A package fails when the library that holds most of its code serves a GPU in no
    way; a smaller one that serves only some GPUs is told as a warning. Of several builds of one library
    (`_cuda118`, `_cuda124`) one must serve; what holds `a` or `f` code alone, beside a library that serves,
    was made for other GPUs, and an archive is for linking.

    Source: the fatbins; NVIDIA Ada and Blackwell Compatibility Guides (checked 2026-11-20).
    Example: `no kernel image is available for execution on the device` on an RTX 5090 with cu124 wheels.
    Fix: a build of the package that names the GPU's architecture, or PTX and a driver that compiles it.
    """
    gpus = [gpu for gpu in stack.gpus if gpu.capability]
    packages = packages_of(libraries)
    findings = [
        finding
        for name, rows in sorted(packages.items())
        for gpu in gpus
        for finding in _judge(name, rows, gpu, stack)
    ]
    if any(finding.outcome is not Outcome.SKIP for finding in findings):
        return findings
    names = ", ".join(f"{gpu.name} ({gpu.capability})" for gpu in gpus)
    hows = [{_how(code, gpu) for gpu in gpus} for rows in packages.values() for _, code in rows]
    served = sum(1 for each in hows if not each & {NONE, UNKNOWN, NO})
    if served:
        spare = sum(NO in each for each in hows)
        which = f"{served} of {served + spare}" if spare else f"all {served}"
        but = ", and the others were made for other GPUs or other machines" if spare else ""
        return [*findings, passed(f"{which} libraries whose GPU code was read serve {names}{but}")]
    if findings:
        return findings
    if any(UNKNOWN in each for each in hows):
        return [
            skipped(f"no library was seen to have code for {names}, and what some hold could not be read")
        ]
    return (
        [passed("no library here holds GPU code")]
        if libraries["binaries"]
        else [skipped("no library was found")]
    )


def _how(code: GpuCode, gpu: Gpu) -> str:
    return library_coverage(code, gpu.capability).how if gpu.capability else NONE


def _judge(package: str, rows: list[tuple[str, GpuCode]], gpu: Gpu, stack: Stack) -> Iterator[Finding]:
    assert gpu.capability is not None  # noqa: S101 - chosen by the caller
    found = judged(rows, gpu.capability)
    if any(each.coverage.how == UNKNOWN for each in found):
        yield skipped(f"{gpu.name} ({gpu.capability}): {package} {UNTOLD}.")
        return
    for path, coverage, most in ((one.path, one.coverage, one.most) for one in found if not one.spared):
        if coverage.how == NO:
            yield _unserved(package, path, coverage, gpu, most=most)
        elif stack.arch_mode == "native" and coverage.how != NATIVE:
            yield failed(
                f"{path} is not native on {gpu.name} ({gpu.capability}): {coverage.reason}",
                Evidence(path, "fatbins of the file"),
                expected=f"sm_{gpu.capability.sm} (the stack asks for native code)",
                found=str(coverage.coverage.by),
                hint=f"build {package} with {gpu.capability} in TORCH_CUDA_ARCH_LIST",
                about=_on(path, gpu),
            )


def _unserved(package: str, path: str, coverage: LibraryCoverage, gpu: Gpu, *, most: bool) -> Finding:
    message = f"{path} has no code for {gpu.name} ({gpu.capability}): {coverage.reason}"
    evidence = Evidence(path, "fatbins of the file")
    expected = f"code that runs on {gpu.capability}"
    if most:
        hint = f"install a build of {package} for {gpu.capability}, or build it with that in its arch list"
        return failed(
            message, evidence, expected=expected, found=coverage.reason, hint=hint, about=_on(path, gpu)
        )
    hint = f"other libraries of {package} serve this GPU; what this one brings will not work there"
    return warned(
        message, evidence, expected=expected, found=coverage.reason, hint=hint, about=_on(path, gpu)
    )


def _on(path: str, gpu: Gpu) -> str:
    return f"{path} on {gpu.name}"


@rule("GPUCODE302", when=_names_nvidia_gpus, about="library")
def no_gpu_code_is_unseen(stack: Stack, libraries: Libraries) -> list[Finding]:
    """All GPU code could be read.

    Some libraries keep code where no section names it (cuFFT, cuBLASLt, cuSPARSELt); a file may be cut off,
    or packed in a way that this machine cannot unpack. What was not read is not called good.

    Source: the reader of stackcheck; measured on the wheels of CUDA 12.4 (checked 2026-11-20).
    Example: the sections of libcufft.so.11 show sm_52 alone, its data section holds 17,607 more images.
    Fix: `stackcheck inspect --deep` searches the data sections too.
    """
    capabilities = [gpu.capability for gpu in stack.gpus if gpu.capability]
    broken = [(short_path(row["path"]), row["error"]) for row in libraries["libraries"] if "error" in row]
    findings = [skipped(f"the GPU code of {path} could not be read: {why}") for path, why in broken]
    hidden = [
        path
        for rows in packages_of(libraries).values()
        for path, code in rows
        if any(library_coverage(code, each).how == UNKNOWN for each in capabilities)
    ]
    if hidden:
        names = some(hidden, _SHOWN)
        text = f"{names}: what was read does not serve the GPUs, and more code may be there unseen"
        findings.append(skipped(text, hint="`stackcheck inspect --deep` searches the data sections too"))
    findings += [skipped(f"a part of the tree was not looked at: {why}") for why in libraries["skipped"]]
    if findings:
        return findings
    return [passed(f"all GPU code of {len(libraries['libraries'])} libraries was read")]
