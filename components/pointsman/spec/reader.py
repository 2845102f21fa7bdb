"""Read an environment's spec: validated whole, every mistake told at once, nothing else ever raised."""

from __future__ import annotations

import codecs
import contextlib
import difflib
import os
import stat
from collections.abc import Container
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pointsman import paths
from pointsman.errors import UsageError
from pointsman.spec.base import Location, Misfit, Misfits
from pointsman.spec.document import Document, Rest, find
from pointsman.spec.loader import load
from pointsman.spec.mistakes import Mistake, SpecError, shown
from pointsman.spec.models import Environment
from pointsman.spec.scalars import EnvironmentName
from pointsman.spec.schema import schema_at, schema_of, untagged
from pointsman.spec.wording import expected, expected_key, meant_key, problem, suggestion

MAX_BYTES = 256 * 1024  # a spec is a page or two; what is larger is another file
_KEY = "[key]"  # how pydantic says that a mapping's key is wrong, not its value
M = TypeVar("M", bound=BaseModel)
_NAME = TypeAdapter(EnvironmentName)
_NAME_RULE = "small letters, digits and hyphens, a letter first, at most 31 characters, such as dev"


def environments() -> list[str]:
    """The environments of the checkout: one a file stacks/<name>.yaml, sorted."""
    return sorted(path.stem for path in (paths.checkout() / "stacks").glob("*.yaml") if _is_name(path.stem))


def read_environment(name: str) -> Environment:
    """Read stacks/<name>.yaml of the checkout.

    Raises UsageError for a name that cannot be one or is not there, SpecError for mistakes in the file.
    """
    if not _is_name(name):
        raise UsageError(f"{name!r} cannot be an environment's name; expected {_NAME_RULE}", remedy=_choices(""))
    path = paths.checkout() / "stacks" / f"{name}.yaml"
    if not path.exists():
        raise UsageError(f"there is no environment {name}: {_shown(path)} does not exist", remedy=_choices(name))
    return read(path)


def read(path: Path) -> Environment:
    """Read a spec's file. Raises SpecError with all mistakes in it, UsageError when it cannot be read at all."""
    return read_as(Environment, path)


def read_as(model: type[M], path: Path) -> M:
    """Read a file that declares a `model`. Raises as `read` does."""
    file = _shown(path)
    content = _content(path, file).removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        readable = Document(file, content[: error.start].decode("utf-8") + "?")
        place = readable.place(len(readable.text) - 1)
        fault = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise SpecError((readable.mistake("syntax", place, (), fault, "a file saved as UTF-8"),)) from None
    return parse_as(model, text, file)


def parse(text: str, file: str) -> Environment:
    """The environment that a spec's text declares; `file` is what mistakes are reported under. Raises SpecError."""
    return parse_as(Environment, text, file)


def parse_as(model: type[M], text: str, file: str) -> M:
    """The `model` that a text declares. Raises SpecError."""
    with schema_of(model):
        return _checked(model, load(text, file))


def checked(document: Document) -> Environment:
    """The environment that a document declares. Raises SpecError with all its mistakes."""
    return _checked(Environment, document)


def _checked(model: type[M], document: Document) -> M:
    declared, wrong, misfits = _validate(model, document)
    unknown = {at for at, mistake in wrong.items() if mistake.kind == "unknown key"}
    mistakes = {
        *document.mistakes,
        *(mistake for at, mistake in document.unreadable.items() if not _is_below(at, unknown)),
        *(mistake for at, mistake in document.doubts.items() if not _is_below((*at, _KEY), wrong)),
        *(mistake for at, mistake in wrong.items() if at in unknown or at not in document.unreadable),
        *misfits,
    }
    if mistakes or declared is None:
        raise SpecError(tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column, mistake.key))))
    return declared


def _validate(model: type[M], document: Document) -> tuple[M | None, dict[Location, Mistake], list[Mistake]]:
    """Validate; then again without what is wrong, so that what does not fit together comes to light in the same run.

    The default that stands in for a removed value is nobody's mistake: misfits that touch one are left out, and so is
    all that is wrong only because something was removed.
    """
    wrong: dict[Location, Mistake] = {}
    misfits: list[Mistake] = []
    removed: set[Location] = set()
    while () not in removed:
        rest = Rest(document.root, removed)
        try:
            declared = model.model_validate(rest.data)
        except ValidationError as error:
            details = error.errors(include_url=False)
        else:
            return (None if removed else declared), wrong, misfits
        faults = [(rest.original(_place_of(detail)), detail) for detail in details]
        for detail in details:
            for misfit in _misfits_of(detail):
                keys = [rest.original((*_place_of(detail), *key)) for key in misfit.keys]
                if not any(_touches(key, removed) for key in keys):
                    misfits.append(_misfit(document, keys, misfit))
        if not removed:
            wrong = {at: _mistake(document, at, detail) for at, detail in faults if not _misfits_of(detail)}
        removed |= {at[:-1] if detail["type"] == "missing" or _is_of_key(at, detail) else at for at, detail in faults}
    return None, wrong, misfits


