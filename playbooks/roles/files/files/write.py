"""Makes folders and writes files as a JSON list on standard input tells; each takes its place whole, or not at all.

[{"path", "mode", "owner", "group", "content": text or null for a folder, "validate": command with %s, or ""}]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def settle(path, wanted):
    """Owner, then mode: a change of owner takes bits of the mode away."""
    os.chown(path, wanted["owner"], wanted["group"])
    path.chmod(int(wanted["mode"], 8))


def write(wanted):
    """A file, by a temporary one beside it."""
    path = Path(wanted["path"])
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".pointsman-")
    os.close(handle)
    new = Path(name)
    try:
        new.write_text(wanted["content"], encoding="utf-8")
        settle(new, wanted)
        if wanted["validate"]:
            command = ["sh", "-c", wanted["validate"].replace("%s", name)]
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            if checked.returncode:
                said = (checked.stderr or checked.stdout).replace(name, str(path)).strip()
                raise ValueError(f"`{wanted['validate']}` refuses it: {said}")
        new.replace(path)
    except BaseException:
        new.unlink()
        raise


for entry in json.load(sys.stdin):
    try:
        if entry["content"] is None:
            folder = Path(entry["path"])
            folder.mkdir(parents=True, exist_ok=True)
            settle(folder, entry)
        else:
            write(entry)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.exit(f"{entry['path']} can't be written: {reason}")
