"""Makes folders and writes files as a JSON list on standard input tells; each takes its place whole, or not at all.

[{"path", "mode", "owner", "group", "content": text or null for a folder, "validate": command with %s, or ""}]
"""

import json
import os
import subprocess
import sys
import tempfile


def settle(path, wanted):
    """Owner, then mode: a change of owner takes bits of the mode away."""
    os.chown(path, wanted["owner"], wanted["group"])
    os.chmod(path, int(wanted["mode"], 8))


def write(wanted):
    """A file, by a temporary one beside it."""
    path = wanted["path"]
    handle, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".pointsman-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(wanted["content"])
        settle(new, wanted)
        if wanted["validate"]:
            command = ["sh", "-c", wanted["validate"].replace("%s", new)]
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            if checked.returncode:
                said = (checked.stderr or checked.stdout).replace(new, path).strip()
                raise ValueError(f"`{wanted['validate']}` refuses it: {said}")
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


for entry in json.load(sys.stdin):
    try:
        if entry["content"] is None:
            os.makedirs(entry["path"], exist_ok=True)
            settle(entry["path"], entry)
        else:
            write(entry)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.exit(f"{entry['path']} can't be written: {reason}")
