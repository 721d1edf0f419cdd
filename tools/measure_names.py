"""Measure which names packages import from others that some releases of these no longer, or not yet, have.

    python tools/measure_names.py                       # all packages below, into knowledge/names
    python tools/measure_names.py diffusers peft        # these alone

Of each package the last release of each minor version of five years is read, at most `--most` of them; of
each target the last release of each minor version since 2021. Then the ends of each row are looked for among
the releases between: the first that imports a name, the first that lacks it. A wheel is read by range, its
Python files alone; a package without wheels is read from its source archive. Nothing is run. What was read of
an archive is kept in the cache by its SHA-256. A row is written where a release lacks a name and METADATA
admits it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tarfile
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.parser import Parser
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcheck.knowledge.names import FOLDER, Names, render
from stackcheck.model.errors import ResolveError
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import WheelIndex
from stackcheck.storage.folders import cache_folder, write_atomically
from stackcheck.wheels.learn import best_wheel
from stackcheck_probes.imports.needs import Need, lazily, needs, roots
from stackcheck_probes.imports.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stackcheck.model.index_pages import File

TARGETS: Mapping[str, tuple[str, ...]] = {
    "accelerate": ("accelerate",),
    "diffusers": ("diffusers",),
    "huggingface-hub": ("huggingface_hub",),
    "lightning": ("lightning",),
    "numpy": ("numpy",),
    "pydantic": ("pydantic",),
    "pytorch-lightning": ("pytorch_lightning",),
    "setuptools": ("pkg_resources", "setuptools"),
    "timm": ("timm",),
    "tokenizers": ("tokenizers",),
    "torch": ("torch",),
    "torchaudio": ("torchaudio",),
    "torchdata": ("torchdata",),
    "torchmetrics": ("torchmetrics",),
    "torchvision": ("torchvision",),
    "transformers": ("transformers",),
}
"""Distribution -> the modules at the top that it brings."""
OWNER = {top: dist for dist, tops in TARGETS.items() for top in tops}
PACKAGES = """
accelerate airllm albumentations allennlp auto-gptq autoawq basicsr bertopic bitsandbytes clip-interrogator
compel compressed-tensors controlnet-aux coqui-tts datasets deepspeed demucs dgl diffusers easyocr evaluate
facexlib fairscale fairseq fastai flair ftfy gfpgan gptqmodel hqq huggingface-hub imagebind insightface
kornia lightning lightning-fabric llmcompressor lm-eval lmdeploy lpips mmcv mmcv-full mmdet mmengine mmpose
mmpretrain mmsegmentation monai nemo-toolkit onnxruntime open-clip-torch optimum optimum-quanto peft
pyannote-audio pytorch-forecasting pytorch-lightning pytorch-metric-learning realesrgan rembg
segmentation-models-pytorch sentence-transformers setfit sglang spandrel speechbrain stable-baselines3
tensordict timm tokenizers torch-geometric torchao torchaudio torchdata torchmetrics torchrec torchtext
torchtune torchvision torchxrayvision transformers trl tts ultralytics unsloth unsloth-zoo
vector-quantize-pytorch vllm whisperx xformers
""".split()  # noqa: SIM905 - a list of names
SINCE, TARGETS_SINCE = date(2021, 11, 30), date(2021, 6, 1)
MOST_ROUNDS = 6
"""How often releases between are read: 63 of them at most lie between two, then."""
MOST_BYTES = 400 << 20
MOST_WHOLE = 12 << 20
MOST_FILE = 4 << 20
INDEX = WheelIndex(Fetcher(os.environ, most_bytes=MOST_BYTES))
_FAULTS = (ResolveError, tarfile.TarError, zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError)
_NOT_THERE = frozenset(sys.stdlib_module_names)
_OTHER_NAMES = {"PIL": "pillow", "yaml": "pyyaml", "cv2": "opencv-python", "sklearn": "scikit-learn"}


class Archive(NamedTuple):
    """The Python files of one release, and what it requires of everybody who installs it."""

    texts: Mapping[str, str]
    requires: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """What importing one release needs: at once, and of each module that is imported lazily."""

    version: Version
    file: str
    requires: tuple[Requirement, ...]
    eager: tuple[Need, ...]
    lazy: Mapping[str, tuple[Need, ...]]

    def admits(self, dist: str, version: Version) -> bool:
        """Tell whether METADATA admits a version of a distribution."""
        return all(
            each.specifier.contains(version, prereleases=True)
            for each in self.requires
            if canonicalize_name(each.name) == dist
        )


@cache
def releases_of(name: str) -> Mapping[Version, tuple[File, date]]:
    """Return every final release of a project: the file to read, and the day of its first file."""
    found: dict[Version, list[File]] = {}
    for file in INDEX.files(name):
        version = file.version if file.project == canonicalize_name(name) else None
        if version is None or version.is_prerelease or version.local or file.yanked is not None:
            continue
        found.setdefault(version, []).append(file)
    return {
        version: (file, min(date.fromisoformat(each.uploaded[:10]) for each in found[version]))
        for version in sorted(found)
        if (file := _to_read(found[version]))
    }


def chosen(name: str, since: date, most: int) -> list[tuple[Version, File]]:
    """Return the last release of each minor version since a day, oldest first, evenly thinned to `most`.

    Of a package without releases since then, the two newest.
    """
    last = {(each.epoch, *each.release[:2]): each for each in releases_of(name)}
    every = [(version, *releases_of(name)[version]) for version in last.values()]
    found = [each[:2] for each in every if each[2] >= since] or [each[:2] for each in every[-2:]]
    if len(found) > most:
        step = (len(found) - 1) / (most - 1)
        found = [found[round(number * step)] for number in range(most)]
    return found


def open_ends(span: tuple[Version, Version], read: Sequence[Version], name: str) -> Iterator[Version]:
    """Yield the release in the middle between each end of a row and the one beside it that was read.

    span: the first and the last release that the row is about, both in `read`, which ascends.
    """
    first, last = map(read.index, span)
    for low, high in ((first - 1, first), (last, last + 1)):
        if low >= 0 and high < len(read):
            between = [each for each in releases_of(name) if read[low] < each < read[high]]
            yield from between[len(between) // 2 :][:1]


def _to_read(files: Sequence[File]) -> File | None:
    wheels = [file for file in files if file.is_wheel]
    archives = [file for file in files if file.name.endswith((".tar.gz", ".zip"))]
    return best_wheel(wheels) or next(iter(archives), None)


def read_archive(file: File) -> Archive:
    """Return the Python files of a release; of compiled modules the name alone."""
    with INDEX.open(file.url, MOST_BYTES) as opened:
        whole = not file.is_wheel or (file.size or 0) < MOST_WHOLE
        data = io.BytesIO(opened.read()) if whole else opened
        if file.name.endswith(".tar.gz"):
            return _of_tar(data)
        with zipfile.ZipFile(data) as archive:
            found = Archive(*_of_zip(archive))
    return found if file.is_wheel else Archive(_from_top(found.texts), ())


def _of_zip(archive: zipfile.ZipFile) -> tuple[dict[str, str], tuple[str, ...]]:
    texts, requires = {}, ()
    for info in sorted(archive.infolist(), key=lambda each: each.header_offset):
        if _is_code(info.filename):
            is_text = info.filename.endswith(".py") and info.file_size < MOST_FILE
            texts[info.filename] = archive.read(info).decode("utf-8", "replace") if is_text else ""
        elif info.filename.endswith(".dist-info/METADATA") and info.filename.count("/") == 1:
            requires = tuple(Parser().parsestr(archive.read(info).decode()).get_all("Requires-Dist") or ())
    return texts, requires


def _of_tar(data: Any) -> Archive:
    texts = {}
    with tarfile.open(fileobj=data) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if member.isfile() and _is_code(name) and member.size < MOST_FILE:
                taken = tar.extractfile(member)
                texts[name] = taken.read().decode("utf-8", "replace") if taken else ""
    return Archive(_from_top(texts), ())


def _is_code(name: str) -> bool:
    return name.endswith((".py", ".so", ".pyd")) and ".data/" not in name


def _from_top(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a source archive by their path among the packages."""
    inside = {name.partition("/")[2]: text for name, text in texts.items()}
    if any(name.startswith("src/") and name.count("/") == 2 for name in inside):
        inside = {name.removeprefix("src/"): text for name, text in inside.items() if name.startswith("src/")}
    return {name: text for name, text in inside.items() if name.partition("/")[0] != "setup.py"}


