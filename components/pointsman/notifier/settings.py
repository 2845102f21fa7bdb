"""The settings of the notifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointsman.github import Scope
from pointsman.metrics_page.settings import FOLDER, LISTEN, PORT, Key, Kind, read

PORT_NUMBER = 9002


def _each(**good: Kind) -> Kind:
    """A mapping of names to mappings with exactly these keys."""

    def fits(got: Any) -> bool:
        return isinstance(got, dict) and all(
            isinstance(each, dict) and set(each) == set(good) and all(good[key].good(each[key]) for key in good)
            for each in got.values()
        )

    return Kind(f"a mapping of receivers, each with {', '.join(good)}", fits)


_TEXT = Kind("a text", lambda got: isinstance(got, str))
_TEXTS = Kind("a list of texts", lambda got: isinstance(got, list) and all(isinstance(each, str) for each in got))

KEYS = {
    "listen": Key(LISTEN, "0.0.0.0"),
    "port": Key(PORT, PORT_NUMBER),
    "dashboards": Key(_TEXT, ""),
    "github": Key(_each(url=_TEXT, api_url=_TEXT, token_file=FOLDER, labels=_TEXTS), {}),
    "discord": Key(_each(url_file=FOLDER), {}),
}


@dataclass(frozen=True)
class Repository:
    """A repository whose issues tell of alerts."""

    scope: Scope
    token_file: Path
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """Where the notifier listens, and its receivers by name; for `discord` the file with the webhook's address.

    `dashboards` is what addresses of dashboards begin with, which rules do not know.
    """

    listen: str
    port: int
    dashboards: str
    github: Mapping[str, Repository]
    discord: Mapping[str, Path]


def load(path: Path) -> Settings:
    """Reads the settings; raises UsageError that tells every mistake."""
    got = read(path, KEYS)
    github = {
        name: Repository(Scope.parse(each["url"], each["api_url"]), Path(each["token_file"]), tuple(each["labels"]))
        for name, each in got["github"].items()
    }
    discord = {name: Path(each["url_file"]) for name, each in got["discord"].items()}
    return Settings(got["listen"], got["port"], got["dashboards"], github, discord)
