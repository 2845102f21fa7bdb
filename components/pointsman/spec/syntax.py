"""The YAML parser's complaints in words that say what to mend; both parsers of PyYAML are understood."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """What a complaint means. `where_it_began`: the start of the construct tells more than where the parser gave up."""

    problem: str
    expected: str
    suggestion: str = ""
    where_it_began: bool = False


_EXPLANATIONS: tuple[tuple[tuple[str, ...], Explanation], ...] = (
    (
        ("mapping values are not allowed", "mapping keys are not allowed", "unexpected ':'"),
        Explanation(
            "a colon where no key can stand",
            "one `key: value` a line, keys of one section in one column",
            "quote a value that holds a colon",
        ),
    ),
    (
        ("could not find expected ':'",),
        Explanation("a line that is neither `key: value` nor part of a text", "`key: value`", where_it_began=True),
    ),
    (
        ("unexpected end of stream",),
        Explanation("a quoted text is not closed", "a closing quote", where_it_began=True),
    ),
    (
        ("unexpected document separator",),
        Explanation("a quoted text is not closed", "a closing quote", where_it_began=True),
    ),
    (("',' or ']'",), Explanation("a list in brackets is not closed", "`,` or `]`")),
    (("',' or '}'",), Explanation("a mapping in braces is not closed", "`,` or `}`")),
    (
        ("cannot start any token",),
        Explanation("a character that cannot begin a value", "text, a number, a list or a mapping", "quote the text"),
    ),
    (("undefined alias",), Explanation("an alias without its anchor", "`&name` above `*name`")),
    (("second occurrence",), Explanation("an anchor that stands twice", "each `&name` once")),
    (("found another document",), Explanation("a second document", "one document a file, without a second `---`")),
    (("document start>",), Explanation("a directive or text that no document can begin with", "`key: value`")),
    (
        ("unknown escape", "escape sequence", "hexdecimal", "hexadecimal"),
        Explanation("an escape that YAML does not know", "single quotes, or `\\\\`", where_it_began=True),
    ),
    (
        ("expected key", "<block end>", "'-' indicator"),
        Explanation("the line does not fit the section above it", "keys of one section in one column"),
    ),
    (
        ("sequence entries are not allowed",),
        Explanation("a list item where none can stand", "each `- item` in a line of its own, below the list's key"),
    ),
    (
        ("comment or", "chomping", "indentation indicator"),
        Explanation("text behind `|` or `>`", "the text in the lines below, indented", "quote a text that begins so"),
    ),
    (("alphabetical", "alphabetic"), Explanation("no name behind `&`, `*` or `%`", "a name of letters and digits")),
    (("node content",), Explanation("a value is missing or a bracket is not closed", "a value")),
)


def explain(complaint: str) -> Explanation:
    """What a parser's complaint means; its own words where nothing better is known."""
    for signs, explanation in _EXPLANATIONS:
        if any(sign in complaint for sign in signs):
            return explanation
    return Explanation(complaint.splitlines()[0] if complaint else "the text is not YAML", "valid YAML")
