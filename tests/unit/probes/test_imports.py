"""Names that Python files import from each other: what is needed for certain, and what is missing for certain."""

from collections.abc import Mapping

import pytest

from stackcheck_probes.imports.needs import lazily, needs, roots
from stackcheck_probes.imports.source import Use, read_source
from stackcheck_probes.imports.tree import Tree


def tree(files: Mapping[str, str]) -> Tree:
    return Tree(files, files.get)


def uses(text: str, module: str = "pkg.a") -> list[tuple[str, str]]:
    found = read_source(text, module, is_package=False)
    assert found is not None
    return [(each.module, each.name) for each in found.uses]


def missing(target: Mapping[str, str], module: str, name: str = "", *, attribute: bool = False) -> str | None:
    return tree(target).lacks(module, name, attribute)


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    from hub import gone\nexcept ImportError:\n    gone = None",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hub import gone",
        "import sys\nif sys.version_info > (3, 8):\n    from hub import gone",
        "def f():\n    from hub import gone",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    from hub import gone",
        "from lazy import try_import\nwith try_import() as found:\n    from hub import gone",
        "for each in []:\n    from hub import gone",
        "raise ImportError\nfrom hub import gone",
    ],
)
def test_what_may_not_run_needs_nothing(text: str) -> None:
    assert "hub" not in {module for module, _ in uses(text)}


@pytest.mark.parametrize(
    "text",
    [
        "from hub import gone",
        "class A:\n    from hub import gone",
        "import warnings\nwith warnings.catch_warnings():\n    from hub import gone",
        "try:\n    from hub import gone\nfinally:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    from hub import gone",
        "import typing\nif not typing.TYPE_CHECKING:\n    from hub import gone",
        "import hub\nx = hub.gone",
        "import hub\n@hub.gone\ndef f(): ...",
        "import hub\nclass A(hub.gone): ...",
        "import hub\ndef f(x=hub.gone): ...",
    ],
)
def test_what_always_runs_needs_its_names(text: str) -> None:
    assert ("hub", "gone") in uses(text)


@pytest.mark.parametrize(
    "text",
    [
        "import hub\nx = lambda: hub.gone",
        "import hub\nx = hasattr(hub, 'gone') and hub.gone",
        "import hub\nx = hub.gone if hub else None",
        "import hub\nx = [hub.gone for _ in ()]",
        "import hub\nhub = None\nx = hub.gone",
        "try:\n    import hub\nexcept ImportError:\n    hub = None\nx = hub.gone",
        "import hub\nhub.gone = 1",
    ],
)
def test_an_attribute_that_may_not_be_read_is_not_needed(text: str) -> None:
    assert ("hub", "gone") not in uses(text)


def test_annotations_are_told_apart_and_left_out_where_they_are_deferred() -> None:
    found = read_source("import hub\ndef f() -> hub.Meta: ...", "pkg", is_package=False)
    assert found is not None
    assert found.uses[-1] == Use("hub", "Meta", 2, attribute=True, annotation=True)
    assert ("hub", "Meta") not in uses(
        "from __future__ import annotations\nimport hub\ndef f() -> hub.Meta: ..."
    )


def test_relative_imports_are_resolved_against_the_package() -> None:
    assert uses("from . import b\nfrom ..c import d", "pkg.sub.a") == [("pkg.sub", "b"), ("pkg.c", "d")]
    assert uses("from ....x import y", "pkg.a") == []


def test_the_modules_that_a_package_imports_itself_are_followed_with_their_lines() -> None:
    files = {
        "pkg/__init__.py": "from .utils import thing",
        "pkg/utils/__init__.py": "\nfrom .hub_utils import thing",
        "pkg/utils/hub_utils.py": "import os\n\nfrom hub import gone\nthing = 1",
        "pkg/other.py": "from hub import other",
    }
    found, run = needs(tree(files), ["pkg"])
    assert [(each.module, each.name, each.path, each.line) for each in found if each.module == "hub"] == [
        ("hub", "gone", "pkg/utils/hub_utils.py", 3)
    ]
    assert run == {"pkg", "pkg.utils", "pkg.utils.hub_utils"}


def test_a_submodule_runs_where_it_is_imported_as_a_name() -> None:
    files = {"pkg/__init__.py": "from . import a", "pkg/a.py": "from hub import gone"}
    assert needs(tree(files), ["pkg"])[0][0].name == "gone"


def test_what_is_reached_lazily_is_told_apart_and_followed_through_lazy_packages() -> None:
    lazy = "import sys\n_import_structure = {'models': ['M']}\nsys.modules[__name__] = _LazyModule(__name__, _import_structure)"
    files = {
        "pkg/__init__.py": lazy,
        "pkg/models/__init__.py": lazy.replace("models", "bert"),
        "pkg/models/bert.py": "from hub import gone",
        "pkg/never.py": "from hub import other",
    }
    tree_ = tree(files)
    found, run = needs(tree_, ["pkg"])
    assert [each for each in found if each.module == "hub"] == []
    late = lazily(tree_, run)
    assert [each.name for each in late["pkg.models.bert"]] == ["gone"]
    assert "pkg.never" not in late


