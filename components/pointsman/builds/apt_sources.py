"""Where this machine gets Debian packages from, turned to another suite: its mirrors and keys, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

APT: Final = Path("/etc/apt")

# Debian's list of releases: those since 2019, and the names that move from one to the next.
_RELEASES: Final = (
    *("buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
    *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
)
_SUITE: Final = re.compile(rf"({'|'.join(_RELEASES)})(-updates|-security)?")
_MOVING: Final = ("sid", "unstable")
"""Suites without updates and security beside them."""


@dataclass(frozen=True)
class Source:
    """One place of packages. `signed_by` is a path of keys, or the keys themselves; empty: all that apt trusts."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def machine_sources(folder: Path) -> list[Source]:
    """All enabled sources of binary packages that apt on this machine has, in both of its formats."""
    lists = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]
    found = [source for file in lists if file.is_file() for source in one_line(_text(file))]
    for file in sorted(folder.glob("sources.list.d/*.sources")):
        found += deb822(_text(file))
    return found


def deb822(text: str) -> Iterator[Source]:
    """The sources of a file in the format of `*.sources`."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", kept):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        uris, suites, components = (tuple(fields.get(key, "").split()) for key in ("uris", "suites", "components"))
        yield Source(uris, suites, components, fields.get("signed-by", ""))


def one_line(text: str) -> Iterator[Source]:
    """The sources of a file in the format of `sources.list`."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            signed_by = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            yield Source((uri,), (suite,), tuple(components.split()), signed_by[1] if signed_by else "")


def retargeted(sources: Iterable[Source], suite: str) -> list[Source]:
    """The sources of Debian releases, their updates and security too, for `suite` in place of what they serve here."""
    found = []
    for source in sources:
        matches = [_SUITE.fullmatch(each) for each in source.suites]
        moved = dict.fromkeys(f"{suite}{match[2] or ''}" for match in matches if match)
        if suite in _MOVING:
            moved = dict.fromkeys(each for each in moved if each == suite)
        uris = tuple(uri for uri in source.uris if not uri.startswith("cdrom:"))
        if moved and uris and "main" in source.components:
            found.append(replace(source, uris=uris, suites=tuple(moved), components=("main",)))
    return list(dict.fromkeys(found))


def rendered(sources: Iterable[Source]) -> str:
    """A `*.sources` file. No option that loosens the check of signatures is carried over."""
    return "\n".join(
        f"Types: deb\nURIs: {' '.join(each.uris)}\nSuites: {' '.join(each.suites)}\n"
        f"Components: {' '.join(each.components)}\n" + (f"Signed-By: {each.signed_by}\n" if each.signed_by else "")
        for each in sources
    )


def _fields(stanza: str) -> dict[str, str]:
    """Fields by name in lower case; a value of many lines keeps them, indented as they were."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] = f"{fields.get(name, '')}\n{line}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
