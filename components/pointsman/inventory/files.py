"""The files of an inventory as they lie on the disk, and one digest over all of them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pointsman.errors import UsageError

HOSTS = "hosts.yml"
GROUP_VARS = "group_vars"
HOST_VARS = "host_vars"
VAULTED = b"$ANSIBLE_VAULT;"
"""How a file begins that is encrypted as a whole."""
# A thousand hosts with a file each are 1 MiB; what is larger than this is another folder.
MAX_FILES = 20_000
MAX_BYTES = 32 * 2**20
_DATA_SUFFIXES = (".yml", ".yaml", ".json", ".ini", ".cfg", ".toml")


@dataclass(frozen=True)
class Files:
    """The files that matter, by their path in the folder: hosts.yml, all of group_vars and host_vars, and what lies
    beside hosts.yml and looks as if it were read. `shown` is the folder as people call it."""

    folder: Path
    shown: str
    contents: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all names and contents."""
        digest = hashlib.sha256()
        for name, content in sorted(self.contents.items()):
            digest.update(f"{len(name)} {len(content)} {name}\n".encode())
            digest.update(content)
        return digest.hexdigest()


def read_files(folder: Path, shown: str) -> Files:
    """Read an inventory's folder. Raises UsageError where it, its hosts.yml or a file in it cannot be read."""
    if not folder.is_dir():
        raise UsageError(f"{shown} is not there, or no folder", remedy=f"write {shown}/{HOSTS}")
    contents: dict[str, bytes] = {}
    left = MAX_BYTES
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        content = _content(path, f"{shown}/{name}", left)
        left -= len(content)
        contents[name] = content
        if len(contents) > MAX_FILES:
            raise UsageError(f"{shown} holds more than {MAX_FILES} files; expected an inventory")
    if HOSTS not in contents:
        others = ", ".join(name for name in contents if "/" not in name)
        raise UsageError(
            f"{shown}/{HOSTS} is not there" + (f"; there is: {others}" if others else ""),
            remedy=f"write {shown}/{HOSTS}, with the groups and hosts of the environment",
        )
    return Files(folder, shown, contents)


def _walk(folder: Path) -> Iterator[Path]:
    """Hidden files and an editor's backups are left out, as Ansible leaves them out."""
    for path in sorted(folder.iterdir()):
        if _is_skipped(path.name):
            continue
        if path.name in (GROUP_VARS, HOST_VARS) and path.is_dir():
            for above, folders, names in os.walk(path):
                links = [each for each in folders if Path(above, each).is_symlink()]
                folders[:] = sorted(each for each in folders if not _is_skipped(each) and each not in links)
                yield from (Path(above, name) for name in sorted([*names, *links]) if not _is_skipped(name))
        elif path.name == HOSTS or path.suffix in _DATA_SUFFIXES or path.name in ("hosts", GROUP_VARS, HOST_VARS):
            yield path


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name.endswith("~")


def _content(path: Path, shown: str, left: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise UsageError(f"{shown} is {kind}; expected a YAML file")
        if status.st_size > left:
            raise UsageError(f"{shown}: the inventory holds more than {MAX_BYTES >> 20} MiB; expected a few pages")
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{shown} cannot be read: {reason}", remedy="check its permissions") from None
