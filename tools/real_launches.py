"""Hold what `stackcheck inspect` predicts of GPU code against real launches on this machine's GPU.

    python tools/real_launches.py [--work DIR] [-o FILE.json]

Builds targets of many kinds with nvcc, asks `stackcheck inspect` how each serves this GPU, then launches a
kernel of each in a process of its own: once as it is, and once with CUDA_DISABLE_PTX_JIT=1, under which PTX
does not count. So a launch tells native code (both run) from PTX (the first alone) and from none. Needs an
NVIDIA GPU and nvcc 12.8 or newer.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

KERNEL = """
extern "C" __global__ void fill(int *out) { *out = 42; }
extern "C" int launch(void) {
    int *out = 0, found = 0;
    cudaError_t code = cudaMalloc(&out, sizeof(int));
    if (code) return 1000 + code;
    fill<<<1, 1>>>(out);
    code = cudaGetLastError();
    if (!code) code = cudaDeviceSynchronize();
    if (!code) code = cudaMemcpy(&found, out, sizeof(int), cudaMemcpyDeviceToHost);
    return code ? code : found == 42 ? 0 : 9999;
}
"""
CALLED = """
__device__ int value(void);
extern "C" __global__ void fill(int *out) { *out = value(); }
"""
VALUE = "__device__ int value(void) { return 42; }\n"
MAIN = KERNEL + "int main(void) { return launch() ? 1 : 0; }\n"
PROGRAM = 'extern "C" int launch(void);\nint main(void) { return launch() ? 1 : 0; }\n'
OTHER = KERNEL.replace("fill", "other").replace("launch(void)", "launch_other(void)")

PAIRS = {
    "native only": ["90:sm_90"],
    "native, architecture-specific": ["90a:sm_90a"],
    "PTX of this architecture": ["90:compute_90"],
    "PTX, architecture-specific": ["90a:compute_90a"],
    "older cards only": ["75:sm_75", "80:sm_80", "86:sm_86", "89:sm_89"],
    "the major before": ["80:sm_80"],
    "the major before with PTX": ["80:sm_80", "80:compute_80"],
    "old PTX only": ["75:compute_75"],
    "PTX of a near card": ["89:sm_89", "89:compute_89"],
    "newer card": ["100:sm_100"],
    "newer PTX": ["100:compute_100"],
    "newer family code": ["100f:sm_100f"],
    "newer desktop card with PTX": ["120:sm_120", "120:compute_120"],
    "many with native": ["80:sm_80", "90:sm_90", "100:sm_100", "120:compute_120"],
    "native and PTX": ["90:sm_90", "90:compute_90"],
    "specific of another": ["100a:sm_100a", "103a:sm_103a"],
    "integrated part of the major before": ["87:sm_87"],
    "integrated part with PTX": ["87:sm_87", "87:compute_87"],
}
"""Shared libraries by what they are built for: `arch:code` as nvcc's -gencode takes them."""


@dataclass
class Outcome:
    """One target: what it is, what was predicted, and what the launches said (0: it ran)."""

    name: str
    how: str
    by: str
    partial: bool
    plain: int
    without_ptx: int
    agrees: bool


def gencode(pairs: list[str]) -> list[str]:
    """Return nvcc's options for pairs of architecture and code."""
    return [f"-gencode=arch=compute_{pair.split(':')[0]},code={pair.split(':')[1]}" for pair in pairs]


