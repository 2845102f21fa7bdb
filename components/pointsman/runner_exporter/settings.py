"""The settings of the exporter, as the playbooks write them to /etc/pointsman/runner-exporter.json."""

from __future__ import annotations

import re
import time
from calendar import timegm
from dataclasses import dataclass
from pathlib import Path

from pointsman.metrics_page.settings import FOLDER, LISTEN, PORT, Key, read, words

VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
# What systemd lets units be called ("systemd.unit", section "Description").
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*\.service")
_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?")
_DAY = "%Y-%m-%d"


def _is_day(text: str) -> bool:
    try:
        time.strptime(text, _DAY)
    except ValueError:
        return text == ""
    return True


KEYS = {
    "unit": Key(words("the name of a service, such as actions-runner.service", _UNIT.fullmatch)),
    "program_folder": Key(FOLDER),
    "work_folder": Key(FOLDER),
    "port": Key(PORT),
    "listen": Key(LISTEN, "0.0.0.0"),
    "user": Key(words("the name of an account", lambda text: re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text)), "runner"),
    "latest_version": Key(
        words("a version such as 2.336.0, or nothing", lambda text: not text or VERSION.fullmatch(text)), ""
    ),
    "latest_released": Key(words("a day such as 2026-03-01, or nothing", _is_day), ""),
    "github_url": Key(words("an http or https URL, or nothing", lambda text: not text or _URL.fullmatch(text)), ""),
}


@dataclass(frozen=True)
class Settings:
    """What the exporter looks at. `latest_released` is Unix seconds of the day, None when unknown."""

    unit: str
    program_folder: Path
    work_folder: Path
    port: int
    listen: str
    user: str
    latest_version: str
    latest_released: float | None
    github_url: str

    @property
    def diag_folder(self) -> Path:
        """Where the runner program writes its logs."""
        return self.program_folder / "_diag"


def load(path: Path) -> Settings:
    """Reads the settings; raises UsageError that tells every mistake."""
    got = read(path, KEYS)
    day = got["latest_released"]
    # Midnight UTC at the beginning of the day: the early side.
    released = float(timegm(time.strptime(day, _DAY))) if day else None
    got.update(
        latest_released=released, program_folder=Path(got["program_folder"]), work_folder=Path(got["work_folder"])
    )
    return Settings(**got)
