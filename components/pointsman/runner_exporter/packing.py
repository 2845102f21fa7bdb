"""Packs the exporter into one file that any Python from 3.9 on runs: a zipapp, the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
_SHEBANG = b"#!/usr/bin/python3\n"
# The earliest that the format knows; stored, not deflated, since compressors differ in their output.
_TIME = (1980, 1, 1, 0, 0, 0)
# The package's own __init__ knows of components that are not on a host.
_EMPTY = '"""Pointsman: the part of it that runs on hosts."""\n'
_START = (
    '"""Starts the exporter."""\n\nimport runpy\n\nrunpy.run_module("pointsman.runner_exporter", run_name="__main__")\n'
)


def packed() -> bytes:
    """The zipapp's bytes."""
    plain = io.BytesIO(_SHEBANG)
    plain.seek(0, io.SEEK_END)
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(_files().items()):
            member = zipfile.ZipInfo(name, _TIME)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)
    return plain.getvalue()


def build(target: Path) -> str:
    """Writes the zipapp to `target`, whole or not at all; its sha256."""
    content = packed()
    part = target.with_name(f".{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(content)
    part.chmod(0o755)
    part.replace(target)
    return hashlib.sha256(content).hexdigest()


def _files() -> dict[str, bytes]:
    kept = [PACKAGE / "errors.py"]
    for folder in ("metrics_page", "runner_exporter"):
        kept += [path for path in (PACKAGE / folder).glob("*.py") if path != Path(__file__).resolve()]
    files = {f"pointsman/{path.relative_to(PACKAGE)}": path.read_bytes() for path in kept}
    return files | {"pointsman/__init__.py": _EMPTY.encode(), "__main__.py": _START.encode()}
