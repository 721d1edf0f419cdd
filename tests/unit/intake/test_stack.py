"""Definitions: what a file of `matrices/` may say, and every fault of it at once."""

from pathlib import Path

import pytest

from stackcheck.intake import catalog
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import DefinitionError, UsageError
from stackcheck_probes.binaries.capability import Capability

SHIPPED = Path(__file__).parents[3] / "matrices"


def faults(text: str) -> list[str]:
    return catalog.load_text(text, file="m.toml")[1]


def one(text: str) -> Stack:
    stacks, wrong = catalog.load_text(text, file="m.toml")
    assert wrong == []
    (stack,) = stacks
    return stack


def test_what_is_not_stated_stays_not_stated() -> None:
    stack = one('[[stack]]\nid = "x"')
    stated = stack.model_fields_set - {"id", "family", "file"}
    assert stated == set()
    assert (stack.python, stack.cuda, stack.driver) == (None, None, None)
    assert stack.packages == {}
    assert stack.gpus == ()
    assert stack.title == "m.toml::x"


def test_packages_are_pins_ranges_latest_and_tables() -> None:
    stack = one(
        '[[stack]]\nid = "x"\n[stack.packages]\ntorch = "2.5.0+cu124"\nnumpy = ">=1.26,<2"\nnvidia_cudnn_cu12 = "latest"\n'
        'mmcv = { version = "2.2.0", from = "source", find_links = "https://e.org/p.html" }\n'
    )
    assert str(stack.version("torch")) == "2.5.0+cu124"
    assert stack.version("numpy") is None
    assert "2.0" not in stack.packages["numpy"].specifier
    assert stack.packages["nvidia-cudnn-cu12"].version == "latest"
    assert stack.packages["mmcv"].origin == "source"


def test_gpus_by_product_capability_and_gfx() -> None:
    stack = one('[[stack]]\nid = "x"\ngpus = ["L4", "A100-SXM4-80GB", "8.7", "sm_120", "gfx90a", "RX 580"]')
    assert [gpu.capability for gpu in stack.gpus] == [
        Capability(8, 9),
        Capability(8, 0),
        Capability(8, 7),
        Capability(12, 0),
        None,
        None,
    ]
    assert [gpu.gfx for gpu in stack.gpus[4:]] == ["gfx90a", "gfx803"]


