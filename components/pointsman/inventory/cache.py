"""The resolved hosts of the last time, which hold as long as nothing changed that they came from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pointsman.inventory.files import Files


def key(files: Files) -> str:
    """What resolved hosts come from, but the environment variables: all files, where they lie, ansible-core's version,
    and how this package reads them."""
    try:
        ansible = version("ansible-core")
    except PackageNotFoundError:
        ansible = "none"
    digest = hashlib.sha256(f"{files.digest} {files.folder} {ansible}\n".encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def stored(path: Path, wanted: str) -> Any | None:
    """What was stored under a key; None where there is nothing, or where an environment variable changed."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = [str(name) for name in found["environment"]]
        if found["key"] == wanted and found["values"] == _digest(names, wanted):
            return found["inventory"]
    except (OSError, ValueError, LookupError, TypeError):
        pass  # not there, or not whole: it is made again
    return None


def store(path: Path, wanted: str, environment: Sequence[str], inventory: Any) -> None:
    """Keep plain data under a key, with the names of the environment variables that it came from.

    A cache that cannot be written is none: the next run resolves again.
    """
    plain = {
        "key": wanted,
        "environment": list(environment),
        "values": _digest(environment, wanted),
        "inventory": inventory,
    }
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(plain, file)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _digest(environment: Sequence[str], salt: str) -> str:
    if not environment:
        return ""
    # One of them may be a password: a plain digest would help to guess it.
    values = json.dumps([(name, os.environ.get(name)) for name in sorted(environment)])
    return hashlib.scrypt(values.encode(), salt=salt.encode(), n=2**13, r=8, p=1).hex()
