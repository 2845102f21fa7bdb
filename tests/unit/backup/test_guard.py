"""The guard undoes what a killed backup left, and nothing that the backup undid itself."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pointsman.backup.guard import Guard, left

DIES = """
import os, signal, sys
from pathlib import Path
from pointsman.backup.guard import Guard
with Guard() as guard, guard.over("folder", sys.argv[1]):
    os.killpg(0, signal.SIGKILL)
"""


def _lines(*told: tuple[str, str, str]) -> io.StringIO:
    return io.StringIO("".join(json.dumps(each) + "\n" for each in told) + '["+", "folder", "cut o')


def test_what_is_left() -> None:
    """The last done comes first; what was undone, and a line that a kill cut off, are not there."""
    told = _lines(("+", "folder", "/a"), ("+", "container", "b"), ("+", "stopped", "c"), ("-", "container", "b"))
    assert left(told) == [("stopped", "c"), ("folder", "/a")]


def test_a_kill_of_the_whole_group(tmp_path: Path) -> None:
    """SIGKILL of backup and group leaves the guard alive, which then does its work and ends."""
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "loki.tar").write_bytes(b"half")
    components = str(Path(__file__).parents[3] / "components")
    died = subprocess.run(
        [sys.executable, "-c", DIES, str(folder)],
        env=os.environ | {"PYTHONPATH": components},
        start_new_session=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_a_clean_end(tmp_path: Path) -> None:
    """What the backup undid is left alone, though it may have been made again since."""
    with Guard() as guard, guard.over("folder", str(tmp_path)):
        pass
    assert tmp_path.exists()
