"""What the commands of a build leave: packages in the order of their installs, and what took whose place.

Of two installs of one package the later one stays, unless it is content with the first. Nothing is run and
nothing is fetched; files of the build context are read.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.intake import conda, projects
from stackcheck.intake.clones import clone_of, is_own
from stackcheck.intake.installs import Install, install_of, interpreter_of, venv_of
from stackcheck.intake.merging import LINUX, one_of
from stackcheck.intake.requirements import included, read_lines
from stackcheck.intake.shell import commands
from stackcheck.intake.stated import Open, Place, Stated
from stackcheck.model.redact import without_userinfo
from stackcheck.model.versions import LATEST
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_LONGEST = 300
"""Lines that one instruction may have; a word is looked for in no more of them."""
_INSTRUCTION = re.compile(r"\s*(?:FROM|RUN|COPY|ADD|ENV|ARG|CMD|WORKDIR|USER|LABEL|ENTRYPOINT)\s")
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|z)?sh")
_INLINE = re.compile(r"-[a-z]*c")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?=$|[\[=<>~!@ ])")
_CONDAS_OWN = re.compile(r"(?i)(?:mini|ana)(?:conda|forge)|mambaforge")
"""Installers of conda: scripts that are fetched, and that bring no torch."""
_PYTHON_OF_CONDA = re.compile(r"(?:[\w-]+::)?python(?:$|[=<>~! ])")
_TORCH = "packages.torch"
_BUILD_OF_VARIABLE = re.compile(r"(?P<plain>(?P<name>[\w.-]+)(?:\[[\w,]+\])?==\d[\w.]*)\+[\w.]*\$.*")
"""A pin of which a variable says the local version: torch==2.1.2+cu${CUDA}."""


@dataclass
class Left:
    """What the commands so far have left: distributions by key, other statements, and what is open."""

    packages: dict[str, Stated] = field(default_factory=dict)
    others: list[Stated] = field(default_factory=list)
    open: list[Open] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    """Files of the context that were read."""
    python: list[Stated] = field(default_factory=list)
    """The interpreter that the last install names, as `python3.10 -m pip` and a conda environment do."""
    folders: set[str] = field(default_factory=set)
    """Where environments were made and packages were put, besides the places of the image."""
    cloned: dict[str, str] = field(default_factory=dict)
    """Folders that `git clone` made, and the address of each; "" for the project at hand itself."""
    own: set[str] = field(default_factory=set)
    """Keys of the projects of the context that were installed: what requires them asks no index."""

    def copy(self) -> Left:
        """Return what a stage that is built on this one begins with."""
        return Left(
            dict(self.packages),
            list(self.others),
            list(self.open),
            list(self.reads),
            list(self.python),
            set(self.folders),
            dict(self.cloned),
            set(self.own),
        )

    def add(self, other: Left) -> None:
        """Take over what another stage has installed: its environment is copied whole."""
        self.packages.update(other.packages)
        self.others += [each for each in other.others if each not in self.others]
        self.open += [each for each in other.open if each not in self.open]
        self.reads += other.reads
        self.python = other.python or self.python
        self.folders |= other.folders
        self.own |= other.own

    def said(self) -> list[Stated | Open]:
        """Return all of it: what is stated, and what is open."""
        found: list[Stated | Open] = [*self.statements()]
        return found + self.open

    def statements(self) -> Iterator[Stated]:
        """Yield what is left, without what only this module asks."""
        yield from self.others
        yield from self.python
        for each in self.packages.values():
            if each.key in self.own - {_TORCH} and not {"git", "url", "path"} & each.value.keys():
                continue
            row = {key: value for key, value in each.value.items() if not key.startswith("_")}
            yield Stated(each.key, row, each.place)
            if each.value.get("_unisolated"):
                yield Stated("no_build_isolation", each.key.removeprefix("packages."), each.place)


@dataclass(frozen=True, slots=True)
class Here:
    """Where commands stand: in a file, and among what their stage has copied out of the context.

    `raw` are the lines of the file `shown`, `line` is the one that they begin on. `copied` are pairs of a
    path in the image and the one in the context that it comes from; what is read there is added to `reads`.
    `brought` is the torch of the base image, `cloned` are the folders that `git clone` has made so far.
    """

    raw: Sequence[str]
    shown: str
    line: int
    context: Path
    context_shown: str = ""
    workdir: str = "/"
    copied: Sequence[tuple[str, str]] = ()
    reads: list[str] = field(default_factory=list)
    brought: Stated | None = None
    cloned: Mapping[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    """Keys of the projects of the context that are installed, as `left` has them."""

    def place(self, word: str) -> Place:
        """Return the line of the instruction that holds a word; its first line when none does.

        A requirement whose version came from a variable is found by its name.
        """
        name = _NAME.match(word)
        named = re.compile(rf"(?<![\w.-]){re.escape(name[0])}(?![\w.-])") if name else None
        close = 0
        for number in range(self.line, min(len(self.raw), self.line + _LONGEST) + 1):
            text = self.raw[number - 1]
            if word and word in text:
                return Place(self.shown, number)
            if named and not close and not text.lstrip().startswith("#") and named.search(text):
                close = number
            if number > self.line and _INSTRUCTION.match(text):
                break
        return Place(self.shown, close or self.line)

    def in_context(self, name: str) -> str | None:
        """Return the file of the context that a name in the image leads to, None when none is known to."""
        inside = posixpath.normpath(posixpath.join(self.workdir, name))
        own = [(folder, ".") for folder, address in self.cloned.items() if not address]
        for target, word in reversed([*own, *self.copied]):
            folder = target.rstrip("/") + "/"
            near = word if inside == target else None
            if inside.startswith(folder):
                near = posixpath.join(word, inside.removeprefix(folder))
            if near is not None and (self.context / near.lstrip("/")).is_file():
                return posixpath.normpath(near.lstrip("/"))
        return None

    def clone_at(self, name: str) -> str:
        """Return the address of the clone that a name in the image leads into; "" for none."""
        inside = posixpath.normpath(posixpath.join(self.workdir, name))
        return next(
            (address for folder, address in self.cloned.items() if f"{inside}/".startswith(f"{folder}/")), ""
        )

    def named(self, near: str) -> str:
        """Return a file of the context as the user would name it."""
        return posixpath.normpath(posixpath.join(self.context_shown, near))


def run_script(script: str, known: Mapping[str, str], here: Here, left: Left, *, inner: bool = False) -> None:
    """Read the commands of a script and change what is left as they would; `inner`: it is called by another.

    Raises UsageError when a file of the context cannot be read.
    """
    for command in commands(script, known):
        words = list(command.words)
        called, install = _called(words), install_of(words)
        if words[0] == "cd" and len(words) > 1:
            here = replace(here, workdir=posixpath.join(here.workdir, words[1]))
        elif clone := clone_of(words):
            address, folder = clone
            own = is_own(address, here.context)
            left.cloned[posixpath.normpath(posixpath.join(here.workdir, folder))] = "" if own else address
        elif made := venv_of(words):
            left.folders.add(posixpath.normpath(posixpath.join(here.workdir, made)))
        elif install is None and called is None:
            continue
        elif not command.certain:
            text = f"{' '.join(words)[:80]!r} stands behind a condition that the file does not answer"
            left.open.append(Open(f"{text}, so it was not read.", here.place(_telling(words))))
        elif install is not None:
            left.python = _interpreter(interpreter_of(words), here) or left.python
            _install(install, replace(here, cloned=left.cloned, own=left.own), left)
        elif called is not None:
            name, is_text = called
            if is_text:
                run_script(name, known, here, left, inner=inner)
            else:
                _call(name, known, here, left, inner=inner)


def _interpreter(named: str, here: Here) -> list[Stated]:
    """Return what a command says of Python that names its interpreter: `python3.10`, or a version alone."""
    match = re.search(r"(\d\.\d+)(?:\.\d+)?$", named)
    if match is None:
        return []
    said = [Stated("python", match[1], here.place(named))]
    program = re.fullmatch(r"python\d\.\d+", posixpath.basename(named))
    return [*said, Stated("image.python", named, here.place(named))] if program else said


def _telling(words: Sequence[str]) -> str:
    """Return the word of a command that its line is found by."""
    plain = [word for word in words[1:] if not word.startswith("-") and word != "install"]
    return max(plain, key=len, default=words[0])


def _called(words: Sequence[str]) -> tuple[str, bool] | None:
    """Return the script that a command calls, and whether it is the text itself; None for no script."""
    if words[0].endswith(".sh"):
        return words[0], False
    if words[0] not in {"source", "."} and not _SHELL.fullmatch(words[0]):
        return None
    inline = next((n for n, word in enumerate(words) if n and _INLINE.fullmatch(word)), 0)
    if inline and len(words) > inline + 1:
        return words[inline + 1], True
    name = next((word for word in words[1:] if not word.startswith("-")), "")
    return (name, False) if name.endswith(".sh") else None


def _call(name: str, known: Mapping[str, str], here: Here, left: Left, *, inner: bool) -> None:
    near = here.in_context(name)
    if near is not None and not inner:
        text = read_text(here.context / near)
        here.reads.append(here.named(near))
        there = replace(here, raw=text.split("\n"), shown=here.named(near), line=1)
        run_script(text, known, there, left, inner=True)
    elif not _CONDAS_OWN.search(name):
        why = "is called by a script" if near else "is not among the files of the build context"
        left.open.append(Open(f"{name[:80]} {why}, so it was not read.", here.place(name)))


def _install(install: Install, here: Here, left: Left) -> None:
    before = left.packages.get(_TORCH) or here.brought
    said = list(_of_install(install, here))
    left.folders |= set(_places(install, here))
    pythons = [each for each in said if isinstance(each, Stated) and each.key == "python"]
    if install.tool == "conda" and pythons:  # an environment of conda has an interpreter of its own
        left.python = [pythons[-1], Stated("image.python", "python", pythons[-1].place)]
        said = [each for each in said if each not in pythons]
    elif install.tool == "conda" and (named := next(filter(_PYTHON_OF_CONDA.match, install.names), "")):
        left.python = [Stated("image.python", "python", here.place(named))]
    if install.tool == "mim":
        said = [one for each in said for one in _from_page(each, before)]
    for each in _together(said, left) if install.tool == "pip" else said:
        _take(each, left, here.brought)
    stated = [each for each in said if isinstance(each, Stated)]
    if before is not None and install.tool in {"pip", "mim"} and not {"--no-deps"} & install.flags:
        alone = not any(each.key in {_TORCH, "constraints"} for each in stated)
        if alone and "constraint" not in install.options:
            _pulled(before, stated, left)


def _together(said: Sequence[Stated | Open], left: Left) -> Iterator[Stated | Open]:
    """Yield what one call of pip states: it keeps nothing that the torch of the same call does not suit."""
    torch = next((each for each in said if isinstance(each, Stated) and each.key == _TORCH), None)
    have = _version_of(torch) if torch is not None else None
    for each in said:
        old = left.packages.get(each.key) if isinstance(each, Stated) and have is not None else None
        wanted = _needs_of_torch(old) if old is not None and each is not torch else None
        if have is None or wanted is None or wanted.contains(have.public, prereleases=True):
            yield each
        elif isinstance(each, Stated):
            left.packages.pop(each.key, None)  # as much as said: torch takes the place of another
            yield each


def _places(install: Install, here: Here) -> Iterator[str]:
    """Yield the folders that an install puts packages into, besides those of the image."""
    for folder in install.options.get("into", ()):
        yield posixpath.normpath(posixpath.join(here.workdir, folder))
    if install.tool == "uv":
        project = (install.options.get("folder") or (".",))[0]
        yield posixpath.normpath(posixpath.join(here.workdir, project, ".venv"))


_TAG = re.compile(r"/(cu\d+|cpu)/?$")


def _from_page(each: Stated | Open, torch: Stated | None) -> Iterator[Stated | Open]:
    """Yield an mmcv that mim installs with the page that mim chooses by the torch that is there.

    Source: mim/commands/install.py of openmim 0.3.9, https://pypi.org/project/openmim/0.3.9/.
    """
    mmcv = isinstance(each, Stated) and each.key in {"packages.mmcv", "packages.mmcv-full"}
    if isinstance(each, Open) or not mmcv or {"git", "url", "path", "find_links"} & each.value.keys():
        yield each
        return
    version = _version_of(torch) if torch is not None else None
    tag = _tag_of(version, str(torch.value.get("index", ""))) if torch is not None and version else ""
    if version is None or not tag:
        yield each
        text = "mim takes mmcv from a page for the torch that is there, which the file does not say."
        yield Open(text, each.place)
        return
    url = f"https://download.openmmlab.com/mmcv/dist/{tag}/torch{version.major}.{version.minor}.0/index.html"
    yield Stated(each.key, {**each.value, "find_links": url}, each.place)


def _tag_of(torch: Version, index: str) -> str:
    """Return the tag of the torch that an install took: by its version, its index, or what PyPI has."""
    match = _TAG.search(index)
    if torch.local or match:
        return torch.local or (match[1] if match else "")
    from stackcheck.knowledge import torch as torches  # noqa: PLC0415 - few files install by mim

    release = torches.load().release(torch)
    flavor = release.pypi.get("linux/amd64", "") if release else ""
    return f"cu{flavor.replace('.', '')}" if flavor[:1].isdigit() else flavor


def _pulled(before: Stated, stated: Sequence[Stated], left: Left) -> None:
    """Find what an install takes torch along for: a release that requires another torch than is there."""
    have = _version_of(before)
    for each in stated:
        wanted = _needs_of_torch(each)
        if have is None or wanted is None or wanted.contains(have.public, prereleases=True):
            continue
        name, pins = each.key.removeprefix("packages."), [one for one in wanted if one.operator == "=="]
        version = pins[0].version if len(wanted) == 1 and pins and "*" not in pins[0].version else str(wanted)
        row = {"version": version, **({"index": each.value["index"]} if "index" in each.value else {})}
        left.packages[_TORCH] = Stated(_TORCH, row, each.place)
        text = f"{name} {each.value['version']} requires torch{wanted}"
        text += f": it takes the place of torch {have} of {before.place}."
        left.open.append(Open(text, each.place, "replaced"))
        return


def _version_of(each: Stated) -> Version | None:
    try:
        return Version(str(each.value.get("version")))
    except InvalidVersion:
        return None


def _needs_of_torch(each: Stated) -> SpecifierSet | None:
    """Return what a pinned release requires of torch, by its wheel; None when that was not measured."""
    version = _version_of(each) if each.key.startswith("packages.") else None
    if version is None or {"git", "url", "path"} & each.value.keys():
        return None
    from stackcheck.knowledge import measured  # noqa: PLC0415 - few files install beside a torch

    row = measured.load().row(each.key.removeprefix("packages."), version)
    needs = [one for one in (row.required("torch") if row else ()) if one.marker is None]
    return needs[0].specifier if len(needs) == 1 and needs[0].specifier else None


def _of_install(install: Install, here: Here) -> Iterator[Stated | Open]:
    """Yield what one install command states."""
    if install.tool == "conda":
        for name in install.names:
            yield from conda.spec(name, here.place(name))
        for name in install.options.get("requirement", ()):
            yield from _of_conda(name, here)
        return
    if install.tool == "setup.py":
        found = _project(posixpath.dirname(install.names[0]) or ".", projects.Chosen(locked=False), here)
        text = f"{install.names[0]} is run to install what it says, so what that is was not read."
        yield from found if found is not None else (_unfetched(install.names[0], here, text),)
        return
    if install.tool not in {"pip", "mim"}:
        yield from _of_project(install, here)
        return
    for name in (*install.names, *install.options.get("editable", ())):
        yield from (_with_options(each, install) for each in _named(name, install, here))
    for key, target in (("requirement", "-r"), ("constraint", "-c")):
        for name in install.options.get(key, ()):
            yield from (_with_options(each, install) for each in _file(target, name, here))
    for key, target in (("extra", "index.extra"), ("find_links", "index.find_links")):
        yield from (_address(target, url, here) for url in install.options.get(key, ()))


def _address(target: str, url: str, here: Here) -> Stated | Open:
    if "$" in url:
        return Open(f"the address {url[:120]} holds a variable that is not known here.", here.place(url))
    return Stated(target, url, here.place(url))


def _of_conda(name: str, here: Here) -> Iterator[Stated | Open]:
    near = here.in_context(name)
    if near is None:
        yield _not_there(name, here)
        return
    here.reads.append(here.named(near))
    found = conda.read_environment(read_text(here.context / near), here.named(near), here.context)
    yield from found.stated
    yield from found.open


def _of_project(install: Install, here: Here) -> Iterator[Stated | Open]:
    """Yield what `uv sync` and its like install: the project of the folder, as its lock has it."""
    folder = (install.options.get("folder") or (".",))[0]
    chosen = projects.Chosen(
        install.options.get("extra", ()),
        (*install.options.get("group", ()), *install.options.get("only", ())),
        all_extras=bool({"--all-extras", "-a"} & install.flags),
        locked=True,
    )
    found = _project(folder, chosen, here)
    if found is None:
        yield Open(
            f"{install.tool} installs a project that is not in the build context, so it was not read.",
            here.place(install.tool),
        )
        return
    yield from found


def _project(folder: str, chosen: projects.Chosen, here: Here) -> list[Stated | Open] | None:
    """Return what the project in a folder of the image states; None when none is known to lie there."""
    for name in projects.FILES:
        near = here.in_context(posixpath.join(folder, name))
        if near is not None:
            return _read_project(posixpath.dirname(near), chosen, here)
    return None


def _read_project(folder: str, chosen: projects.Chosen, here: Here) -> list[Stated | Open]:
    found = projects.read(here.context / folder, here.named(folder), chosen)
    here.own.add(f"packages.{projects.name_of(here.context / folder)}")
    here.reads.extend(found.reads)
    return [*found.stated, *found.open]


def _named(name: str, install: Install, here: Here) -> Iterator[Stated | Open]:
    place = here.place(name)
    if match := _BUILD_OF_VARIABLE.fullmatch(name):
        text = f"which build of {match['name']} {name!r} names hangs on a variable that is not known here."
        yield Open(text, place)
        name = match["plain"]
    if "$" in name:
        yield Open(f"{name!r} holds a variable that is not known here, so it was not read.", place)
        return
    if re.search(r"[*?]", name) and ("/" in name or name.endswith((".whl", ".gz"))):
        yield Open(f"which files {name} means is known when the image is built, so it was not read.", place)
        return
    path, _, extras = name.removesuffix("]").partition("[")
    local = path in {".", ".."} or path.startswith(("./", "../", "/"))
    local = local or (name in install.options.get("editable", ()) and "://" not in name)
    chosen = projects.Chosen(tuple(re.split(r"[\s,]+", extras)) if extras else (), locked=False)
    found = _project(path, chosen, here) if local and not path.endswith((".whl", ".gz", ".zip")) else None
    if found is not None:
        yield from found
        return
    if local and here.clone_at(path):
        yield _unfetched(path, here, "")
        return
    text = f"-e {name}" if name in install.options.get("editable", ()) else name
    yield from read_lines(text, here.shown, place.line, here.context)


def _with_options(each: Stated | Open, install: Install) -> Stated | Open:
    """Return a statement with what the options of its call say: its index is that of its packages alone."""
    if isinstance(each, Open) or not each.key.startswith("packages."):
        return each
    row = dict(each.value)
    index = [url for url in install.options.get("index", ()) if "$" not in url]
    if index and not {"git", "url", "path"} & row.keys():
        row.setdefault("index", index[-1])
    if "--no-build-isolation" in install.flags:
        row["_unisolated"] = True
    if install.flags & {"--force-reinstall", "--upgrade", "-U", "--ignore-installed", "-I", "--reinstall"}:
        row["_again"] = True
    return Stated(each.key, row, each.place)


def _file(target: str, name: str, here: Here) -> Iterator[Stated | Open]:
    near = here.in_context(name)
    if near is None:
        yield _not_there(name, here)
    elif posixpath.basename(near) in projects.FILES:
        yield from _read_project(posixpath.dirname(near), projects.Chosen(locked=False), here)
    else:
        here.reads.append(here.named(near))
        yield from included(Stated(target, near, here.place(name)), here.context, here.named("-"))


def _not_there(name: str, here: Here) -> Open:
    return _unfetched(name, here, f"{name} is not among the files of the build context, so it was not read.")


def _unfetched(name: str, here: Here, otherwise: str) -> Open:
    """Say that something lies in a clone, which nobody fetches here; or else what is known of it."""
    address = without_userinfo(here.clone_at(name))
    text = f"{name} lies in a clone of {address}, which is not fetched here, so it was not read."
    return Open(text if address else otherwise, here.place(name))


def _take(said: Stated | Open, left: Left, brought: Stated | None) -> None:
    if isinstance(said, Open):
        left.open.append(said)
    elif not said.key.startswith("packages."):
        left.others.append(said)
    else:
        old = left.packages.get(said.key) or (brought if said.key == _TORCH else None)
        which = one_of(old.value, said.value, _python_of(left), LINUX) if old is not None else ""
        if which:
            left.packages[said.key] = said if which == "new" or old is None else old
        elif old is None or not _content(said, old):
            if old is not None and _origin(old) != _origin(said):
                left.open.append(_replaced(old, said))
            left.packages[said.key] = said


def _python_of(left: Left) -> str | None:
    return next((str(each.value) for each in left.python if each.key == "python"), None)


def _origin(each: Stated) -> list[object]:
    return [each.value.get(key) for key in ("version", "index", "git", "url", "path")]


def _replaced(old: Stated, new: Stated) -> Open:
    """Say which install takes the place of which; where the versions are the same, from where they come."""
    first, second = (str(each.value.get("version", LATEST)) for each in (old, new))
    if first == second:
        origins = [
            next((str(one) for one in _origin(each)[1:] if one), "the default index") for each in (old, new)
        ]
        first, second = f"that from {origins[0]}", f"{second} from {origins[1]}"
    name = new.key.removeprefix("packages.")
    return Open(f"{name} {second} takes the place of {first} of {old.place}.", new.place, "replaced")


def _content(new: Stated, old: Stated) -> bool:
    """Tell whether an install leaves what is there: pip keeps a version that a requirement takes."""
    wanted = new.value.get("version", LATEST)
    if new.value.get("_again") or {"git", "url", "path"} & new.value.keys():
        return False
    if wanted == LATEST:
        return True
    have = _version_of(old)
    try:
        exact = re.match(r"\d", wanted)
        return have is not None and have in SpecifierSet(f"=={wanted}" if exact else wanted, prereleases=True)
    except InvalidSpecifier:
        return False
