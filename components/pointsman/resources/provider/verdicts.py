"""Configs that a service's own validator has taken before, so that the same one is not asked about again.

A validator runs without a network over the files of a release alone: image, command and files decide what it says. To
start one takes the engine half a second, and an environment has seven.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pointsman.paths import cache_dir


def known_good(image: str, user: int, command: Sequence[str], files: Mapping[str, str]) -> bool:
    """Whether this validator took these files before. `command` has `{release}` in place of the files' folder."""
    return _verdict(image, user, command, files).is_file()


def remember(image: str, user: int, command: Sequence[str], files: Mapping[str, str]) -> None:
    """Keeps that the validator took the files; only good verdicts are kept."""
    path = _verdict(image, user, command, files)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def _verdict(image: str, user: int, command: Sequence[str], files: Mapping[str, str]) -> Path:
    """The file that stands for a good verdict: named by a digest, and empty, since a config may tell of the estate."""
    asked = json.dumps([image, user, list(command), sorted(files.items())])
    return cache_dir() / "validated" / hashlib.sha256(asked.encode()).hexdigest()
