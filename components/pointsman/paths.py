"""Where things are: the checkout, and the user's state and cache directories outside it."""

from __future__ import annotations

import os
from pathlib import Path

from pointsman.errors import UsageError

MARKER = "Pulumi.yaml"


def checkout() -> Path:
    """The repository that this command works on: POINTSMAN_ROOT, else the nearest parent of the working directory or
    of this file that holds Pulumi.yaml and stacks/.

    Raises UsageError when there is none.
    """
    if override := os.environ.get("POINTSMAN_ROOT"):
        root = Path(override).resolve()
        if (root / "stacks").is_dir():
            return root
        raise UsageError(
            f"POINTSMAN_ROOT is {root}, which is no Pointsman checkout: it holds no stacks/",
            remedy="set it to the clone, or unset it and change into the clone",
        )
    here = Path(__file__).resolve()
    for folder in (Path.cwd(), *Path.cwd().parents, *here.parents):
        if (folder / MARKER).is_file() and (folder / "stacks").is_dir():
            return folder
    raise UsageError(
        f"no Pointsman checkout found at or above {Path.cwd()} (looked for {MARKER} beside stacks/)",
        remedy="change into the clone, or set POINTSMAN_ROOT to it",
    )


def state_dir() -> Path:
    """Pulumi state, passphrases, locks of images, summaries: POINTSMAN_STATE_DIR, else the XDG state directory."""
    return _user_dir("POINTSMAN_STATE_DIR", "XDG_STATE_HOME", ".local/state")


def cache_dir() -> Path:
    """What can be made again (toolchain, images, build scratch): POINTSMAN_CACHE_DIR, else the XDG cache directory."""
    return _user_dir("POINTSMAN_CACHE_DIR", "XDG_CACHE_HOME", ".cache")


def environment_dir(environment: str) -> Path:
    """The part of the state directory that belongs to one environment."""
    return state_dir() / "environments" / environment


def _user_dir(own: str, xdg: str, fallback: str) -> Path:
    if override := os.environ.get(own):
        return Path(override).expanduser().resolve()
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / fallback).resolve() / "pointsman"
