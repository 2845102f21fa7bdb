"""A hash of what plays are made of: all that lies in playbooks/."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pointsman.paths import checkout

PLAYBOOKS = "playbooks"
# What tools leave beside the sources.
_LEFT_BEHIND = frozenset({"__pycache__", ".ansible", ".cache"})
_ENDINGS_LEFT_BEHIND = (".pyc", ".retry", ".swp", "~")


def playbooks() -> Path:
    """Where the plays of this checkout lie."""
    return checkout() / PLAYBOOKS


def tree_hash(folder: Path | None = None) -> str:
    """SHA-256 over the path, the text and the executable bit of each file of the folder (default: playbooks/).

    A symbolic link counts by where it leads; order, times and owners do not count.
    """
    root = folder or playbooks()
    whole = hashlib.sha256()
    for path in _files(root):
        kind, content = (
            (b"link", str(path.readlink()).encode())
            if path.is_symlink()
            else (b"program" if path.stat().st_mode & 0o100 else b"file", path.read_bytes())
        )
        name = path.relative_to(root).as_posix().encode()
        for part in (name, kind, hashlib.sha256(content).digest()):
            whole.update(len(part).to_bytes(4, "big") + part)
    return whole.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    found = (path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    for path in sorted(found, key=lambda path: path.relative_to(root).as_posix()):
        if _LEFT_BEHIND.isdisjoint(path.relative_to(root).parts) and not path.name.endswith(_ENDINGS_LEFT_BEHIND):
            yield path