def _misfits_of(detail: ErrorDetails) -> tuple[Misfit, ...]:
    error = detail.get("ctx", {}).get("error")
    return error.misfits if isinstance(error, Misfits) else ()


def _place_of(detail: ErrorDetails) -> Location:
    """Where an error is in the document; a kind that there is not is the mistake of the key that tells it."""
    at = untagged(detail["loc"])
    return (*at, str(detail["ctx"]["discriminator"]).strip("'")) if detail["type"] == "union_tag_invalid" else at


def _mistake(document: Document, at: Location, detail: ErrorDetails) -> Mistake:
    if _is_of_key(at, detail):
        return _wrong_key(document, at[:-1])
    node, key_place = find(document, at)
    if detail["type"] == "extra_forbidden":
        known = expected_key(detail["loc"][:-1])
        return document.mistake("unknown key", key_place, at, "unknown key", known, meant_key(at))
    schema = schema_at(detail["loc"] if untagged(detail["loc"]) == at else at)
    if node is None:
        _, section = find(document, at[:-1])
        return document.mistake("missing key", section, at, f"{at[-1]} is missing", expected(schema))
    error = detail.get("ctx", {}).get("error")
    # A validator of our own says what it expected, and what is wrong where that is more than the value itself.
    own_problem, _, own_words = str(error).rpartition("expected ") if detail["type"] == "value_error" else ("", "", "")
    return document.mistake(
        "wrong value",
        node.place,
        at,
        own_problem.removesuffix("; ") or problem(node, schema),
        own_words or expected(schema),
        suggestion(node, schema),
        value=node.shown,
    )


def _is_of_key(at: Location, detail: ErrorDetails) -> bool:
    """Whether pydantic means a key; not so where a key is itself called that."""
    if at[-1:] != (_KEY,) or detail["type"] == "extra_forbidden":
        return False
    return (schema_at(at[:-1]) or {}).get("type") != "object" or schema_at(at) is None


def _wrong_key(document: Document, at: Location) -> Mistake:
    _, place = find(document, at)
    name = shown(str(at[-1]), quoted=True)
    names = (schema_at(at[:-1]) or {}).get("propertyNames", {})
    return document.mistake("wrong value", place, at, f"the key {name} does not fit", expected(names), value=name)


def _misfit(document: Document, keys: list[Location], misfit: Misfit) -> Mistake:
    """A misfit, at the first of its keys that is written; at least one is, or all were defaults."""
    at = next((key for key in keys if find(document, key)[0] is not None), keys[0])
    node, key_place = find(document, at)
    place, value = (node.place, node.shown) if node is not None else (key_place, "")
    return document.mistake("wrong value", place, at, misfit.problem, misfit.expected, value=value)


def _is_below(at: Location, locations: Container[Location]) -> bool:
    return any(at[:length] in locations for length in range(len(at) + 1))


def _touches(at: Location, locations: set[Location]) -> bool:
    return _is_below(at, locations) or any(other[: len(at)] == at for other in locations)


def _is_name(name: str) -> bool:
    try:
        _NAME.validate_python(name)
    except ValidationError:
        return False
    return True


def _choices(name: str) -> str:
    there = environments()
    if not there:
        return "write stacks/<name>.yaml; an empty file takes every default"
    near = difflib.get_close_matches(name, there, n=1)
    return (f"did you mean {near[0]}? " if near else "") + "there is: " + ", ".join(there)


def _content(path: Path, file: str) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise UsageError(f"{file} is {kind}; expected a YAML file")
        if status.st_size > MAX_BYTES:
            raise UsageError(f"{file} holds {status.st_size} bytes; expected a spec of at most {MAX_BYTES}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{file} cannot be read: {reason}", remedy="check the path and its permissions") from None


def _shown(path: Path) -> str:
    """A path as short as it can be: below the working directory, else below the checkout, else whole."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow a link to a name nobody wrote
    for folder in (Path.cwd, paths.checkout):
        with contextlib.suppress(ValueError, UsageError, OSError):
            return str(absolute.relative_to(folder()))
    return str(absolute)
