"""Packs the stand-in runner as the real one comes: a tarball with a version and a sha256.

python tests/standins/packing.py FOLDER [VERSION]    writes actions-runner-linux-x64-VERSION.tar.gz, prints its sha256
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import tarfile
from pathlib import Path

PROGRAM = Path(__file__).parent / "runner"
VERSION = (PROGRAM / "bin" / "version").read_text("utf-8").strip()


def packed(version: str = VERSION) -> bytes:
    """The tarball; the same bytes wherever and whenever it is made."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(PROGRAM.rglob("*")):
            if not path.is_file() or path.suffix in (".md", ".pyc"):
                continue
            name = str(path.relative_to(PROGRAM))
            content = f"{version}\n".encode() if name == "bin/version" else path.read_bytes()
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def pack(folder: Path, version: str = VERSION) -> tuple[Path, str]:
    """Writes the tarball into `folder`; its path and its sha256."""
    content = packed(version)
    path = folder / f"actions-runner-linux-x64-{version}.tar.gz"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    made, digest = pack(Path(sys.argv[1]), *sys.argv[2:3])
    print(f"{digest}  {made}")