@pytest.mark.parametrize(
    ("dist", "paths", "found"),
    [
        ("open-clip-torch", ["open_clip/__init__.py", "tests/__init__.py"], ["open_clip"]),
        ("pyannote-audio", ["pyannote/audio/__init__.py", "pyannote/other.py"], ["pyannote.audio"]),
        ("TTS", ["TTS/__init__.py", "extra/__init__.py"], ["TTS"]),
        ("single", ["single.py"], ["single"]),
    ],
)
def test_the_modules_that_stand_for_a_distribution(dist: str, paths: list[str], found: list[str]) -> None:
    assert roots(Tree(paths, lambda _: ""), dist) == found


HUB = {
    "hub/__init__.py": "from .a import *\nfrom .b import seven as eight\nimport os.path\n",
    "hub/a.py": "def one(): ...\nclass Two: ...\nthree: int = 3\nfor four in (): pass\nif 1:\n    five = 5\n",
    "hub/b.py": "seven = 7\ndef f():\n    global made\n    made = 1\n",
}


@pytest.mark.parametrize("name", ["one", "Two", "three", "four", "five", "eight", "os", "a", "b", "*", ""])
def test_a_name_that_may_be_bound_is_there(name: str) -> None:
    assert missing(HUB, "hub", name) == ""


def test_a_name_that_nothing_binds_is_missing() -> None:
    assert missing(HUB, "hub", "seven") == "hub:seven"
    assert missing(HUB, "hub.b", "made") == ""
    assert missing(HUB, "hub.c") == "hub.c"
    assert missing(HUB, "hub.c", "x") == "hub.c"
    assert missing(HUB, "hub", "gone.deep", attribute=True) == "hub:gone"
    assert missing(HUB, "hub", "a.gone", attribute=True) == "hub.a:gone"


def test_an_attribute_that_is_mentioned_anywhere_may_have_been_put_there() -> None:
    patched = {**HUB, "hub/patch.py": "import hub\nhub.gone = 1"}
    assert missing(patched, "hub", "gone", attribute=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "from outside import *",
        "from ._C import *",
        "def __getattr__(name):\n    return getattr(gone, name)",
        "globals()['go' + 'ne'] = gone",
        "exec('x = 1')  # gone",
        "import sys\nsys.modules[__name__] = Made()  # gone",
        "__getattr__ = make(gone)",
        "_names = {'gone': 1}\n_names.update(more)\ndef __getattr__(name):\n    if name in _names: return 1\n    raise AttributeError",
        "def __getattr__(name):\n    if name == 'gone': return 1\n    return find(name)",
        "from .computed import define_import_structure\nx = define_import_structure(1)  # gone",
        "from a import",
    ],
)
def test_nothing_is_said_of_a_module_that_is_open(text: str) -> None:
    assert missing({"hub/__init__.py": text, "hub/_C.cpython-311.so": ""}, "hub", "gone") is None


@pytest.mark.parametrize(
    "text",
    [
        "def __getattr__(name):\n    if name == 'old': return 1\n    raise AttributeError",
        "_names = {'old': 1}\ndef __getattr__(name):\n    if name in _names:\n        return _names[name]\n    raise AttributeError",
        "_names = {'old': 1}\ndef __getattr__(name):\n    if name not in _names:\n        raise AttributeError\n    return _names[name]",
        "_names = {'old': 1}\ndef __getattr__(name):\n    found = _names.get(name)\n    if found is not None: return found()\n    raise AttributeError",
        "_names = {'old': 1}\ndef __getattr__(name):\n    try:\n        found = _names[name]\n    except KeyError:\n        raise AttributeError\n    return found",
        "import sys\nsys.modules[__name__] = _LazyModule(__name__, {'a': ['old']})",
        "__getattr__, __dir__, __all__ = _attach(__name__, submod_attrs={'a': ['old']})",
        "import importlib\ndef _attach(package, names):\n    def __getattr__(name): return importlib.import_module(name)\n    return __getattr__\n__getattr__ = _attach(__name__, {'a': ['old']})",
    ],
)
def test_a_module_that_makes_its_names_out_of_what_is_written_there_is_known(text: str) -> None:
    assert missing({"hub/__init__.py": text}, "hub", "gone") == "hub:gone"


def test_a_name_in_the_texts_of_a_lazy_module_may_be_served() -> None:
    lazy = {"hub/__init__.py": "import sys\nsys.modules[__name__] = _LazyModule(__name__, {'a': ['old']})"}
    assert missing(lazy, "hub", "old") is None


def test_a_module_that_another_one_may_name_anew_is_not_called_missing() -> None:
    aliased = {"six.py": "import sys\nsys.modules[__name__ + '.moves'] = 1"}
    assert missing(aliased, "six.moves") is None
    assert missing({"hub/__init__.py": "", "hub/_C.so": ""}, "hub._C.inner") is None
    assert missing({}, "absent.module") is None


def test_stars_that_import_each_other_end() -> None:
    assert (
        missing({"a/__init__.py": "from .b import *", "a/b.py": "from a import *"}, "a", "gone") == "a:gone"
    )
