"""Variables are filled in as Grafana fills them in."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pointsman.board.timerange import HOUR, TimeRange
from pointsman.board.variables import Value, as_query, globals_of, in_query, in_text, substitute, used

ONE = Value(("build",))
DOTTED = Value(("a.b",), many=True)
TWO = Value(("a.b", "c|d"), many=True)
ANY = Value(("a", "b"), many=True, raw=".*", is_all=True)
VALUES = {"one": ONE, "dotted": DOTTED, "two": TWO, "any": ANY}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x{w="$one"}', 'x{w="build"}'),
        ('x{w="${one}"}', 'x{w="build"}'),
        ('x{w="[[one]]"}', 'x{w="build"}'),
        ('x{w=~"$dotted"}', r'x{w=~"a\\.b"}'),
        ('x{w=~"$two"}', r'x{w=~"(a\\.b|c\\|d)"}'),
        ('x{w=~"${two:regex}"}', r'x{w=~"(a\.b|c\|d)"}'),
        ('x{w=~"${two:pipe}"}', 'x{w=~"a.b|c|d"}'),
        ("${two:csv}", "a.b,c|d"),
        ("${two:glob}", "{a.b,c|d}"),
        ("${two:json}", '["a.b", "c|d"]'),
        ("${two:raw}", "a.b,c|d"),
        ("${two:singlequote}", "'a.b','c|d'"),
        ("${two:doublequote}", '"a.b","c|d"'),
        ("${two:text}", "a.b + c|d"),
        ("${two:percentencode}", "%7Ba.b%2Cc%7Cd%7D"),
        ("${two:queryparam}", "var-two=a.b&var-two=c%7Cd"),
        ('x{w=~"$any"}', 'x{w=~".*"}'),
        ("${any:text}", "All"),
        ("${any:queryparam}", "var-any=%24__all"),
        ("$unknown ${unknown} [[unknown]]", "$unknown ${unknown} [[unknown]]"),
        ("$oneness", "$oneness"),
        ("cost of $5", "cost of $5"),
    ],
)
def test_formats(text: str, expected: str) -> None:
    """Each format; what is unknown is left for who knows it, and a longer name is another name."""
    assert substitute(text, VALUES) == expected


def test_titles_are_for_people() -> None:
    """All is All, several are added."""
    assert substitute("$any: $two", VALUES, in_text) == "All: a.b + c|d"


def test_an_unknown_format_is_refused() -> None:
    """A query with the text of a format in it would fail in words that nobody understands."""
    with pytest.raises(ValueError, match="no format lucene"):
        substitute("${one:lucene}", VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate(x[$__rate_interval])", "rate(x[1m])"),
        ("rate(x[$__interval])", "rate(x[15s])"),
        ("x[${__interval}]", "x[15s]"),
        ("increase(x[$__range])", "increase(x[3600s])"),
        ("$__range_s $__range_ms $__interval_ms", "3600 3600000 15000"),
        ("$__rate_interval_ms", "60000"),
        ("${__from} $__to", "0 3600000"),
    ],
)
def test_globals(text: str, expected: str) -> None:
    """An hour at 15 s of step and scrape interval."""
    assert substitute(text, globals_of(TimeRange(0, HOUR), 15_000, 15_000)) == expected


@given(some.text(max_size=30))
def test_text_without_variables_stays(text: str) -> None:
    """Whatever it is."""
    if not used(text) & set(VALUES):
        assert substitute(text, VALUES) == text


@given(
    some.lists(some.text(some.characters(codec="ascii", exclude_characters='"\n'), min_size=1, max_size=12), min_size=1)
)
def test_what_may_be_many_matches_just_what_was_chosen(chosen: list[str]) -> None:
    """In a quoted string of PromQL a backslash stands for itself only when doubled; what is left is the regex."""
    written = in_query(Value(tuple(chosen), many=True))
    read = written.replace("\\\\", "\\")
    for each in chosen:
        assert re.fullmatch(read, each)
    assert re.fullmatch(read, "something else") is None or "something else" in chosen


@given(some.text(some.characters(codec="ascii", exclude_characters="\n"), max_size=20))
def test_one_value_never_ends_its_string(value: str) -> None:
    """No value of an address's variable gets out of the quotes that it stands in."""
    written = in_query(Value((value,)))
    assert re.fullmatch(r'(?:[^"\\]|\\["\\])*', written)
    assert re.sub(r'\\(["\\])', r"\1", written) == value


def test_an_address_carries_what_was_chosen() -> None:
    """With names and values encoded."""
    assert as_query("a b", Value(("x&y",))) == "var-a%20b=x%26y"