def test_all_faults_of_a_file_come_at_once_with_file_key_and_suggestion() -> None:
    text = (
        '[[stack]]\nid = "x"\npythn = "3.11"\ncuda = 12.4\ngpus = ["L5"]\nplatform = "linux/x86"\n'
        '[stack.packages]\ntorch = "2.x"\nnumpy = { vers = "1" }\n[[stack]]\nid = "Bad Id"\n'
    )
    assert faults(text) == [
        "m.toml: stack[1] (x).platform: input should be 'linux/amd64', 'linux/arm64', 'windows/amd64', "
        "'macos/arm64' or 'macos/amd64' (found 'linux/x86')",
        "m.toml: stack[1] (x).cuda: write the version in quotes, as text (unquoted, 3.10 would read as 3.1): 12.4",
        "m.toml: stack[1] (x).gpus.0: no GPU named 'L5' is known; near names: NVIDIA L4, NVIDIA L2; a compute capability "
        "such as '8.9' works too",
        "m.toml: stack[1] (x).packages.torch.version: '2.x' is not a version (example: '12.4' or '2.5.0+cu124')",
        "m.toml: stack[1] (x).packages.numpy.version: field required (found \"{'vers': '1'}\")",
        "m.toml: stack[1] (x).packages.numpy.vers: unknown key; did you mean 'version'?",
        "m.toml: stack[1] (x).pythn: unknown key; did you mean 'python'?",
        "m.toml: stack[2] (Bad Id).id: string should match pattern '^[a-z0-9][A-Za-z0-9._-]*$' (found 'Bad Id')",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x", "m.toml:1: this is not TOML: Expected '=' after a key in a key/value pair (column 2)."),
        ("", "m.toml: stack: a definition file holds [[stack]] tables, at least one"),
        (
            '[[stack]]\nid = "x"\n[stack.packages]\ntorch = ">=2,<<3"',
            "m.toml: stack[1] (x).packages.torch.version: '>=2,<<3' is not a version range (example: '>=2.5,<2.6')",
        ),
        (
            '[[stack]]\nid = "x"\nignore = { TORCH101 = "why" }',
            "m.toml: stack[1] (x).ignore.TORCH101: string should have at least 8 characters (found 'why')",
        ),
    ],
)
def test_a_fault_names_file_and_key(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_an_unknown_key_of_the_file_is_a_fault() -> None:
    assert faults('[stak]\n[[stack]]\nid = "x"') == ["m.toml: stak: unknown key; did you mean 'stack'?"]


def test_an_id_is_there_once(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text('[[stack]]\nid = "x"\n')
    with pytest.raises(DefinitionError) as caught:
        catalog.load([tmp_path])
    assert caught.value.faults == (
        f"{tmp_path}/b.toml: x: this id is also in {tmp_path}/a.toml; ids are unique.",
    )
    assert str(caught.value).startswith("1 fault in the stack definitions:\n  ")


def test_a_place_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file or folder of stack definitions"):
        catalog.load([tmp_path / "none.toml"])


def test_select_by_id_family_and_glob() -> None:
    stacks = catalog.load([SHIPPED])
    family = [s.id for s in catalog.select(stacks, ["cuda124-torch25"])]
    assert family == ["cuda124-torch25-py310", "cuda124-torch25-py311", "cuda124-torch25-py312"]
    assert [s.id for s in catalog.select(stacks, ["*-py311"])] == ["cuda124-torch25-py311"]
    assert [s.id for s in catalog.select(stacks, ["cuda130-torch211"])] == ["cuda130-torch211"]


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        catalog.select(catalog.load([SHIPPED]), ["cuda124-torch52"])
    assert str(caught.value) == (
        "no stack is named 'cuda124-torch52'; did you mean 'cuda124-torch25'?; `stackcheck list` shows all"
    )


def test_every_shipped_file_loads_and_names_its_sources() -> None:
    stacks = catalog.load([SHIPPED])
    assert {"cuda124-torch25", "cuda124-torch25-published", "cuda130-torch211", "cpu-torch213"} <= {
        s.family for s in stacks
    }
    assert all(s.summary for s in stacks)


def test_extras_in_a_name_are_extras_of_the_package() -> None:
    stack = one(
        '[[stack]]\nid = "x"\n[stack.packages]\n"torch[opt]" = "2.5.1"\n"Ray[default, tune]" = { version = ">=2" }'
    )
    assert str(stack.version("torch")) == "2.5.1"
    assert {name: package.extras for name, package in stack.packages.items()} == {
        "torch": ("opt",),
        "ray": ("default", "tune"),
    }


def test_a_package_with_extras_and_without_is_stated_twice() -> None:
    text = '[[stack]]\nid = "x"\n[stack.packages]\ntorch = "2.5.1"\n"torch[opt]" = "2.5.1"'
    assert faults(text) == [
        "m.toml: stack[1] (x).packages: torch is stated twice, with extras and without: state it once"
    ]


def test_a_free_threaded_python_is_refused_in_its_own_words() -> None:
    assert faults('[[stack]]\nid = "x"\npython = "3.13t"') == [
        "m.toml: stack[1] (x).python: '3.13t' is the free-threaded build of Python, whose wheels stackcheck does "
        "not judge; state '3.13' for the usual build, or leave it out"
    ]
    assert one('[[stack]]\nid = "x"\npython = "3.13"').python == "3.13"


def test_a_number_as_id_is_one_fault() -> None:
    assert faults("[[stack]]\nid = 3") == ["m.toml: stack[1].id: input should be a valid string (found '3')"]
    assert faults('[[stack]]\nid = 3\n[stack.axes]\npython = ["3.11"]') == [
        "m.toml: stack[1].id: give the name as text, in quotes (found 3)"
    ]


def packages(text: str, fields: str = "") -> Stack:
    return one(
        f'[[stack]]\nid = "x"\npython = "3.11"\nplatform = "linux/amd64"\n{fields}\n[stack.packages]\n{text}'
    )


@pytest.mark.parametrize(
    ("written", "origin", "direct"),
    [
        ('"git+https://github.com/o/r@v1.0"', "source", "git+https://github.com/o/r@v1.0"),
        ('{ from = "git+https://github.com/o/r@v1.0" }', "source", "git+https://github.com/o/r@v1.0"),
        ('"our-ops @ git+https://github.com/o/r@v1.0"', "source", "git+https://github.com/o/r@v1.0"),
        ('"https://e.org/our_ops-1.0.tar.gz"', "source", "https://e.org/our_ops-1.0.tar.gz"),
        ('{ path = "./ops" }', "source", "./ops"),
        ('"./wheels/our_ops-1.0-py3-none-any.whl"', "wheel", "./wheels/our_ops-1.0-py3-none-any.whl"),
        ('{ url = "https://me:pw@e.org/our_ops-1.0-py3-none-any.whl" }', "wheel",
         "https://e.org/our_ops-1.0-py3-none-any.whl"),
    ],
)  # fmt: skip
def test_a_package_comes_from_git_a_url_or_a_path(written: str, origin: str, direct: str) -> None:
    package = packages(f"our-ops = {written}").packages["our-ops"]
    assert (package.origin, package.direct, package.pinned) == (origin, direct, True)


def test_a_wheel_by_url_is_the_version_that_its_name_says() -> None:
    url = "https://download.pytorch.org/whl/cu124/torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl"
    for written in (f'"{url}"', f'{{ url = "{url}", version = "2.5.0" }}'):
        torch = packages(f"torch = {written}").packages["torch"]
        assert str(torch.exact) == "2.5.0+cu124"
        assert torch.wheel is not None
        assert sorted(map(str, torch.wheel.tags)) == ["cp311-cp311-linux_x86_64"]
    assert packages('ops = "git+https://e.org/r@main"').packages["ops"].pinned is False
    assert packages('ops = "git+https://e.org/r"').packages["ops"].exact is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            'ops = { from = "git+https://e.org/r", url = "https://e.org/a.zip" }',
            "packages.ops: git and url both say where it comes from: state one",
        ),
        (
            'ops = { url = "https://e.org/a.zip", index = "https://i.org/simple" }',
            "packages.ops: url and index both say where it comes from: state one",
        ),
        (
            'ops = { url = "https://e.org/ops-1.0-py3-none-any.whl", version = "1.1" }',
            "packages.ops: its file is version 1.0, and version says '1.1'",
        ),
        (
            'ops = { url = "https://e.org/ops-1.0-py3-none-any.whl", from = "source" }',
            "packages.ops: 'ops-1.0-py3-none-any.whl' is a wheel, and from says 'source'",
        ),
        (
            'ops = "https://me:hunter2@e.org/other-1.0-py3-none-any.whl"',
            "packages: ops is stated as the file other-1.0-py3-none-any.whl, which is other",
        ),
        (
            'ops = "kernels @ git+https://e.org/r"',
            "packages: ops is stated as kernels, which is another name",
        ),
        (
            "ops = \"1.0; sys_platfrm == 'linux'\"",
            "packages.ops.marker: \"sys_platfrm == 'linux'\" is not an environment marker (example: \"sys_platform == 'linux'\")",
        ),
        (
            'ops = { from = "git+https://me:hunter2@", git = "git+https://e.org/r" }',
            "packages.ops: from and git name two places: state one",
        ),
    ],
)
def test_a_reference_that_contradicts_is_a_fault_without_credentials(text: str, fault: str) -> None:
    assert faults(f'[[stack]]\nid = "x"\n[stack.packages]\n{text}') == [f"m.toml: stack[1] (x).{fault}"]


