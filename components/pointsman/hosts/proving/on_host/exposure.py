"""Where a secret, or what looks like one, can be found by others than its owner, as JSON: in arguments and environments
of processes, in the journal, in logs, in what everybody reads. A place is told, never what stands there.

Standard input: the secret that must be nowhere, a line; empty where it is not known.
"""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from re import Pattern

JOURNAL_LINES = 50_000
LARGEST = 50 * 2**20
SHAPES = (
    # Registration and remove tokens of GitHub.
    rb"(?<![A-Za-z0-9+/])A[A-Z2-7]{28}(?![A-Za-z0-9+/])",
    rb"gh[pousr]_[A-Za-z0-9]{30,}",
    rb"github_pat_[A-Za-z0-9_]{40,}",
    rb"(?:ACTIONS_RUNNER_INPUT_TOKEN|POINTSMAN_RUNNER_TOKEN)=[A-Za-z0-9]{12,}",
    rb"--token[ =\0][A-Za-z0-9]{12,}",
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
)
RUNNER = Path("/srv/runner")
OWN = Path("/etc/pointsman")
LOGS = (Path("/var/log"), RUNNER / "actions-runner/_diag", Path("/tmp"), OWN)
KEPT = (RUNNER / "actions-runner/.credentials", RUNNER / "actions-runner/.credentials_rsaparams")
PACKED = (".gz", ".xz", ".journal")


def processes(pattern: Pattern[bytes]) -> Iterator[str]:
    """Processes that hold one."""
    for folder in Path("/proc").glob("[0-9]*"):
        for what in ("cmdline", "environ"):
            try:
                if pattern.search((folder / what).read_bytes()):
                    yield f"{what} of process {folder.name} ({(folder / 'comm').read_text().strip()})"
            except OSError:
                continue


def journal(pattern: Pattern[bytes]) -> Iterator[str]:
    """The journal, if it holds one."""
    command = ["journalctl", "--no-pager", "--output=cat", "-n", str(JOURNAL_LINES)]
    if pattern.search(subprocess.run(command, capture_output=True, check=False).stdout):
        yield "the journal"


def files(pattern: Pattern[bytes]) -> Iterator[str]:
    """Logs that hold one, and of our own settings those that everybody reads."""
    for top in LOGS:
        for folder, _, names in os.walk(top):
            for path in (Path(folder) / name for name in names):
                try:
                    info = path.lstat()
                    is_read = stat.S_ISREG(info.st_mode) and info.st_size <= LARGEST and path.suffix not in PACKED
                    if top == OWN and not info.st_mode & stat.S_IROTH:
                        continue
                    if is_read and pattern.search(path.read_bytes()):
                        yield str(path)
                except OSError:
                    continue


def kept() -> Iterator[str]:
    """The runner's own credentials, if everybody may read them."""
    for path in KEPT:
        if path.exists() and path.stat().st_mode & stat.S_IROTH and RUNNER.stat().st_mode & stat.S_IXOTH:
            yield f"{path} is open to everybody"


def main() -> None:
    """Prints the places."""
    secret = sys.stdin.readline().strip().encode()
    pattern = re.compile(b"|".join(((re.escape(secret),) if secret else ()) + SHAPES))
    print(json.dumps([*processes(pattern), *journal(pattern), *files(pattern), *kept()]))


if __name__ == "__main__":
    main()
