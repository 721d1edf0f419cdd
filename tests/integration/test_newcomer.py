"""The five jobs of docs/house.md, done: a rule, a probe, a fact, an engine and a format that are not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcheck import report
from stackcheck.report.document import Document

ROOT = Path(__file__).parents[2]

PROBE = '''\
"""Which flavour of flash is here."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flash_stack.facts import FlashBuild

NAME = "flash_build"
GRADE = "static"


def run(params: "dict[str, object]") -> "FlashBuild":
    """Return what the machine says of flash."""
    return {"flavour": os.environ.get("FLASH_FLAVOUR", "plain"), "words": sorted(params)}
'''
FACTS = '''\
"""What the probe returns."""

from typing import List, TypedDict


class FlashBuild(TypedDict):
    """flavour: how flash was built."""

    flavour: str
    words: List[str]
'''
RULES = '''\
"""Rules about flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, failed, passed, rule

if TYPE_CHECKING:
    from flash_stack.facts import FlashBuild


@rule("FLASH301")
def flash_is_plain(flash_build: FlashBuild) -> Finding:
    """flash is the plain one.

    Source: the example of a newcomer (2026-11-30).
    Example: FLASH_FLAVOUR=odd.
    Fix: take the plain one.
    """
    flavour = flash_build["flavour"]
    if flavour == "plain":
        return passed("flash is the plain one.", found=flavour)
    return failed("flash is not the plain one.", expected="plain", found=flavour, hint="take the plain one.")
'''
POINTS = """\
[stackcheck.rules]
flash = flash_stack.rules

[stackcheck.probes]
flash_build = flash_stack.flash_build
"""


def install(folder: Path, files: dict[str, str], points: str, name: str = "flash-stack") -> Path:
    """Lay a package out as an installer does: its modules, and beside them what METADATA says of it."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(points)
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {"__init__.py": "", "flash_build.py": PROBE, "facts.py": FACTS, "rules.py": RULES}
    return install(tmp_path / "site", {f"flash_stack/{name}": text for name, text in files.items()}, POINTS)


def stackcheck(site: Path | str, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "PYTHONPATH": str(site),
        "XDG_CACHE_HOME": str(Path(site) / "cache"),
        **environ,
    }
    call = [sys.executable, "-m", "stackcheck", *args]
    return subprocess.run(call, env=variables, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_rule_of_another_package_is_found_and_explained(package: Path) -> None:
    done = stackcheck(package, "explain", "FLASH301")
    assert (done.returncode, done.stderr) == (0, "")
    assert "FLASH301: flash is the plain one" in done.stdout


@pytest.mark.parametrize(("flavour", "outcome"), [("plain", "PASS"), ("odd", "FAIL")])
def test_a_probe_of_another_package_travels_and_its_rule_judges_what_it_saw(
    package: Path, flavour: str, outcome: str
) -> None:
    done = stackcheck(package, "probe", "--here", "--format", "json", FLASH_FLAVOUR=flavour)
    (made,) = json.loads(done.stdout)["reports"]
    assert [each["outcome"] for each in made["verdicts"] if each["code"] == "FLASH301"] == [outcome]


def test_a_key_that_the_probe_does_not_return_is_an_error_of_types(package: Path) -> None:
    def typed() -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "-p", "flash_stack"]
        variables = {**os.environ, "MYPYPATH": f"{package}:{ROOT}:{ROOT / 'probes'}"}
        return subprocess.run(call, env=variables, capture_output=True, text=True, check=False, cwd=package)

    assert typed().returncode == 0, typed().stdout
    rules = package / "flash_stack" / "rules.py"
    rules.write_text(RULES.replace('flash_build["flavour"]', 'flash_build["flavor"]'))
    assert 'TypedDict "FlashBuild" has no key "flavor"' in typed().stdout


@pytest.mark.parametrize(
    ("files", "points", "said"),
    [
        (
            {"odd.py": "raise OSError('not today')\n"},
            "[stackcheck.rules]\nodd = odd\n",
            "the package odd-stack brings rules that cannot be loaded (odd): OSError: not today.",
        ),
        (
            {"odd.py": RULES.replace("flash_build", "flash_bild")},
            "[stackcheck.rules]\nodd = odd\n",
            "rule FLASH301 needs the fact 'flash_bild', which nobody provides.",
        ),
        (
            {"odd.py": PROBE},
            "[stackcheck.probes]\ntorch_build = odd\n",
            "the package odd-stack brings a probe 'torch_build', and that name is taken.",
        ),
        (
            {"odd.py": PROBE},
            "[stackcheck.probes]\nodd = odd\n",
            "it must state NAME = 'odd', a GRADE (static, import, gpu), and run(params).",
        ),
        (
            {"odd.py": PROBE.replace("GRADE =", "match NAME:\n    case 1:\n        pass\nGRADE =")},
            "[stackcheck.probes]\nflash_build = odd\n",
            "SyntaxError",
        ),
        ({}, "[stackcheck.probes]\nodd = nowhere\n", "that cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_package_is_said_without_a_traceback(
    tmp_path: Path, files: dict[str, str], points: str, said: str
) -> None:
    site = install(tmp_path / "site", files, points, "odd-stack")
    done = stackcheck(site, "explain")  # one code of ours imports no other package
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fact_of_ones_own_is_known_at_once(tmp_path: Path) -> None:
    own = tmp_path / "knowledge"
    (own / "told").mkdir(parents=True)
    (own / "told" / "gpus.toml").write_text(
        'checked = 2026-11-30\n\n[[nvidia]]\nname = "Newcomer 1"\ncapability = "8.9"\narch = "Ada"\n'
        'kind = "workstation"\nsource = "a data sheet, 2026-11-30"\n'
    )
    (tmp_path / "mine.toml").write_text(
        '[[stack]]\nid = "mine"\npython = "3.11"\ngpus = ["Newcomer 1"]\npackages = { torch = "2.5.0" }\n'
    )
    call = ("check", str(tmp_path / "mine.toml"), "--offline", "--format", "json")
    without, with_it = stackcheck(tmp_path, *call), stackcheck(tmp_path, *call, STACKCHECK_KNOWLEDGE=str(own))
    assert "no GPU named 'Newcomer 1' is known" in without.stderr
    codes = {each["code"]: each for each in json.loads(with_it.stdout)["reports"][0]["verdicts"]}
    assert codes["ARCH101"]["outcome"] == "PASS"


def test_an_engine_of_another_package_is_found(tmp_path: Path) -> None:
    example = (ROOT / "tests" / "contract" / "example_engine.py").read_text(encoding="utf-8")
    points = "[stackcheck.engines]\nbare = bare_engine:BareEngine\n"
    site = install(tmp_path / "site", {"bare_engine.py": example}, points, "bare-engine")
    code = (
        "from stackcheck.targets.registry import engine_class, names;"
        "print(names()[-1], engine_class('bare').__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("bare bare_engine\n", "")


def test_a_format_is_a_module_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "count.py").write_text(
        "def render_count(document):\n    return f'{len(document.sections)} sections\\n'\n", encoding="utf-8"
    )
    monkeypatch.setattr("stackcheck.report.__path__", [*report.__path__, str(tmp_path)])
    monkeypatch.setitem(report._RENDERERS, "count", "count:render_count")
    assert report.render_document(Document(()), "count") == "0 sections\n"
