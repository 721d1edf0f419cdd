"""Verdicts about the interpreter and the torches that it can reach: literal facts in, verdict out."""

from __future__ import annotations

from typing import Any

from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.probing.observation import Entry, Failure, Observation
from stackcheck.rules.probing import run as probing  # noqa: F401 - importing them registers the rules
from stackcheck.rules.python import bytes as interpreter  # noqa: F401 - importing them registers the rules
from stackcheck.rules.registry import RULES, judge_one

SITE = "/venv/lib/python3.11/site-packages"
INTERPRETER: dict[str, Any] = {
    "version": "3.11.7",
    "executable": "/venv/bin/python",
    "prefix": "/venv",
    "free_threaded": False,
    "cwd": "/work",
    "user_site": {"path": "/home/me/.local/lib/python3.11/site-packages", "enabled": True},
    "torches": [],
    "conda": {"prefix": None, "packages": {}, "environment": {}},
}


def torch(
    version: str | None, place: str = SITE, origin: str = "site-packages", **more: Any
) -> dict[str, Any]:
    public = (version or "").partition("+")[0]
    return {
        "path": f"{place}/torch",
        "version": version,
        "metadata": [f"torch-{public}.dist-info"],
        "source_tree": False,
        "compiled": True,
        "origin": origin,
        "reachable": True,
        "wins": True,
        **more,
    }


def seen(**facts: Any) -> dict[str, Any]:
    return INTERPRETER | facts


def dist(name: str, version: str, location: str = SITE, installer: str | None = "pip") -> dict[str, Any]:
    return {"name": name, "version": version, "location": location, "installer": installer}


def judge(code: str, stack: Stack | None = None, **facts: Any) -> list[Verdict]:
    return judge_one(RULES[code], {"stack": stack or Stack(id="s"), **facts})


def only(verdicts: list[Verdict], outcome: Outcome) -> Verdict:
    assert [verdict.outcome for verdict in verdicts] == [outcome]
    return verdicts[0]


def test_a_probe_that_crashed_is_an_error_with_signal_and_output() -> None:
    tail = "Fatal Python error: Segmentation fault\x1b[2J"
    crash = Failure("signal", "ended by SIGSEGV", "SIGSEGV", tail)
    late = Failure("timeout", "no answer within 120 s")
    probes = {"ok": Entry(facts={}), "torch_cpu": Entry(failure=crash), "pyg_ops": Entry(failure=late)}
    first, second = judge("PROBE301", observation=Observation("3.11", "python", 1.0, probes))
    assert (first.outcome, first.message) == (
        Outcome.ERROR,
        "the probe torch_cpu gave no answer: ended by SIGSEGV.",
    )
    assert first.found == "signal SIGSEGV"
    assert first.evidence[0].what == "Fatal Python error: Segmentation fault\\x1b[2J"
    assert second.message == "the probe pyg_ops gave no answer: no answer within 120 s."
    assert second.hint == (
        "raise the stack's probes.timeout_s, or --timeout for all probes, if the machine is that slow"
    )


def test_probes_that_all_answered() -> None:
    probes = {"a": Entry(facts={}), "b": Entry(reason="no GPU here.")}
    verdict = only(judge("PROBE301", observation=Observation("3", "python", 1.0, probes)), Outcome.PASS)
    assert verdict.message == "1 probe answered."
    nothing_ran = Observation("3", "python", 1.0, {"b": Entry(reason="no GPU here.")})
    assert judge("PROBE301", observation=nothing_ran) == []


def test_another_python_than_the_stack_s_fails() -> None:
    verdict = only(judge("PYTHON301", Stack(id="s", python="3.12"), interpreter=seen()), Outcome.FAIL)
    assert verdict.message == "the interpreter is Python 3.11.7, the stack states 3.12."
    assert (verdict.expected, verdict.found) == ("3.12", "3.11.7")


def test_the_stack_s_python_passes_and_none_stated_is_not_judged() -> None:
    verdict = only(judge("PYTHON301", Stack(id="s", python="3.11"), interpreter=seen()), Outcome.PASS)
    assert verdict.message == "the interpreter is Python 3.11.7."
    assert judge("PYTHON301", interpreter=seen()) == []
    exact = judge("PYTHON301", Stack(id="s", python="3.11.8"), interpreter=seen())
    assert only(exact, Outcome.FAIL).found == "3.11.7"


def test_three_ten_is_not_three_one() -> None:
    found = judge("PYTHON301", Stack(id="s", python="3.1"), interpreter=seen(version="3.10.4"))
    assert only(found, Outcome.FAIL).expected == "3.1"


