"""The runner program's version, and how long GitHub still takes it: 30 days after the next release (runner#4305)."""

from __future__ import annotations

import re
import time
from pathlib import Path

from pointsman.metrics_page.families import Family, one
from pointsman.runner_exporter import safely
from pointsman.runner_exporter.settings import VERSION

GRACE_DAYS = 30
_DAY = 86400.0
# After an update by itself `bin` is a link to the folder of the version.
_FOLDER = re.compile(r"bin\.(\d[\d.]{0,30})")


def read(
    program: Path, logged: str | None, latest: str, released: float | None, now: float | None = None
) -> list[Family]:
    """The version and its days left; nothing of what is unknown. `logged` is what the program's log says."""
    version, source = _version(program, logged)
    if not version:
        return []
    families = [
        one(
            "pointsman_runner_version_info",
            "The runner's version and where it was read.",
            1,
            version=version,
            source=source,
        )
    ]
    if latest:
        behind = _parts(version) < _parts(latest)
        meaning = "Whether the runner is older than the newest version that the settings name."
        families.append(one("pointsman_runner_version_behind", meaning, behind))
        if behind and released is not None:
            left = (released + GRACE_DAYS * _DAY - (time.time() if now is None else now)) / _DAY
            meaning = "Days until GitHub gives this version no more jobs, by the settings' newest version and its day."
            families.append(one("pointsman_runner_version_days_left", meaning, round(left, 3), source="settings"))
    return families


def configured(program: Path) -> list[Family]:
    """Whether the runner is registered, as its files say. Raises OSError when they can't be looked for."""
    there = all(safely.exists(program / name) for name in (".runner", ".credentials"))
    return [one("pointsman_runner_configured", "Whether the runner has the files of a registration.", there)]


def _version(program: Path, logged: str | None) -> tuple[str, str]:
    """The version and where it was found. What runs counts, and only the log knows that."""
    if logged and VERSION.fullmatch(logged):
        return logged, "log"
    if (program / "bin").is_symlink() and (found := _FOLDER.fullmatch((program / "bin").resolve().name)):
        return found.group(1), "folder"
    return "", ""


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
