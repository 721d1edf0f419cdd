"""A case, in the words of its source, as the definition of a stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcheck.intake.stack import Stack, parse_stack
from stackcheck.knowledge.gpus import find_gpu

if TYPE_CHECKING:
    from collections.abc import Mapping

TRIO = ("torch", "torchvision", "torchaudio")
CONDA = frozenset({*TRIO, "mkl", "pytorch-cuda", "cudatoolkit"})
"""What comes from a conda channel when a case names one; the rest is installed by pip beside it."""

_FIRST_VERSION = re.compile(r"\d+(?:\.\d+)*")
_PYTORCH_PAGE = re.compile(r"\.html$|torch_stable")


def to_stack(case: Mapping[str, Any]) -> Stack:
    """Convert one case; raise ValueError with every fault when it is no definition."""
    said: dict[str, Any] = case["stack"]
    row: dict[str, Any] = {"id": re.sub(r"[^A-Za-z0-9._-]", "-", case["id"]).lower()}
    packages = {name: _package(text) for name, text in said.get("packages", {}).items()}
    packages |= {name: _release(said[name]) for name in TRIO if name in said and _is_version(said[name])}
    index = said.get("index", [])
    if any(text.startswith("conda") for text in index) or "(conda)" in said.get("torch", ""):
        _from_conda(packages)
    row["packages"] = {str(canonicalize_name(name)): value for name, value in packages.items()}
    row["index"] = _index(index)
    env = {name: text for name, text in said.get("env", {}).items() if not text.startswith("unset")}
    row["env"] = env
    for key in ("python", "cuda", "toolkit", "rocm", "driver_cuda", "glibc"):
        if key in said and (match := _FIRST_VERSION.search(said[key])):
            row[key] = match[0]
    row |= _hosts(said) | _image(said.get("container", ""))
    if build_gpu := _built_on(said):
        row["arch_list"] = [str(find_gpu(build_gpu).capability)]
    if match := re.fullmatch(r"cu(\d\d)(\d) build", said.get("torch", "")):
        row.setdefault("cuda", f"{match[1]}.{match[2]}")
    stack, faults = parse_stack(row, file="cases.toml")
    if stack is None:
        raise ValueError("\n".join(faults))
    return stack


def _is_version(text: str) -> bool:
    return not text.endswith(" build")


def _release(text: str) -> dict[str, Any] | str:
    """Read "2.5.0+cu124", "1.12.*", "2.5.1 (conda)" or "1.7 nightly +cu110 (2020-09)"."""
    if nightly := re.match(r"(?P<version>\d[\w.]*) nightly (?P<local>\+\w+)? ?\((?P<day>[\d-]+)\)", text):
        day = nightly["day"].replace("-", "").ljust(8, "0").replace("00", "01", 1)
        return f"{nightly['version']}.0.dev{day}{nightly['local'] or ''}"
    return _package(text)


def _package(text: str) -> dict[str, Any] | str:
    """Read what a source says of one package as a version, a range, a source build or an unnamed wheel."""
    word = re.sub(r"\s*\(.*\)\s*$", "", text).strip()
    made = re.search(r"(?:(?P<tag>cu\d{3})/)?torch[- ]?(?P<torch>\d+\.\d+(?:\.\d+)*)", text)
    if made and re.search(r"wheel|page|built|compiled|build", text):
        version = re.match(r"v?(\d+\.\d+(?:\.\d+)*(?:\.?post\d+)?)(?![\w/])", text)
        tag = made["tag"]
        said = {"torch": made["torch"]} | ({"cuda": f"{tag[2:4]}.{tag[4:]}"} if tag else {})
        return {"version": version[1] if version else "latest", "built_for": said}
    if re.search(r"source|\bgit\b|^dev-", text):
        version = re.search(r"\bv?(\d+\.\d+(?:\.\d+)*)", word)
        return {"version": version[1] if version else "latest", "from": "source"}
    if word.endswith(".*"):
        return f"=={word}"
    if word[:1] in "<>=!~":
        bare = re.sub(r"\+[\w.]+", "", word)  # a range takes no local version
        return bare if _valid_range(bare) else "latest"
    try:
        Version(word)
    except InvalidVersion:
        return "latest"
    return word


def _valid_range(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _from_conda(packages: dict[str, Any]) -> None:
    for name in CONDA.intersection(packages):
        value = packages[name]
        packages[name] = ({"version": value} if isinstance(value, str) else value) | {"from": "conda"}


def _index(said: list[str]) -> dict[str, Any]:
    urls = [text for text in said if text.startswith("http")]
    pages = [url for url in urls if _PYTORCH_PAGE.search(url)]
    indexes = [url for url in urls if url not in pages]
    row: dict[str, Any] = {"extra": indexes, "find_links": pages}
    if any(text.startswith("PyPI") for text in said):
        row["url"] = "https://pypi.org/simple"
    return row


def _hosts(said: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if os := said.get("os"):
        row["os"] = os
        row |= {"platform": platform} if (platform := _platform(os)) else {}
    if driver := said.get("driver"):
        branch = re.fullmatch(r"[rR](\d+)", driver)
        row["driver"] = f">={branch[1]},<{int(branch[1]) + 1}" if branch else driver
    names = [re.sub(r"\(.*\)", "", name).strip() for name in re.split(r"[+,]", said.get("gpu", "")) if name]
    gpus = [name for name in names if _known_gpu(name)]
    if not gpus and "compute_capability" in said:
        gpus = [said["compute_capability"]]
    if gfx := said.get("gfx"):
        gpus = [gfx]
    row["gpus"] = gpus
    return row


def _known_gpu(name: str) -> bool:
    try:
        find_gpu(name)
    except ValueError:
        return False
    return True


def _platform(os: str) -> str:
    lowered = os.lower()
    if "windows" in lowered:
        return "windows/amd64"
    if "macos" in lowered:
        return "macos/arm64"
    return "linux/arm64" if re.search(r"aarch64|arm64|jetson", lowered) else "linux/amd64"


def _image(container: str) -> dict[str, Any]:
    if not container:
        return {}
    holds_torch = re.search(r"(?:nvidia|rocm|pytorch)/pytorch:", container)
    return {"image": {"ready" if holds_torch else "base": container}}


def _built_on(said: Mapping[str, Any]) -> str:
    """Return the GPU that a source build was made on: what it was compiled for, when no list was set."""
    for text in said.get("packages", {}).values():
        if match := re.search(r"buil[dt] (?:made )?on (?:an? )?(.+)", text):
            return match[1]
    return ""