def read_release(name: str, version: Version, file: File, cache: Path) -> dict[str, Any]:
    """Return what one release of a package needs, from the cache or from its files."""
    kept = cache / f"{file.sha256}.needs.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    archive = read_archive(file)
    tree = Tree(archive.texts, archive.texts.get)
    starts = roots(tree, name)
    eager, run = needs(tree, starts)
    late = lazily(tree, run)
    found = {
        "version": str(version),
        "file": file.name,
        "roots": starts,
        "requires": archive.requires,
        "eager": eager,
        "lazy": {module: rows for module, rows in late.items() if rows},
    }
    write_atomically(kept, json.dumps(found).encode())
    return found


def release_of(found: Mapping[str, Any]) -> Release:
    """Make the value of what was kept."""
    requires = []
    for text in found["requires"]:
        try:
            need = Requirement(text)
        except InvalidRequirement:
            continue
        if "extra" not in str(need.marker or ""):
            requires.append(need)
    return Release(
        version=Version(found["version"]),
        file=found["file"],
        requires=tuple(requires),
        eager=tuple(Need(*each) for each in found["eager"]),
        lazy={module: tuple(Need(*each) for each in rows) for module, rows in found["lazy"].items()},
    )


def answer(file: File, questions: Sequence[tuple[str, str, bool]], cache: Path) -> dict[str, str | None]:
    """Return what a release of a target lacks of each thing that is asked for: see `Tree.lacks`."""
    kept = cache / f"{file.sha256}.answers.json"
    known: dict[str, str | None] = json.loads(kept.read_text()) if kept.exists() else {}
    new = [each for each in questions if key_of(*each) not in known]
    if new:
        texts = read_archive(file).texts
        tree = Tree(texts, texts.get)
        for module, name, attribute in new:
            top = module.partition(".")[0]
            # What a distribution brings no more (pkg_resources of setuptools) is missing as a whole.
            lacks = tree.lacks(module, name, attribute) if tree.kind(top) else top
            known[key_of(module, name, attribute)] = lacks
        write_atomically(kept, json.dumps(known).encode())
    return known


