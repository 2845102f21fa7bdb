"""No secret lies where others than its owner could find it."""

from __future__ import annotations

import json

from pointsman.checks import Check, passed
from pointsman.errors import PointsmanError
from pointsman.hosts.proving.subject import Subject

JOURNAL_LINES = 50_000
# The first line of what it is given is a secret that must be nowhere, or empty. What runs, what was logged, and what
# everybody may read is looked through for it and for what tokens look like; a place is told, never what stands there.
_LOOK = r"""
import json, os, re, subprocess, sys
secret = sys.stdin.readline().strip().encode()
shapes = [rb"gh[pousr]_[A-Za-z0-9]{30,}", rb"github_pat_[A-Za-z0-9_]{40,}",
          rb"(?:ACTIONS_RUNNER_INPUT_TOKEN|POINTSMAN_RUNNER_TOKEN)=[A-Za-z0-9]{12,}",
          rb"--token[ =\0][A-Za-z0-9]{12,}", rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"]
pattern = re.compile(b"|".join(([re.escape(secret)] if secret else []) + shapes))
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    for what in ("cmdline", "environ"):
        try:
            if pattern.search(open(f"/proc/{pid}/{what}", "rb").read()):
                found.append(f"{what} of process {pid} ({open(f'/proc/{pid}/comm').read().strip()})")
        except OSError:
            pass
journal = subprocess.run(["journalctl", "--no-pager", "--output=cat", "-n", "JOURNAL_LINES"], capture_output=True)
if pattern.search(journal.stdout):
    found.append("the journal")
def files(*tops):
    for top in tops:
        for folder, _, names in os.walk(top):
            yield from (os.path.join(folder, name) for name in names)
for path in files("/var/log", "/srv/runner/actions-runner/_diag", "/tmp", "/etc/pointsman"):
    try:
        info = os.stat(path, follow_symlinks=False)
        if (info.st_mode & 0o170000) != 0o100000 or path.endswith((".gz", ".xz", ".journal")) or info.st_size > 50e6:
            continue
        if path.startswith("/etc/pointsman") and not info.st_mode & 0o004:
            continue
        if pattern.search(open(path, "rb").read()):
            found.append(path)
    except OSError:
        pass
for path in ("/srv/runner/actions-runner/.credentials", "/srv/runner/actions-runner/.credentials_rsaparams"):
    if os.path.exists(path) and os.stat(path).st_mode & 0o004 and os.stat("/srv/runner").st_mode & 0o001:
        found.append(f"{path} is open to everybody")
print(json.dumps(found))
""".replace("JOURNAL_LINES", str(JOURNAL_LINES))


def nowhere(host: Subject) -> Check:
    """Neither in arguments nor environments of processes, nor in the journal, nor in files that everybody reads."""
    name = "no secret in the open"
    try:
        known = host.token if host.has_runner else ""
    except PointsmanError:
        known = ""
    found: list[str] = json.loads(host.told(_LOOK, f"{known}\n"))
    if found:
        remedy = "make a new token, and see how the old one came there"
        return host.refused(name, "; ".join(found), "none in processes, journal, logs, /etc/pointsman", remedy=remedy)
    own = "GitHub's token and what looks like one" if known else "what looks like a token (the own one is not known)"
    return passed(name, f"{own}: in no process, journal, log, nor /etc/pointsman", service=host.name)
