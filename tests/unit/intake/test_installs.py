"""Shell lines of a build: which packages their commands install, and which options say from where."""

import pytest

from stackcheck.intake.installs import Install, installs


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("pip install torch==2.5.0", ["torch==2.5.0"]),
        ("pip3 install --no-cache-dir -q torch", ["torch"]),
        ("pip3.11 install torch", ["torch"]),
        ("/opt/venv/bin/pip install torch", ["torch"]),
        ("python3 -m pip install torch", ["torch"]),
        ("/usr/bin/python3.10 -m pip --no-cache-dir install torch", ["torch"]),
        ("uv pip install --system torch", ["torch"]),
        ("sudo PIP_NO_CACHE_DIR=1 pip install torch", ["torch"]),
        ("apt-get update && apt-get install -y pip && pip install 'torch>=2,<3'", ["torch>=2,<3"]),
        ("pip install torch > log 2>&1", ["torch"]),
        ("pip install torch \\\n    --timeout 100", ["torch"]),
        ("if true; then pip install torch; fi", ["torch"]),
        ("conda install -y -c pytorch pytorch=2.1", ["pytorch=2.1"]),
        ("mamba create -n env python=3.10 pytorch", ["python=3.10", "pytorch"]),
        ("conda run -n env pip install torch", ["torch"]),
        ("pip install --target /x --python-version 3.11 torch", ["torch"]),
        ("uv add torch==2.5.0", ["torch==2.5.0"]),
        ("pipenv install torch==2.5.0", ["torch==2.5.0"]),
        ("mim install mmcv==2.1.0", ["mmcv==2.1.0"]),
        ("python -m mim install mmcv==2.1.0", ["mmcv==2.1.0"]),
        ("python3 -u setup.py -q develop", ["setup.py"]),
    ],
)
def test_the_packages_of_an_install_command(script: str, names: list[str]) -> None:
    assert [list(each.names) for each in installs(script)] == [names]


@pytest.mark.parametrize(
    "script",
    [
        "pip download torch",
        "pip --version",
        "echo 'pip install torch'",
        "apt-get install pip",
        "uv lock",
        "poetry build",
        "pipenv --version",
        "mim list",
        "python setup.py --version",
        "python -u train.py install",
        "python",
        "",
    ],
)
def test_what_installs_nothing_is_passed_over(script: str) -> None:
    assert list(installs(script)) == []


def test_options_that_say_where_from_are_kept() -> None:
    script = (
        "pip install -U -r a.txt -rb.txt -i https://i --extra-index-url=https://e -f https://f --no-deps x"
    )
    assert list(installs(script)) == [
        Install(
            "pip",
            ("x",),
            {
                "requirement": ("a.txt", "b.txt"),
                "index": ("https://i",),
                "extra": ("https://e",),
                "find_links": ("https://f",),
            },
            frozenset({"-U", "--no-deps"}),
        )
    ]


def test_an_odd_quote_does_not_stop_the_reader() -> None:
    assert [each.names for each in installs("echo it's; pip install torch")] == [("torch",)]
