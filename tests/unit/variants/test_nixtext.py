"""Nix text, read without Nix: strings, comments and bindings are told apart."""

from __future__ import annotations

import pytest

from stackcheck.variants.nixtext import read_nix


def test_comments_and_strings_are_no_code() -> None:
    read = read_nix('a = "x # y"; # b = 1;\n/* c = "2"; */ d = e.f\'g;')
    assert read.strings() == ["x # y"]
    assert read.words() == ["a", "d", "e.f'g"]
    assert read.texts("a") == ("x # y",)
    assert (read.values("b"), read.values("c")) == ([], [])


def test_what_a_string_interpolates_is_code() -> None:
    read = read_nix('x = "${pkgs.lib.concat " " flags} and $${no} \\${no} \\" end";')
    assert read.words() == ["x", "pkgs.lib.concat", "flags"]
    assert read.strings()[-1] == '${pkgs.lib.concat " " flags} and $${no} \\${no} \\" end'


def test_an_indented_string_keeps_its_escapes() -> None:
    read = read_nix("s = ''\n  a ''${no} ''' ''\\n $x ${yes.it}\n''; t = 1;")
    assert read.words() == ["s", "yes.it", "t"]
    assert len(read.strings()) == 1


def test_a_name_with_primes_opens_no_string() -> None:
    assert read_nix("y = f' x''; z = 1;").words() == ["y", "f'", "x''", "z"]


def test_bindings_end_at_their_semicolon() -> None:
    read = read_nix('{ a = { b = "1"; c = [ "2" (x: { d = "3"; }) ]; }; e.b = "4"; b == "5"; }')
    assert read.texts("b") == ("1",)
    assert read.texts("a") == ("1", "2", "3")
    assert [read.code[span.start : span.end] for span in read.elements(read.values("c")[0])] == [
        '" "',
        '(x: { d = " "; })',
    ]


def test_a_name_in_a_list_is_looked_up() -> None:
    read = read_nix('let sm = "9.0"; in { gpuTargets = [ sm ]; other = sm; list = [sm "8.0"]; }')
    assert read.texts("gpuTargets") == ("9.0",)
    assert read.texts("other") == ("9.0",)
    assert read.texts("list") == ("8.0",)


def test_what_is_no_list_has_no_elements() -> None:
    read = read_nix("a = b; c = [ ];")
    assert [read.elements(read.values(name)[0]) for name in "ac"] == [[], []]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a = "x', 'line 1: " is not closed'),
        ("\na = ''x", "line 2: '' is not closed"),
        ('a = "${b', "line 1: ${ is not closed"),
        ("a = [ 1;\n", "line 1: [ is not closed"),
        ("a = 1; }", "line 1: } closes nothing"),
        ("a = ( [ ) ]", "line 1: ) closes nothing"),
        ("\n\n/* a", "line 3: /* is not closed"),
    ],
)
def test_what_is_not_closed_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="line") as caught:
        read_nix(text)
    assert str(caught.value) == message
