"""The provisioning folder, read as Grafana reads it: data sources, folders of dashboards, and the dashboards."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pointsman.errors import UsageError

LARGEST = 4 << 20
GENERAL = "General"
"""Grafana's name for where dashboards without a folder are."""
# $NAME or ${NAME} comes from the environment, $$ is a dollar: Grafana's rule for provisioning files.
_VARIABLE = re.compile(r"\$\$|\$(\w+)|\$\{(\w+)\}")


@dataclass(frozen=True)
class DataSource:
    """One store that is asked: `settings` are its jsonData, `number` is its place in the files, from 1."""

    number: int
    uid: str
    name: str
    kind: str
    url: str
    is_default: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """One dashboard: `model` is the JSON as it was provisioned, `source` the file's name."""

    number: int
    uid: str
    title: str
    folder: str
    model: Mapping[str, Any]
    source: str

    @property
    def slug(self) -> str:
        """Its title for an address."""
        return slug(self.title)

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"/d/{self.uid}/{self.slug}"


@dataclass(frozen=True)
class Provisioned:
    """All that was read. `folders` are titles, in the order in which they came."""

    sources: tuple[DataSource, ...]
    boards: tuple[Board, ...]
    folders: tuple[str, ...]

    def source(self, named: object) -> DataSource | None:
        """The data source of a uid, or of a name as old dashboards have it; the default one for none."""
        if named in (None, "", "default"):
            return next((each for each in self.sources if each.is_default), None)
        return next((each for each in self.sources if named in (each.uid, each.name)), None)

    def board(self, uid: str) -> Board | None:
        """The dashboard of a uid."""
        return next((each for each in self.boards if each.uid == uid), None)


def folder_uid(title: str) -> str:
    """A folder's uid: Grafana makes one up, the board's is the title for addresses."""
    return slug(title)


def slug(title: str) -> str:
    """A title for an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "-"


def load(folder: Path, live: str = "") -> Provisioned:
    """Reads `folder`. Files that name themselves by the path `live` are looked for in `folder`.

    Raises UsageError that tells the file and the key which Grafana, or the board, would not take.
    """
    sources = tuple(_sources(folder))
    if twice := _twice(source.uid for source in sources):
        raise UsageError(f"{folder}/datasources: uid {twice} is there twice", remedy="give each a uid of its own")
    boards: list[Board] = []
    folders: list[str] = []
    for provider in _documents(folder / "dashboards", "providers"):
        title = str(provider.get("folder") or GENERAL)
        folders.append(title)
        path = str((provider.get("options") or {}).get("path", ""))
        place = folder / path[len(live) :].lstrip("/") if live and path.startswith(live) else Path(path)
        for file in sorted(place.rglob("*.json")) if path else ():
            boards.append(_board(file, title, len(boards) + 1))
    if twice := _twice(board.uid for board in boards):
        raise UsageError(f"{folder}/dashboards: uid {twice} is there twice", remedy="give each a uid of its own")
    return Provisioned(sources, tuple(boards), tuple(dict.fromkeys(folders)))


def _sources(folder: Path) -> Iterator[DataSource]:
    for number, each in enumerate(_documents(folder / "datasources", "datasources"), 1):
        name, kind, url = (str(each.get(key) or "") for key in ("name", "type", "url"))
        if not (name and kind and url.startswith(("http://", "https://"))):
            raise UsageError(
                f"{folder}/datasources: data source {number} ({name or 'without name'}) has type {kind!r}, url {url!r}",
                remedy="give it name, type and an http address",
            )
        settings = each.get("jsonData") or {}
        uid = str(each.get("uid") or slug(name))
        yield DataSource(number, uid, name, kind, url.rstrip("/"), bool(each.get("isDefault")), settings)


def _documents(folder: Path, key: str) -> Iterator[dict[str, Any]]:
    for file in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))):
        try:
            found = yaml.safe_load(_text(file)) or {}
        except yaml.YAMLError as error:
            raise UsageError(f"{file} is no YAML: {error}", remedy="correct it and start again") from None
        listed = found.get(key) if isinstance(found, dict) else None
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise UsageError(f"{file}: {key}: expected a list of mappings", remedy="correct it and start again")
        yield from (_filled_in(each) for each in listed)


def _board(file: Path, folder: str, number: int) -> Board:
    try:
        model = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON: {error}", remedy="correct it and start again") from None
    title = model.get("title") if isinstance(model, dict) else None
    if not isinstance(title, str) or not title:
        raise UsageError(f"{file}: title: Dashboard title cannot be empty", remedy="give the dashboard a title")
    uid = str(model.get("uid") or slug(title))
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid):
        raise UsageError(f"{file}: uid: {uid!r}: expected up to 40 letters, digits, - and _", remedy="give another uid")
    return Board(number, uid, title, folder, model, file.name)


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}", remedy=f"ls -l {file}") from None
    if len(text) > LARGEST:
        raise UsageError(f"{file} is larger than {LARGEST >> 20} MiB", remedy="make it smaller")
    return text


def _filled_in(value: Any) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: "$" if found[0] == "$$" else os.environ.get(found[1] or found[2], ""), value)
    if isinstance(value, dict):
        return {key: _filled_in(child) for key, child in value.items()}
    return [_filled_in(child) for child in value] if isinstance(value, list) else value


def _twice(uids: Iterator[str]) -> str:
    seen: set[str] = set()
    return next((uid for uid in uids if uid in seen or seen.add(uid)), "")  # type: ignore[func-returns-value]