def key_of(module: str, name: str, attribute: bool) -> str:
    """Return the key of one question."""
    return f"{module}:{name}{'?' if attribute else ''}"


Answers = list[tuple[Version, dict[str, str | None]]]


def rows_of(releases: Sequence[Release], target: str, answers: Answers, today: date) -> list[Names]:
    """Return the rows of a package and a target; neighbouring releases with the same answer are one row."""
    found: list[Names] = []
    for release in releases:
        found += _rows(release, target, answers, today)
    merged: dict[tuple[Any, ...], Names] = {}
    order = [release.version for release in releases]
    for row in found:
        key = (row.module != "", row.lacks, row.what)
        before = merged.get(key)
        if before and order.index(Version(before.last)) + 1 == order.index(Version(row.first)):
            merged[key] = _joined(before, row)
        elif before:
            merged[(*key, row.first)] = before
            merged[key] = row
        else:
            merged[key] = row
    return sorted(merged.values(), key=lambda row: (Version(row.first), row.lacks, row.module))


def _joined(before: Names, row: Names) -> Names:
    return msgspec.structs.replace(row, versions=f"{before.first}..{row.last}")


def _rows(release: Release, target: str, answers: Answers, today: date) -> Iterator[Names]:
    """Yield a row for each run of releases of the target that lack something and that METADATA admits."""
    late = ((m, rows) for m, rows in sorted(release.lazy.items()) if _is_served(rows, release, target))
    said: set[Version] = set()
    for module, asked in (("", release.eager), *late):
        mine = [need for need in asked if OWNER.get(need.module.partition(".")[0]) == target]
        for run in _runs(release, target, mine, answers, said) if mine else ():
            said |= {answers[index][0] for index in run}
            yield _row(release, target, answers, (module, mine, run), today)


def _runs(
    release: Release, target: str, mine: Sequence[Need], answers: Answers, said: set[Version]
) -> Iterator[list[int]]:
    run: list[int] = []
    for index, (version, known) in enumerate(answers):
        if version not in said and release.admits(target, version) and _missing(mine, known):
            run.append(index)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _is_served(asked: Iterable[Need], release: Release, target: str) -> bool:
    """Tell whether a package requires all that a lazily imported module needs: else it may be optional."""
    tops = {need.module.partition(".")[0] for need in asked} - _NOT_THERE - set(TARGETS[target])
    required = {canonicalize_name(each.name) for each in release.requires}
    named = {canonicalize_name(OWNER.get(top, _OTHER_NAMES.get(top, top))) for top in tops}
    return named <= required


def _missing(mine: Sequence[Need], known: Mapping[str, str | None]) -> tuple[Need, str] | None:
    """Return the first thing that is missing: one that every Python reads before one in a signature."""
    ordered = sorted(mine, key=lambda need: need.annotation)
    for need in ordered:
        if what := known.get(key_of(need.module, need.name, need.attribute)):
            return need, what
    return None


def _row(
    release: Release,
    target: str,
    answers: Answers,
    lacking: tuple[str, Sequence[Need], list[int]],
    today: date,
) -> Names:
    """Return the row of one run: that which lost a name is the example, or the last that had none yet."""
    module, mine, run = lacking
    before, after = (answers[at][1] if 0 <= at < len(answers) else {} for at in (run[0] - 1, run[-1] + 1))
    lost, _ = _missing(mine, answers[run[0]][1]) or (mine[0], "")
    is_gone = before.get(key_of(lost.module, lost.name, lost.attribute)) == ""
    need, what = _missing(mine, answers[run[0 if is_gone else -1]][1]) or (mine[0], "")
    near = [
        answers[at][0]
        for at, known in ((run[0] - 1, before), (run[-1] + 1, after))
        if known and not _missing(mine, known) and release.admits(target, answers[at][0])
    ]
    return Names(
        target=target,
        versions=f"{release.version}..{release.version}",
        lacks=f"{answers[run[0]][0]}..{answers[run[-1]][0]}",
        gone=is_gone,
        newest=run[-1] + 1 == len(answers),
        what=what,
        at=f"{need.path}:{need.line}",
        module=module,
        signature=need.annotation,
        nearest=str(near[0]) if near else "",
        file=release.file,
        source="read",
        checked=today,
    )


