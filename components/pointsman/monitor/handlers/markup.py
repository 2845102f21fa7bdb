"""Elements of a page: built as a tree, so that no text of a run can become markup."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

Element = ElementTree.Element
# What HTML has no place for, as entities neither.
_NO_CHARACTERS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def element(tag: str, *inside: Element | str, **attributes: object) -> Element:
    """An element; `class_` is the attribute class, and `_` stands for `-` in names."""
    made = Element(tag, {_name(key): plain(str(value)) for key, value in attributes.items()})
    for each in inside:
        if isinstance(each, str):
            _append(made, plain(each))
        else:
            made.append(each)
    return made


def plain(text: str) -> str:
    """Text without control characters: each is shown as U+FFFD."""
    return _NO_CHARACTERS.sub("\ufffd", text)


def page(root: Element) -> bytes:
    """The document in UTF-8."""
    body: bytes = ElementTree.tostring(root, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + body + b"\n"


def duration(seconds: float) -> str:
    """A time for people: 0.25 s, 12 s, 3 m 20 s, 2 h 5 m, 3 d 4 h."""
    if seconds < 10:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    for unit, size, below, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _append(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