def test_a_free_threaded_python_fails() -> None:
    facts = seen(version="3.13.1", free_threaded=True)
    verdict = only(judge("PYTHON301", Stack(id="s", python="3.13"), interpreter=facts), Outcome.FAIL)
    assert verdict.message == (
        "the interpreter is the free-threaded build of Python 3.13.1, "
        "and wheels for the usual build do not load there."
    )


def test_one_torch_passes_and_none_is_not_judged() -> None:
    verdict = only(judge("PYTHON304", interpreter=seen(torches=[torch("2.5.0+cu124")])), Outcome.PASS)
    assert verdict.message == f"one torch is reachable: torch 2.5.0+cu124 at {SITE}/torch."
    assert judge("PYTHON304", interpreter=seen()) == []


def test_two_torches_of_different_versions_fail_and_say_which_wins() -> None:
    rows = [
        torch("2.5.0"),
        torch("2.1.0", "/usr/lib/python3/dist-packages", "system-site-packages", wins=False),
    ]
    verdict = only(judge("PYTHON304", interpreter=seen(torches=rows)), Outcome.FAIL)
    assert verdict.message == (
        f"2 torches are reachable; torch 2.5.0 at {SITE}/torch (from site-packages) wins over "
        "torch 2.1.0 at /usr/lib/python3/dist-packages/torch (from system-site-packages)."
    )
    assert (verdict.expected, verdict.found) == ("one torch", "2.5.0 and 2.1.0")
    assert verdict.hint == "make the environment without --system-site-packages"


def test_two_torches_of_one_version_warn() -> None:
    rows = [torch("2.5.0", "/home/me/.local", "user-site"), torch("2.5.0", wins=False)]
    verdict = only(judge("PYTHON304", interpreter=seen(torches=rows)), Outcome.WARN)
    assert (verdict.found, verdict.hint) == ("2 of one version", f"uninstall the one at {SITE}/torch")


def test_two_torches_of_which_one_has_no_version_warn() -> None:
    rows = [torch("2.5.0"), torch(None, "/opt/x", "pth", wins=False, pth=f"{SITE}/x.pth")]
    verdict = only(judge("PYTHON304", interpreter=seen(torches=rows)), Outcome.WARN)
    assert verdict.found == "2.5.0 and None"
    assert f"torch (version unknown) at /opt/x/torch by {SITE}/x.pth (from pth)" in verdict.message
    assert verdict.hint == f"remove it from {SITE}/x.pth"


def test_a_built_source_tree_that_shadows_the_same_version_fails() -> None:
    rows = [torch("2.5.0", "/pytorch", "pythonpath", source_tree=True), torch("2.5.0", wins=False)]
    verdict = only(judge("PYTHON304", interpreter=seen(torches=rows)), Outcome.FAIL)
    assert verdict.hint == "take its folder off PYTHONPATH"


def test_a_source_tree_without_its_compiled_part_fails() -> None:
    tree = torch("2.6.0a0", "/pytorch", "pythonpath", source_tree=True, compiled=False)
    verdict = only(judge("PYTHON304", interpreter=seen(torches=[tree])), Outcome.FAIL)
    assert verdict.message == (
        "`import torch` takes the source tree /pytorch/torch (from pythonpath), "
        "which holds no compiled torch._C."
    )


def test_a_developed_torch_that_is_the_only_one_passes() -> None:
    tree = torch("2.6.0a0+git1", "/pytorch", "pth", source_tree=True, pth=f"{SITE}/torch.pth")
    assert only(judge("PYTHON304", interpreter=seen(torches=[tree])), Outcome.PASS).found == "one torch"


def test_a_source_tree_off_the_path_is_no_alarm_but_as_working_directory_warns() -> None:
    aside = torch("2.6.0", "/pytorch", "source tree (not on sys.path)", reachable=False, wins=False)
    only(judge("PYTHON304", interpreter=seen(torches=[torch("2.5.0"), aside])), Outcome.PASS)
    here = torch("2.6.0", "/work", "cwd", reachable=False, wins=False)
    verdict = only(judge("PYTHON304", interpreter=seen(torches=[torch("2.5.0"), here])), Outcome.WARN)
    assert verdict.message == (
        "in the working directory, `python -c` and `python -m` take torch 2.6.0 at /work/torch; "
        f"a script elsewhere takes torch 2.5.0 at {SITE}/torch."
    )


def test_files_of_another_torch_than_the_metadata_s_fail() -> None:
    rows = [torch("2.5.0+cu124", metadata=["torch-2.4.0.dist-info"])]
    verdict = only(judge("PYTHON305", interpreter=seen(torches=rows)), Outcome.FAIL)
    assert verdict.message == "the files of torch are of 2.5.0+cu124, its metadata is of 2.4.0."


