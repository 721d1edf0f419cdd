"""The 2xx rules: each with a case that fires and a twin that does not, from literal facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import definition_facts, environment_of
from stackcheck.intake.stack import Stack
from stackcheck.model.index_pages import File, Page, Unreachable
from stackcheck.model.lock import BrokenLock, Lock, fingerprint
from stackcheck.model.resolution import Kind, LockedPackage, Resolution, Unresolved
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.rules.accepting import waive
from stackcheck.rules.index.resolved import pages_hold_the_wheels
from stackcheck.rules.lock.resolved import lock_is_current, pins_resolve
from stackcheck.rules.lock.resolved_files import locked_files_are_there
from stackcheck.rules.registry import RULES, Finding, current_code, judge_one

INDEX = "https://host/simple"
PLATFORM = "x86_64-manylinux_2_28"
SKIP, FAIL, ERROR, PASS, WARN = Outcome.SKIP, Outcome.FAIL, Outcome.ERROR, Outcome.PASS, Outcome.WARN


def stack(**fields: Any) -> Stack:
    base = {"id": "s", "python": "3.11", "platform": "linux/amd64", "packages": {"torch": "2.5.0"}}
    return Stack.model_validate({**base, **fields})


def wheel(name: str, version: str, **fields: Any) -> LockedPackage:
    filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    return LockedPackage(name, Version(version), filename, index=INDEX, sha256="a" * 64, **fields)


def resolution(*packages: LockedPackage, **fields: Any) -> Resolution:
    return Resolution(packages, "3.11", PLATFORM, "0.13.8", "", **fields)


def lock_of(wanted: Stack, *packages: LockedPackage) -> Lock:
    return Lock("locks/pylock.s.toml", packages, wanted.id, fingerprint(wanted), "3.11", PLATFORM, "")


def judged(code: str, **facts: Any) -> list[Verdict]:
    known = definition_facts(facts["stack"], knowledge.load()) if "stack" in facts else {}
    return judge_one(RULES[code], {**known, **facts})


def only(findings: Any) -> Finding:
    [finding] = findings if isinstance(findings, list) else [findings]
    assert isinstance(finding, Finding)
    return finding


# LOCK201


def test_what_a_marker_leaves_out_is_told_beside_the_pins_and_is_nothing_unchecked() -> None:
    absent = "pywin32: its marker is false here: sys_platform == 'win32'"
    found = only(pins_resolve(resolution(wheel("torch", "2.5.0"), absent=(absent,))))
    assert found.outcome is PASS
    assert f"not part of the stack here: {absent}" in [each.what for each in found.evidence]


def test_lock201_passes_and_says_what_was_assumed_and_taken_over() -> None:
    found = resolution(
        wheel("torch", "2.5.0"),
        assumed=("glibc 2.28",),
        honoured=("UV_INDEX=https://***@h/simple", "SSL_CERT_FILE=/ca.pem"),
        ignored=("UV_RESOLUTION=lowest",),
    )
    verdict = only(pins_resolve(found))
    assert (verdict.outcome, verdict.message) == (
        PASS,
        "1 package resolves together for Python 3.11, assuming glibc 2.28.",
    )
    assert [each.what for each in verdict.evidence] == [
        "uv 0.13.8 for x86_64-manylinux_2_28",
        "setting taken over: UV_INDEX=https://***@h/simple",
        "setting left out: UV_RESOLUTION=lowest",
    ]


@pytest.mark.parametrize(
    ("kind", "outcome", "message", "hint"),
    [
        ("conflict", FAIL, "words.", "change one of the two pins; the evidence is uv's whole reasoning"),
        ("not-found", FAIL, "words.", "pin a version that exists, or name the index or find-links page that has it"),
        ("no-wheel", FAIL, "words.", 'name a page with a wheel, or allow a source build with from = "source"'),
        ("no-python-wheel", FAIL, "words.", "choose a version with a wheel for this Python, or another Python"),
        ("no-platform-wheel", FAIL, "words.", "choose a version with a wheel for this platform and glibc, or a newer base"),
        ("unreachable", ERROR, "whether the pins resolve could not be checked: words.", "try again, or --offline; a slow index needs --timeout, a proxy HTTPS_PROXY and SSL_CERT_FILE"),
        ("denied", ERROR, "whether the pins resolve could not be checked: words.", "put the credentials into netrc or UV_INDEX_<NAME>_USERNAME and _PASSWORD"),
        ("bad-index", ERROR, "whether the pins resolve could not be checked: words.", "open the address in a browser: is it a package index or a find-links page?"),
        ("resolver", ERROR, "whether the pins resolve could not be checked: words.", "read uv's message in the evidence; `uv --version` must work"),
        ("offline", SKIP, "the pins were not resolved: words.", ""),
        ("not-stated", SKIP, "the pins were not resolved: words.", "state the Python, and the packages that an index has"),
    ],
)  # fmt: skip
def test_lock201_tells_what_is_proven_from_what_could_not_be_checked(
    kind: Kind, outcome: Outcome, message: str, hint: str
) -> None:
    verdict = only(pins_resolve(Unresolved(kind, "words", derivation="Because ...")))
    assert (verdict.outcome, verdict.message, verdict.hint) == (outcome, message, hint)
    assert verdict.evidence[0].what == "Because ..."


def test_lock201_names_both_requirements_of_a_conflict() -> None:
    two = ("spconv-cu124==2.3.8: cumm-cu124>=0.7.11,<0.8.0", "the stack: cumm-cu124==0.8.2")
    verdict = only(pins_resolve(Unresolved("conflict", "words", two)))
    assert (verdict.expected, verdict.found) == two


def test_lock201_names_what_exists_instead() -> None:
    found = Unresolved(
        "not-found", "the stack needs a==2, which is nowhere", ("a==2",), exists=("1.1", "1.0")
    )
    verdict = only(pins_resolve(found))
    assert verdict.message == "the stack needs a==2, which is nowhere; there is 1.1, 1.0."
    assert (verdict.expected, verdict.found) == ("a wheel for every pin", "a==2: not-found")


def test_lock201_warns_for_files_that_only_this_machine_has() -> None:
    local = wheel("torch", "2.5.0", url="file:///opt/wheels/torch-2.5.0-py3-none-any.whl")
    found = resolution(local, wheel("numpy", "1.26.4", url="https://h/x.whl"))
    _, verdict = judged("LOCK201", resolving=found)
    assert (verdict.outcome, verdict.message) == (
        WARN,
        "files of this machine take part, so a lock with them serves here alone: torch 2.5.0.",
    )


def test_lock201_warns_for_an_address_that_may_be_no_index() -> None:
    found = resolution(wheel("torch", "2.5.0"), silent=("https://h/typo: HTTP status 404",))
    _, verdict = judged("LOCK201", resolving=found)
    assert (verdict.outcome, verdict.message) == (
        WARN,
        "nothing was taken from an index that the stack states: https://h/typo: HTTP status 404.",
    )


def test_lock201_says_which_python_it_assumed() -> None:
    found = resolution(wheel("torch", "2.5.0"), assumed=("Python 3.11", "glibc 2.28"))
    assert only(pins_resolve(found)).message == (
        "1 package resolves together for Python 3.11 (assumed: the stack states none), assuming glibc 2.28."
    )


def test_lock201_names_every_fault_and_what_did_not_answer() -> None:
    more = Unresolved("not-found", "b is nowhere"), Unresolved("denied", "https://h: HTTP status 401")
    verdicts = judged("LOCK201", resolving=Unresolved("conflict", "a contradicts b", others=more))
    assert [(v.outcome, v.message) for v in verdicts] == [
        (FAIL, "a contradicts b."),
        (FAIL, "b is nowhere."),
        (ERROR, "whether the pins resolve could not be checked: https://h: HTTP status 401."),
    ]


def test_lock201_is_an_error_for_what_did_not_answer_and_judges_the_rest() -> None:
    found = resolution(
        wheel("torch", "2.5.0"), unreached=(Unresolved("unreachable", "x was left out: words"),)
    )
    good, bad = judged("LOCK201", resolving=found)
    assert (good.outcome, bad.outcome) == (PASS, ERROR)
    assert bad.message == "whether the pins resolve could not be checked: x was left out: words."


def test_lock201_warns_of_what_pip_would_build_and_of_nothing_that_is_stated_as_source() -> None:
    hydra = wheel("hydra-core", "1.3.2", requires=("antlr4",))
    antlr = replace(wheel("antlr4", "4.9.3"), filename="antlr4-4.9.3.tar.gz")
    found = resolution(hydra, antlr, source_only=("antlr4",))
    _, verdict = judged("LOCK201", resolving=found)
    assert (verdict.outcome, verdict.found) == (WARN, "antlr4 4.9.3")
    assert verdict.message == (
        "pip would build from source, for want of a wheel that fits Python 3.11: antlr4 4.9.3 (for "
        "hydra-core); what these require themselves was not resolved."
    )
    assert [v.outcome for v in judged("LOCK201", resolving=replace(found, source_only=()))] == [PASS]


# LOCK202


def test_lock202_has_nothing_to_say_without_a_lock() -> None:
    assert judged("LOCK202", stack=stack(), lock=None, resolving=resolution()) == []


def test_lock202_fails_for_a_lock_that_cannot_be_used() -> None:
    broken = BrokenLock("locks/pylock.s.toml", "locks/pylock.s.toml: this is not TOML")
    verdict = only(lock_is_current(stack(), broken, resolution()))
    assert verdict.outcome is FAIL
    assert verdict.message == "the committed lock cannot be used: locks/pylock.s.toml: this is not TOML"
    assert verdict.hint == "run `stackcheck lock s`"


def test_lock202_fails_for_a_lock_without_what_the_stack_pins() -> None:
    wanted = stack(packages={"torch": "2.6.0", "numpy": "1.26.4", "cuda": {"version": "1", "from": "conda"}})
    verdict = only(lock_is_current(wanted, lock_of(stack(), wheel("torch", "2.5.0")), resolution()))
    assert verdict.outcome is FAIL
    assert verdict.message == (
        "the committed lock does not have what the stack pins: "
        "torch 2.6.0 (the lock has 2.5.0), numpy 1.26.4 (the lock has none)"
    )


def test_lock202_does_not_look_for_what_a_lock_cannot_hold() -> None:
    wanted = stack(packages={"torch": "2.5.0", "ops": "git+https://example.org/ops@v1"})
    verdict = only(lock_is_current(wanted, lock_of(wanted, wheel("torch", "2.5.0")), resolution()))
    assert verdict.outcome is PASS


def test_lock202_warns_when_only_the_rest_of_the_definition_changed() -> None:
    lock = lock_of(stack(), wheel("torch", "2.5.0"))
    verdict = only(lock_is_current(stack(glibc="2.36"), lock, resolution()))
    assert (verdict.outcome, verdict.message) == (
        WARN,
        "the definition has changed since the lock was made; what it pins is still what the lock has",
    )


def test_lock202_passes_for_a_current_lock_and_says_what_would_move() -> None:
    wanted = stack()
    lock = lock_of(wanted, wheel("torch", "2.5.0"), wheel("sympy", "1.13.1"))
    same = only(lock_is_current(wanted, lock, resolution(*lock.packages)))
    assert (same.outcome, same.message) == (
        PASS,
        "the committed lock was made from this definition and agrees with a fresh resolution",
    )
    fresh = resolution(wheel("torch", "2.5.0"), wheel("sympy", "1.14.0"), wheel("mpmath", "1.3.0"))
    moved = only(lock_is_current(wanted, lock, fresh))
    assert (moved.outcome, moved.message) == (
        PASS,
        "the committed lock was made from this definition; resolving afresh would now move "
        "mpmath absent -> 1.3.0, sympy 1.13.1 -> 1.14.0",
    )
    unknown = only(lock_is_current(wanted, lock, Unresolved("unreachable", "down")))
    assert unknown.message.endswith("; it was not compared with a fresh resolution")


# LOCK203

PACKAGE = wheel("torch", "2.5.0")
PAGE_URL = f"{INDEX}/torch/"


def file_of(package: LockedPackage, **fields: Any) -> File:
    return replace(File(package.filename, "https://f/x", package.sha256), **fields)


def judged_files(pages: dict[str, Page | Unreachable], **fields: Any) -> Finding:
    resolving = fields.get("resolving", Unresolved("not-found", "words"))
    return only(locked_files_are_there(stack(), lock_of(stack(), PACKAGE), resolving, pages))


def test_lock203_passes_when_uv_or_the_page_has_the_very_file() -> None:
    message = "all 1 locked files are on their index, with the locked hashes"
    by_uv = judged_files({}, resolving=resolution(PACKAGE))
    by_page = judged_files({PAGE_URL: Page(PAGE_URL, (file_of(PACKAGE),))})
    assert {by_uv.message, by_page.message} == {message}
    assert {by_uv.outcome, by_page.outcome} == {PASS}


def test_lock203_fails_for_a_file_that_is_gone() -> None:
    verdict = judged_files({PAGE_URL: Page(PAGE_URL)})
    assert (verdict.outcome, verdict.message, verdict.found) == (
        FAIL,
        "files of the committed lock are no longer on their index: torch 2.5.0",
        "1 gone",
    )
    gone = judged_files({PAGE_URL: Unreachable("missing", "404", PAGE_URL, 404)})
    assert gone.message == verdict.message


def test_lock203_fails_for_other_content_under_the_same_name() -> None:
    verdict = judged_files({PAGE_URL: Page(PAGE_URL, (file_of(PACKAGE, sha256="b" * 64),))})
    assert (verdict.outcome, verdict.message) == (
        FAIL,
        "files of the committed lock are on their index with other content: torch 2.5.0",
    )


def test_lock203_warns_for_a_yanked_file() -> None:
    verdict = judged_files({PAGE_URL: Page(PAGE_URL, (file_of(PACKAGE, yanked="bad"),))})
    assert (verdict.outcome, verdict.message) == (WARN, "locked files were yanked: torch 2.5.0")


@pytest.mark.parametrize("kind", ["dns", "timeout", "server", "truncated", "not-a-page", "offline", "denied"])
def test_lock203_claims_nothing_about_a_page_that_could_not_be_read(kind: Any) -> None:
    verdict = judged_files({PAGE_URL: Unreachable(kind, "down", PAGE_URL)})
    assert (verdict.outcome, verdict.message) == (
        SKIP,
        "whether 1 locked files are still there was not checked, because their pages could not be read: "
        "torch 2.5.0",
    )


def test_lock203_does_not_take_an_offline_resolution_for_a_look_at_the_index() -> None:
    assert judged_files({}, resolving=resolution(PACKAGE, offline=True)).outcome is SKIP


# CUDA102 and CUDA103, which say since they ask the Environment what LOCK204 said


def torch_build(code: str, wanted: Stack, *packages: LockedPackage) -> Verdict:
    (verdict,) = judge_one(
        RULES[code], definition_facts(wanted, knowledge.load(), resolution=resolution(*packages))
    )
    return verdict


def test_the_cuda_runtime_or_the_local_version_says_which_torch_was_taken() -> None:
    runtime = wheel("nvidia-cuda-runtime-cu12", "12.4.127")
    for torch, more in ((wheel("torch", "2.5.0"), [runtime]), (wheel("torch", "2.5.0+cu124"), [])):
        verdict = torch_build("CUDA102", stack(cuda="12.4"), torch, *more)
        assert (verdict.outcome, verdict.level) == (PASS, Level.RESOLVED)


def test_an_index_that_gives_another_cuda_build_fails() -> None:
    runtime = wheel("nvidia-cuda-runtime", "13.0.96")
    wanted = stack(cuda="12.4", packages={"torch": "2.13.0"})
    verdict = torch_build("CUDA102", wanted, wheel("torch", "2.13.0"), runtime)
    assert (verdict.outcome, verdict.message, verdict.expected, verdict.found) == (
        FAIL,
        "The stack states CUDA 12.4, but nvidia-cuda-runtime 13.0.96, which torch 2.13.0 draws in, makes torch "
        "a cu130 build.",
        "CUDA 12.4",
        "cu130 build",
    )


def test_a_cpu_torch_fails_where_cuda_or_rocm_is_stated() -> None:
    assert torch_build("CUDA102", stack(cuda="12.4"), wheel("torch", "2.5.0+cpu")).outcome is FAIL
    assert torch_build("CUDA103", stack(accelerator="rocm"), wheel("torch", "2.5.0+cpu")).outcome is FAIL
    assert torch_build("CUDA103", stack(accelerator="rocm"), wheel("torch", "2.5.0+rocm6.2")).outcome is PASS


def test_a_cuda_torch_in_a_cpu_stack_is_a_warning() -> None:
    assert torch_build("CUDA103", stack(accelerator="cpu"), wheel("torch", "2.5.0+cu124")).outcome is WARN
    assert torch_build("CUDA103", stack(accelerator="cpu"), wheel("torch", "2.5.0+cpu")).outcome is PASS


def test_a_retired_code_still_accepts_and_expects() -> None:
    wanted = stack(cuda="12.4", ignore={"LOCK204": "known, and meant"})
    verdict = torch_build("CUDA102", wanted, wheel("torch", "2.5.0+cpu"))
    assert waive([verdict], wanted)[0].waived == "known, and meant"
    assert current_code("LOCK204") == "CUDA102"
    assert [each.outcome for each in judge_one(RULES["STACK101"], {"stack": wanted})] == [PASS]


# INDEX201

PYG = "https://host/torch-2.5.0+cu124.html"


def scatter(*names: str, **fields: Any) -> Finding:
    packages = {
        "torch": "2.5.0+cu124",
        "torch-scatter": {"version": fields.pop("version", "latest"), "find_links": PYG},
    }
    page = fields.pop("page", Page(PYG, tuple(File(name, f"https://host/{name}") for name in names)))
    wanted = stack(packages=packages, cuda="12.4", **fields)
    return only(
        pages_hold_the_wheels(
            environment_of(wanted, knowledge.load()), knowledge.load(), {PYG: page} if page else {}
        )
    )


GOOD = "torch_scatter-2.1.2+pt25cu124-cp311-cp311-linux_x86_64.whl"


def test_index201_passes_when_the_page_has_a_wheel_for_this_very_stack() -> None:
    verdict = scatter(GOOD, "torch_scatter-2.1.2+pt25cu124-cp312-cp312-linux_x86_64.whl")
    assert (verdict.outcome, verdict.message) == (PASS, f"{PYG} has {GOOD}")


@pytest.mark.parametrize(
    "name",
    [
        "torch_scatter-2.1.2+pt25cu124-cp312-cp312-linux_x86_64.whl",
        "torch_scatter-2.1.2+pt25cu124-cp311-cp311-win_amd64.whl",
        "torch_scatter-2.1.2+pt24cu124-cp311-cp311-linux_x86_64.whl",
        "torch_scatter-2.1.2+pt25cu121-cp311-cp311-linux_x86_64.whl",
        "torch_scatter-2.1.2.tar.gz",
    ],
)
def test_index201_fails_when_the_wheels_are_for_another_stack(name: str) -> None:
    verdict = scatter(name)
    assert verdict.outcome is FAIL
    assert verdict.message == (
        f"{PYG} has no wheel of torch-scatter latest for Python 3.11, linux/amd64, torch 2.5.0+cu124, CUDA 12.4"
    )
    assert verdict.found == name


def test_index201_fails_for_another_version_and_for_an_empty_page() -> None:
    assert scatter(GOOD, version="2.1.3+pt25cu124").found == GOOD
    assert scatter().found == "nothing of torch-scatter"


def test_index201_claims_nothing_about_a_python_that_is_not_stated() -> None:
    verdict = scatter(GOOD, python=None)
    assert (verdict.outcome, verdict.message) == (
        SKIP,
        f"{PYG} lists wheels of torch-scatter latest; the stack states no Python",
    )


def test_index201_warns_when_all_that_fits_was_yanked() -> None:
    page = Page(PYG, (File(GOOD, f"https://host/{GOOD}", yanked=""),))
    verdict = scatter(page=page)
    assert (verdict.outcome, verdict.message) == (
        WARN,
        f"{PYG}: every fitting wheel of torch-scatter was yanked",
    )


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("dns", "try again; if it stays so, name another page or a mirror"),
        ("timeout", "try again; if it stays so, name another page or a mirror"),
        ("server", "try again; if it stays so, name another page or a mirror"),
        ("truncated", "try again; if it stays so, name another page or a mirror"),
        ("missing", "the page is not there: was this combination ever published?"),
        ("denied", "put the credentials into netrc or UV_INDEX_<NAME>_USERNAME and _PASSWORD"),
        ("not-a-page", "open the address in a browser: is it a package index or a find-links page?"),
        ("tls", "behind an intercepting proxy, set SSL_CERT_FILE to its certificate"),
    ],
)
def test_index201_is_an_error_for_a_page_that_could_not_be_read(kind: Any, hint: str) -> None:
    verdict = scatter(page=Unreachable(kind, f"{PYG}: words", PYG))
    assert (verdict.outcome, verdict.hint) == (ERROR, hint)
    assert verdict.message == f"a page that the stack names could not be checked: {PYG}: words"


def test_index201_is_a_skip_offline_and_for_a_page_that_nobody_read() -> None:
    offline = scatter(page=Unreachable("offline", f"{PYG}: not cached", PYG))
    assert (offline.outcome, offline.hint) == (SKIP, "run once without --offline")
    assert scatter(page=None).message == f"{PYG}: this page was not read"


def test_index201_judges_a_page_for_the_whole_stack_by_what_it_lists_of_it() -> None:
    url = "https://host/links/"
    wanted = stack(index={"find_links": [url]})
    good = Page(url, (File("torch-2.5.0-py3-none-any.whl", "https://h/x"),))
    bad = Page(url, (File("other-1.0-py3-none-any.whl", "https://h/x"),))
    known, env = knowledge.load(), environment_of(wanted, knowledge.load())
    rule = pages_hold_the_wheels
    assert only(rule(env, known, {url: good})).message == f"{url} lists files of torch"
    verdict = only(rule(env, known, {url: bad}))
    assert (verdict.outcome, verdict.message) == (
        WARN,
        f"{url} lists no file of any package that the stack states",
    )


def test_index201_is_not_about_a_stack_that_names_no_page() -> None:
    assert judged("INDEX201", stack=stack(), tables=knowledge.load(), pages={}) == []
