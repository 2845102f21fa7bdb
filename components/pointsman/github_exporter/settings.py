"""The settings of the exporter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pointsman.errors import PointsmanError
from pointsman.github import Scope
from pointsman.github.scope import Repository
from pointsman.metrics_page.settings import FOLDER, LISTEN, PORT, Key, Kind, listed, number, read, whole, words

PORT_NUMBER = 9103
_TOKEN_FILE = Kind("the absolute path of a file", FOLDER.good)
# What GitHub lets secrets be called ("Naming your secrets").
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def _is_repository(text: str) -> bool:
    try:
        Repository.parse(text)
    except PointsmanError:
        return False
    return True


KEYS = {
    "url": Key(words("the URL of a repository or an organisation", bool)),
    "api_url": Key(words("the URL of GitHub's REST API, or nothing", lambda text: True), ""),
    "token_file": Key(_TOKEN_FILE),
    "listen": Key(LISTEN, "0.0.0.0"),
    "port": Key(PORT, PORT_NUMBER),
    "interval": Key(number(5, 3600), 30),
    "repositories": Key(listed("a list of OWNER/REPOSITORY", _is_repository), []),
    "secrets": Key(listed("a list of names of secrets", _SECRET.fullmatch), []),
    "queue_runs": Key(whole(1, 1000), 100),
    "queue_scans": Key(whole(0, 200), 10),
}


@dataclass(frozen=True)
class Settings:
    """What is watched. `interval` is in seconds from one poll to the next.

    `queue_runs`: of each repository at most so many runs that wait, and as many that run, are listed; `queue_scans`:
    of at most so many of them, the oldest, the jobs are asked for in one poll (a request each).
    """

    scope: Scope
    token_file: Path
    listen: str
    port: int
    interval: float
    repositories: tuple[str, ...]
    secrets: tuple[str, ...]
    queue_runs: int
    queue_scans: int

    @property
    def queued_in(self) -> tuple[str, ...]:
        """The repositories whose jobs our runners take; none is known for a bare organisation."""
        return self.repositories or ((str(self.scope.of),) if self.scope.repository else ())


def load(path: Path) -> Settings:
    """Reads the settings; raises UsageError that tells every mistake."""
    got = read(path, KEYS)
    scope = Scope.parse(got["url"], got["api_url"])
    return Settings(
        scope=scope,
        token_file=Path(got["token_file"]),
        listen=got["listen"],
        port=got["port"],
        interval=float(got["interval"]),
        repositories=tuple(dict.fromkeys(got["repositories"])),
        secrets=tuple(dict.fromkeys(got["secrets"])),
        queue_runs=got["queue_runs"],
        queue_scans=got["queue_scans"],
    )