def test_files_of_the_metadata_s_torch_pass_and_without_metadata_nothing_is_said() -> None:
    for row in (torch("2.5.0+cu124"), torch("2.5.0", metadata=["torch-2.5.0+cu124.dist-info"])):
        only(judge("PYTHON305", interpreter=seen(torches=[row])), Outcome.PASS)
    for row in (torch("2.5.0", metadata=[]), torch(None), torch("not a version")):
        assert judge("PYTHON305", interpreter=seen(torches=[row])) == []


CONDA = {"prefix": "/venv", "packages": {"pytorch": "2.4.1", "numpy": "1.26.4"}, "environment": {}}


def test_pip_s_torch_over_conda_s_warns() -> None:
    rows = {"distributions": [dist("torch", "2.5.0"), dist("numpy", "1.26.4")]}
    verdict = only(judge("PYTHON302", interpreter=seen(conda=CONDA), distributions=rows), Outcome.WARN)
    assert verdict.message == (
        "conda and pip each installed another version of torch (2.4.1 by conda, 2.5.0 by pip)."
    )


def test_conda_alone_passes_and_without_conda_nothing_is_said() -> None:
    rows = {"distributions": [dist("torch", "2.5.0", installer="conda"), dist("numpy", "1.26.4")]}
    verdict = only(judge("PYTHON302", interpreter=seen(conda=CONDA), distributions=rows), Outcome.PASS)
    assert verdict.message == "no package is installed by both conda and pip in different versions."
    assert judge("PYTHON302", interpreter=seen(), distributions=rows) == []


def test_an_interpreter_outside_of_the_active_conda_environment_warns() -> None:
    conda = CONDA | {"environment": {"CONDA_PREFIX": "/opt/conda/envs/a"}}
    rows: dict[str, Any] = {"distributions": []}
    verdict = only(judge("PYTHON302", interpreter=seen(conda=conda), distributions=rows), Outcome.WARN)
    assert verdict.message == (
        "the conda environment /opt/conda/envs/a is active, and the interpreter is /venv/bin/python."
    )
    inside = seen(conda=conda, prefix="/opt/conda/envs/a")
    only(judge("PYTHON302", interpreter=inside, distributions=rows), Outcome.PASS)


def test_another_version_in_the_user_site_warns() -> None:
    user = INTERPRETER["user_site"]["path"]
    rows = [
        dist("numpy", "2.1.0", user),
        dist("numpy", "1.26.4"),
        dist("rich", "13", user),
        dist("rich", "13"),
    ]
    verdict = only(
        judge("PYTHON303", interpreter=seen(), distributions={"distributions": rows}), Outcome.WARN
    )
    assert verdict.message == f"the user site {user} shadows numpy 2.1.0 over 1.26.4."
    assert verdict.hint == "set PYTHONNOUSERSITE=1, or uninstall the copies there"


def test_a_user_site_that_shadows_nothing_passes_and_one_switched_off_is_not_judged() -> None:
    user = INTERPRETER["user_site"]["path"]
    rows = {"distributions": [dist("only-here", "1", user), dist("numpy", "1.26.4")]}
    verdict = only(judge("PYTHON303", interpreter=seen(), distributions=rows), Outcome.PASS)
    assert verdict.message == f"nothing in the user site {user} shadows another version."
    off = seen(user_site={"path": user, "enabled": False})
    assert judge("PYTHON303", interpreter=off, distributions=rows) == []


def test_a_torch_behind_another_interpreter_of_the_image_is_named() -> None:
    place = {
        "path": "/opt/venv/lib/python3.11/site-packages/torch",
        "version": "2.5.0",
        "python": "/opt/venv/bin/python",
    }
    there = {"pythons": [], "conda": [], "torches": [place]}
    facts: dict[str, Any] = {
        "stack": Stack(id="s"),
        "image": object(),
        "interpreter": INTERPRETER,
        "pythons": there,
    }
    (verdict,) = judge_one(RULES["PYTHON306"], facts)
    assert verdict.outcome is Outcome.WARN
    assert verdict.message == (
        "/venv/bin/python has no torch, and the image has: /opt/venv/bin/python (torch 2.5.0); "
        "that torch was not checked."
    )
    own = {**INTERPRETER, "torches": [torch("2.5.0")]}
    assert judge_one(RULES["PYTHON306"], {**facts, "interpreter": own}) == []
    assert judge_one(RULES["PYTHON306"], {**facts, "pythons": {**there, "torches": []}}) == []
    without = {name: value for name, value in facts.items() if name != "image"}
    assert judge_one(RULES["PYTHON306"], without) == []