def test_a_fault_of_a_row_shows_no_credentials() -> None:
    (fault,) = faults('[[stack]]\nid = "x"\n[stack.packages]\nops = { index = "https://me:hunter2@e.org" }')
    assert "packages.ops.version: field required" in fault
    assert "hunter2" not in fault


def test_a_package_whose_marker_is_false_is_not_part_of_the_stack() -> None:
    stack = packages(
        "torch = \"2.7.1; sys_platform == 'linux'\"\n"
        'triton-windows = { version = "3.3.1.post19", marker = "sys_platform == \'win32\'" }\n'
        "tomli = \"2.0; python_version < '3.11'\""
    )
    assert list(stack.packages) == ["torch"]
    assert stack.left_out == {
        "triton-windows": "sys_platform == 'win32'",
        "tomli": "python_version < '3.11'",
    }
    assumed = one('[[stack]]\nid = "x"\n[stack.packages]\npywin32 = "306; sys_platform == \'win32\'"')
    assert (assumed.packages, assumed.left_out) == ({}, {"pywin32": "sys_platform == 'win32'"})
    undecided = one('[[stack]]\nid = "x"\n[stack.packages]\ntomli = "2.0; python_version < \'3.11\'"')
    assert undecided.packages["tomli"].marker == "python_version < '3.11'"
    assert faults('[[stack]]\nid = "x"\nleft_out = { a = "b" }') == [
        "m.toml: stack[1] (x).left_out: unknown key; state a marker of the package"
    ]


def test_what_the_stack_itself_requires_and_the_tables_of_uv() -> None:
    stack = packages(
        'mmcv = "1.4.0"',
        'requires = ["mmcv>=1.3,<1.5"]\nconstraints = ["numpy<2"]\noverrides = ["protobuf==5.29.1"]\n'
        'source_builds = "forbid"\nno_build_isolation = ["Flash_Attn"]',
    )
    assert (stack.requires, stack.constraints, stack.overrides) == (
        ("mmcv>=1.3,<1.5",),
        ("numpy<2",),
        ("protobuf==5.29.1",),
    )
    assert stack.source_builds == "forbid"
    assert stack.builds_in_place("flash-attn")
    assert not stack.builds_in_place("mmcv")
    assert packages("", "no_build_isolation = true").builds_in_place("mmcv")
    assert faults('[[stack]]\nid = "x"\nrequires = ["mmcv>>1", "ops @ git+https://e.org/r"]') == [
        "m.toml: stack[1] (x).requires.0: 'mmcv>>1' is not a requirement (example: 'mmcv>=1.3,<1.5')",
        "m.toml: stack[1] (x).requires.1: ops: state a git repository, URL or path under packages",
    ]
