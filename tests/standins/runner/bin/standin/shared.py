"""What listener and worker share: the folder and its files, the `_diag` log, the terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS, CREDENTIALS, KEY, SERVICE = ".runner", ".credentials", ".credentials_rsaparams", ".service"
SUCCESS, TERMINATED, RETRYABLE, SESSION_CONFLICT, VERSION_DEPRECATED = 0, 1, 2, 5, 7
# The real waits, times this: tests can't wait four minutes.
SCALE = float(os.environ.get("STANDIN_TIME_SCALE", "1"))
HIDDEN = "***"


class Terminated(Exception):
    """Ends the program with 1: trying again would change nothing."""


def version() -> str:
    """The version that this runner says it is."""
    return (ROOT / "bin" / "version").read_text("utf-8").strip()


def stamp() -> str:
    """The time as the real program writes it."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"


class Diag:
    """The log file of one process: `_diag/<prefix>_YYYYMMDD-HHMMSS-utc.log`; secrets are masked."""

    def __init__(self, prefix: str) -> None:
        folder = ROOT / "_diag"
        folder.mkdir(exist_ok=True)
        path = folder / f"{prefix}_{datetime.now(UTC):%Y%m%d-%H%M%S}-utc.log"
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._secrets: list[str] = []

    def mask(self, secret: str | None) -> None:
        """Never writes this text."""
        if secret:
            self._secrets.append(secret)

    def info(self, source: str, message: str) -> None:
        """A line of level INFO."""
        self._write("INFO", source, message)

    def error(self, source: str, message: str) -> None:
        """A line of level ERR."""
        self._write("ERR ", source, message)

    def _write(self, level: str, source: str, message: str) -> None:
        for secret in self._secrets:
            message = message.replace(secret, HIDDEN)
        self._file.write(f"[{stamp()} {level} {source}] {message}\n")


class Terminal:
    """Standard output, with a copy in `_diag`."""

    def __init__(self, diag: Diag) -> None:
        self._diag = diag

    def line(self, text: str = "") -> None:
        """A line on standard output."""
        print(text, flush=True)
        self._diag.info("Terminal", f"WRITE LINE: {text}")

    def success(self, text: str) -> None:
        """A line with a check mark."""
        self.line(f"√ {text}")

    def error(self, text: str) -> None:
        """A line on standard error."""
        print(text, file=sys.stderr, flush=True)
        self._diag.error("Terminal", f"WRITE ERROR: {text}")


def load(name: str) -> Any:
    """The JSON of a file of the runner's folder; the real program writes them with a byte order mark."""
    return json.loads((ROOT / name).read_text("utf-8-sig"))


def save(name: str, content: Mapping[str, Any], private: bool = False) -> None:
    """Writes such a file; a private one is for the owner alone from its first moment."""
    path = ROOT / name
    mode = 0o600 if private else 0o644
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8-sig") as file:
        json.dump(content, file, indent=2)


def load_env() -> None:
    """Takes the lines of `.env` into the environment."""
    for name, value in _lines(ROOT / ".env"):
        os.environ[name] = value


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_file():
        for line in path.read_text("utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and name:
                yield name, value
