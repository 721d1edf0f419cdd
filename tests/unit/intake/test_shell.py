"""Shell scripts as text: which commands run, with which variables, and which only a run could tell."""

import pytest

from stackcheck.intake.shell import commands, expanded


def run(script: str, **known: str) -> list[tuple[str, bool]]:
    return [(" ".join(each.words), each.certain) for each in commands(script, known)]


def installed(script: str, **known: str) -> list[str]:
    """Return what is installed for certain, with a question mark what may be."""
    return [words.removeprefix("i ") + ("" if sure else "?") for words, sure in run(script, **known)]


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("V=2.5.0; i torch==$V", ["torch==2.5.0"]),
        ("export V=2.5.0 && i torch==${V}", ["torch==2.5.0"]),
        ("V=$(curl x)\ni torch==$V", ["torch==$V"]),
        ("if [ $A = x ]; then i a; else i b; fi; i c", ["a", "c"]),
        ("if [ $A = y ]; then i a; else i b; fi", ["b"]),
        ("if [ $A != y ] && [ -n $A ]; then i a; fi", ["a"]),
        ("if [[ $A == x* ]]; then i a; fi", ["a"]),
        ("if [ $A = y ]; then i a; elif [ $A = x ]; then i b; else i c; fi", ["b"]),
        ("if [ $NO = y ]; then i a; else i b; fi; i c", ["a?", "b?", "c"]),
        ("if [ -f f ]; then\n if [ 1 = 1 ]; then i a; fi\nfi\ni b", ["a?", "b"]),
        ("[ $A = x ] && i a; [ $A = y ] && i b; i c", ["a", "c"]),
        ("[ $A = x ] || i a", []),
        ("case $A in\n x|z) C=1 ;;\n *) C=2 ;;\nesac\ni c$C", ["c1"]),
        ("case $A in\n y) C=1 ;;\n *) C=2 ;;\nesac\ni c$C", ["c2"]),
        ("case $NO in\n y) C=1 ;;\n *) C=2 ;;\nesac\ni c$C", ["c$C"]),
        ("for p in a b; do\n i $p\ndone\ni z", ["$p?", "z"]),
        ("(i a)", ["a"]),
        ("# don't\ni a # isn't\ni b", ["a", "b"]),
        ("i a && \\\n  i b &&\n\n i c", ["a", "b", "c"]),
        ("X=1 sudo i a", ["a"]),
    ],
)  # fmt: skip
def test_what_a_script_runs(script: str, names: list[str]) -> None:
    assert installed(script, A="x") == names


def test_behind_an_install_that_may_fail_stands_another_one() -> None:
    assert run("pip install a || pip install b") == [("pip install a", True)]
    assert run("which x || pip install b") == [("which x", True), ("pip install b", False)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${C//./}", "1241"), ("${C%.*}", "12.4"), ("${C%%.*}", "12"), ("${C:0:2}", "12"), ("${D:-7}", "7"),
        ("${C:+y}", "y"), ("'$C'", "'$C'"), ("\\$C", "\\$C"), ("${C^^}", "${C^^}"), ("$D", "$D"), ("${C#12.}", "4.1"),
    ],
)  # fmt: skip
def test_variables_are_replaced_as_far_as_they_are_known(text: str, value: str) -> None:
    assert expanded(text, {"C": "12.4.1"}) == value


@pytest.mark.parametrize(
    "script", ["(" * 5000, "if " * 3000, "esac;" * 3000, "case x in " * 2000, "$" * 9999, "fi;then;else"]
)
def test_a_broken_script_ends(script: str) -> None:
    list(commands(script))