@dataclass
class Measuring:
    """What was read so far: releases of packages, and answers of targets, oldest first."""

    cache: Path
    pool: ProcessPoolExecutor
    today: date
    read: dict[str, list[Release]] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    asked: dict[str, list[tuple[str, str, bool]]] = field(default_factory=dict)

    def rows(self, name: str) -> list[Names]:
        """Return the rows of a package."""
        targets = (each for each in sorted(self.answers) if each != name)
        return [
            row for each in targets for row in rows_of(self.read[name], each, self.answers[each], self.today)
        ]

    def begin(self, names: Sequence[str], targets: Iterable[str], most: int) -> None:
        """Read the last release of each minor version, and ask those of the targets."""
        with ThreadPoolExecutor(8) as pages:
            asked = {name: pages.submit(chosen, name, SINCE, most) for name in names}
        listed = []
        for name, each in asked.items():
            try:
                listed += [(name, *one) for one in each.result()]
            except _FAULTS as error:
                say(f"{name}: {error}")
        self._read(listed)
        every = {
            need
            for releases in self.read.values()
            for release in releases
            for need in (*release.eager, *(each for rows in release.lazy.values() for each in rows))
        }
        for target in targets:
            mine = (n for n in every if OWNER.get(n.module.partition(".")[0]) == target)
            self.asked[target] = sorted({(n.module, n.name, n.attribute) for n in mine})
        listed = [
            (each, *one)
            for each, asks in self.asked.items()
            if asks
            for one in chosen(each, TARGETS_SINCE, 200)
        ]
        self._answer(listed)

    def narrow(self) -> bool:
        """Read releases in the middle of what the ends of rows leave open; tell whether there were any."""
        packages, targets = set(), set()
        for name, releases in self.read.items():
            for row in self.rows(name):
                about = Version(row.first), Version(row.last)
                read = [each.version for each in releases]
                packages |= {(name, each) for each in open_ends(about, read, name)}
                known = [version for version, _ in self.answers[row.target]]
                between = open_ends(row.lacking, known, row.target)
                targets |= {(row.target, each) for each in between}
        say(f"between: {len(packages)} releases of packages, {len(targets)} of targets")
        self._read([(name, each, releases_of(name)[each][0]) for name, each in sorted(packages)])
        self._answer([(name, each, releases_of(name)[each][0]) for name, each in sorted(targets)])
        return bool(packages or targets)

    def _read(self, listed: Sequence[tuple[str, Version, File]]) -> None:
        jobs = [
            (name, self.pool.submit(read_release, name, version, file, self.cache))
            for name, version, file in listed
        ]
        for name, job in jobs:
            try:
                self.read.setdefault(name, []).append(release_of(job.result()))
            except _FAULTS as error:
                say(f"{name}: not read: {error}")
        for name in {name for name, _ in jobs} & self.read.keys():
            self.read[name].sort(key=lambda each: each.version)
            say(f"{name}: {len(self.read[name])} releases")

    def _answer(self, listed: Sequence[tuple[str, Version, File]]) -> None:
        jobs = [
            (name, version, self.pool.submit(answer, file, self.asked[name], self.cache))
            for name, version, file in listed
        ]
        for name, version, job in jobs:
            try:
                self.answers.setdefault(name, []).append((version, job.result()))
            except _FAULTS as error:
                say(f"{name} {version}: not read: {error}")
        for name in {name for name, _, _ in jobs} & self.answers.keys():
            self.answers[name].sort(key=lambda each: each[0])
            say(f"{name}: {len(self.answers[name])} releases answered")


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Measure, and write a file a package."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    parser.add_argument("--most", type=int, default=60, help="releases of each package (default 60)")
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=cache_folder(os.environ) / "names")
    parser.add_argument("--into", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)
    options.into.mkdir(parents=True, exist_ok=True)
    today = datetime.now(tz=UTC).date()
    names = [canonicalize_name(each) for each in options.packages]
    with ProcessPoolExecutor(options.jobs) as pool:
        found = Measuring(options.cache, pool, today)
        found.begin(names, options.target or TARGETS, options.most)
        for _ in range(MOST_ROUNDS):
            if not found.narrow():
                break
    for name, releases in found.read.items():
        if rows := found.rows(name):
            text = render(name, [each.version for each in releases], rows, today)
            write_atomically(options.into / f"{name}.toml", text.encode())
        say(f"{name}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