def run(*command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command; return what it printed and its status."""
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=env, timeout=300
    )


def built(*command: str | Path) -> None:
    """Run a build step; raise with its last words when it fails."""
    done = run(*command)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stderr[-2000:]}")


def predicted(target: Path, gpu: str) -> tuple[str, str, bool]:
    """Return how a target serves the GPU, by which code, and whether only in part."""
    done = run(sys.executable, "-m", "stackcheck", "inspect", target, "--gpu", gpu, "--format", "json")
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)
    rows = json.loads(done.stdout)["libraries"]
    if not rows:
        return "none", "", False
    (cell,) = rows[0]["serves"].values()
    return cell["how"], cell["by"], cell["partial"]


def launched(code: str, *words: str | Path) -> tuple[int, int]:
    """Return the status of a launch as it is, and without PTX."""
    found = []
    for extra in ({}, {"CUDA_DISABLE_PTX_JIT": "1"}):
        env = {**os.environ, "CUDA_CACHE_DISABLE": "1", **extra}
        done = run(sys.executable, "-c", code, *words, env=env)
        found.append(int(done.stdout.strip() or -1) if not done.returncode else -done.returncode or -1)
    return found[0], found[1]


def started(program: Path) -> tuple[int, int]:
    """Return the status of a program as it is, and without PTX."""
    environ = {**os.environ, "CUDA_CACHE_DISABLE": "1"}
    plain = run(program, env=environ).returncode
    return plain, run(program, env={**environ, "CUDA_DISABLE_PTX_JIT": "1"}).returncode


BY_RUNTIME = "import ctypes, sys; print(getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])())"
BY_DRIVER = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
context, module, kernel, out, found = (ctypes.c_void_p() for _ in range(5))
device = ctypes.c_int()
value = ctypes.c_int()
def call(name, *args):
    code = getattr(cuda, name)(*args)
    if code:
        print(code)
        sys.exit(0)
call("cuInit", 0)
call("cuDeviceGet", ctypes.byref(device), 0)
call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
call("cuCtxSetCurrent", context)
call("cuModuleLoadData", ctypes.byref(module), open(sys.argv[1], "rb").read() + b"\\0")
call("cuModuleGetFunction", ctypes.byref(kernel), module, b"fill")
call("cuMemAlloc_v2", ctypes.byref(out), ctypes.c_size_t(4))
args = (ctypes.c_void_p * 1)(ctypes.cast(ctypes.pointer(out), ctypes.c_void_p))
call("cuLaunchKernel", kernel, 1, 1, 1, 1, 1, 1, 0, None, args, None)
call("cuCtxSynchronize")
call("cuMemcpyDtoH_v2", ctypes.byref(value), out, ctypes.c_size_t(4))
print(0 if value.value == 42 else 9999)
"""


def agrees(how: str, plain: int, without_ptx: int) -> bool:
    """Tell whether a prediction is what the launches said."""
    expected = {"native": (True, True), "runs": (True, True), "ptx": (True, False), "no": (False, False)}
    return expected.get(how) == (plain == 0, without_ptx == 0)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Campaign:
    """The targets, built in one folder and held against one GPU."""

    def __init__(self, work: Path, gpu: str) -> None:
        self.work, self.gpu = work, gpu
        self.rows: list[Outcome] = []
        for name, text in (("k", KERNEL), ("m", MAIN), ("o", OTHER), ("v", VALUE)):
            (work / f"{name}.cu").write_text(text, encoding="utf-8")
        called = CALLED + KERNEL.split("\n", 2)[2]
        (work / "c.cu").write_text(called, encoding="utf-8")

    def nvcc(self, *words: str | Path) -> None:
        """Build something in the folder."""
        built("nvcc", "-O1", "-Wno-deprecated-gpu-targets", *words)

    def note(self, name: str, target: Path, plain: int, without_ptx: int) -> None:
        """Ask what is predicted of a target and note the outcome."""
        how, by, partial = predicted(target, self.gpu)
        row = Outcome(name, how, by, partial, plain, without_ptx, agrees(how, plain, without_ptx))
        self.rows.append(row)
        _tell(f"{'ok ' if row.agrees else 'BAD'} {name}: {how} {by}; {plain}, without PTX {without_ptx}")

    def shared(self, name: str, pairs: list[str], *more: str | Path, source: str = "k.cu") -> None:
        """Build a shared library, launch its kernel by the CUDA runtime, and note it."""
        target = self.work / f"{len(self.rows)}.so"
        self.nvcc("-shared", "-Xcompiler=-fPIC", *gencode(pairs), *more, "-o", target, self.work / source)
        self.note(name, target, *launched(BY_RUNTIME, target, "launch"))

    def libraries(self) -> None:
        """Hold shared libraries: by architecture, by the kind of link, by compression."""
        for name, pairs in PAIRS.items():
            self.shared(name, pairs)
        linked = ("-rdc=true", self.work / "v.cu")
        self.shared("device-linked, native", ["90:sm_90"], *linked, source="c.cu")
        self.shared("device-linked, the major before", ["80:sm_80"], *linked, source="c.cu")
        for mode in ("size", "speed", "balance", "none"):
            self.shared(f"compressed for {mode}", ["80:sm_80", "90:sm_90"], f"--compress-mode={mode}")
        self.shared("CUDA runtime linked dynamically", ["80:compute_80"], "-cudart=shared")

    def mixed(self) -> None:
        """Hold a library of two objects, each for another architecture: one kernel runs, the other not."""
        objects = [self.work / "a.o", self.work / "b.o"]
        for source, pairs, target in (("k.cu", ["90:sm_90"], objects[0]), ("o.cu", ["80:sm_80"], objects[1])):
            self.nvcc("-c", "-Xcompiler=-fPIC", *gencode(pairs), "-o", target, self.work / source)
        library = self.work / "mixed.so"
        self.nvcc("-shared", *objects, "-o", library)
        good = launched(BY_RUNTIME, library, "launch")
        bad = launched(BY_RUNTIME, library, "launch_other")
        how, by, partial = predicted(library, self.gpu)
        agreed = how == "native" and partial and good == (0, 0) and 0 not in bad
        self.rows.append(Outcome("two objects, one for this card", how, by, partial, good[0], bad[0], agreed))
        archive = self.work / "static.a"
        built("ar", "rcs", archive, objects[0])
        program = self.work / "of_archive"
        (self.work / "p.cu").write_text(PROGRAM, encoding="utf-8")
        self.nvcc(*gencode(["90:sm_90"]), "-o", program, self.work / "p.cu", archive)
        self.note("static library", archive, *started(program))

    def files(self) -> None:
        """Hold what the driver loads by itself: cubin, PTX and fatbin files."""
        kinds = (
            ("cubin", "90:sm_90"), ("cubin", "90a:sm_90a"), ("cubin", "80:sm_80"), ("cubin", "100:sm_100"),
            ("ptx", "80:compute_80"), ("ptx", "90:compute_90"), ("ptx", "100:compute_100"),
        )  # fmt: skip
        for kind, pair in kinds:
            target = self.work / f"{len(self.rows)}.{kind}"
            arch, code = pair.split(":")
            options = [f"-arch={code}"] if kind == "cubin" else [f"-arch=compute_{arch}"]
            self.nvcc(f"-{kind}", *options, "-o", target, self.work / "k.cu")
            self.note(f"{kind} file of {code}", target, *launched(BY_DRIVER, target))
        target = self.work / "both.fatbin"
        self.nvcc("-fatbin", *gencode(["80:sm_80", "80:compute_80"]), "-o", target, self.work / "k.cu")
        self.note("fatbin file of sm_80 and compute_80", target, *launched(BY_DRIVER, target))

    def programs(self) -> None:
        """Hold programs, and a library without its symbols."""
        for name, pairs in (("program, native", ["90:sm_90"]), ("program, the major before", ["80:sm_80"])):
            target = self.work / f"program{len(self.rows)}"
            self.nvcc(*gencode(pairs), "-o", target, self.work / "m.cu")
            self.note(name, target, *started(target))
        target = self.work / "stripped.so"
        options = ["-shared", "-Xcompiler=-fPIC", *gencode(["80:sm_80", "80:compute_80"])]
        self.nvcc(*options, "-o", target, self.work / "k.cu")
        built("strip", target)
        self.note("stripped library", target, *launched(BY_RUNTIME, target, "launch"))

    def triton(self) -> None:
        """Hold what Triton compiles on this GPU: the cubin in its cache."""
        script = self.work / "t.py"
        script.write_text(TRITON, encoding="utf-8")
        cache = self.work / "triton"
        done = run(sys.executable, script, env={**os.environ, "TRITON_CACHE_DIR": str(cache)})
        if done.returncode:
            _tell(f"Triton was not tried: {done.stderr.strip().splitlines()[-1:]}")
            return
        for target in sorted(cache.rglob("*.cubin")):
            self.note("cubin that Triton made", target, 0, 0)


TRITON = """
import torch, triton, triton.language as tl
@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, at < n) + tl.load(y + at, at < n), at < n)
x, y = torch.rand(1000, device="cuda"), torch.rand(1000, device="cuda")
out = torch.empty_like(x)
add[(4,)](x, y, out, 1000, BLOCK=256)
assert torch.equal(out, x + y)
"""


def this_gpu() -> tuple[str, str]:
    """Return the name and the compute capability of the first GPU."""
    done = run("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
    name, capability, driver = (word.strip() for word in done.stdout.splitlines()[0].split(","))
    return f"{name}, driver {driver}", capability


def main() -> int:
    """Run the campaign; return 1 when a prediction was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    ctypes.CDLL("libcuda.so.1")
    described, capability = this_gpu()
    with tempfile.TemporaryDirectory() as folder:
        work = args.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        campaign = Campaign(work, capability)
        for part in (campaign.libraries, campaign.mixed, campaign.files, campaign.programs, campaign.triton):
            part()
    wrong = [row for row in campaign.rows if not row.agrees]
    _tell(f"{len(campaign.rows)} targets, {len(wrong)} predicted wrongly")
    nvcc = run("nvcc", "--version").stdout.strip().splitlines()[-2:]
    document = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "gpu": described,
        "capability": capability,
        "nvcc": nvcc,
        "targets": [asdict(row) for row in campaign.rows],
    }
    if args.output:
        args.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
