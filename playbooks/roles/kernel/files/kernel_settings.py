"""Brings kernel settings to their values, and tells what this host does not let anybody change or look at.

python3 - '{"net.ipv4.ip_forward": 0}' check|apply    prints {"changed": [...], "unverifiable": [{"key", "reason"}]}
"""

import json
import os
import subprocess
import sys
from pathlib import Path

CAP_SYS_TIME, CAP_SYS_MODULE, CAP_AUDIT_CONTROL = 25, 16, 30


def setting(key, wanted, write):
    """changed, right, or why it can't be said."""
    path = Path("/proc/sys") / key.replace(".", "/")
    try:
        if path.read_text().split() == str(wanted).split():
            return "right"
    except FileNotFoundError:
        return "this kernel has no such setting"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if not write and not os.access(path, os.W_OK):
        return "the kernel belongs to the machine below; it can't be changed from here"
    if write:
        try:
            path.write_text(f"{wanted}\n")
        except OSError:
            return "the kernel belongs to the machine below; it can't be changed from here"
    return "changed"


def machinery():
    """What a container has not, beside kernel settings."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    held = int(status["CapBnd"], 16)
    for key, bit in (("clock", CAP_SYS_TIME), ("modules", CAP_SYS_MODULE), ("auditd", CAP_AUDIT_CONTROL)):
        if not held >> bit & 1:
            yield key, "the capability for it is not given to this host"
    if not Path("/sys/kernel/security/apparmor/profiles").exists():
        yield "apparmor", "this host sees no AppArmor"
    contained = subprocess.run(["systemd-detect-virt", "--container", "--quiet"], check=False).returncode == 0
    if contained:
        for key in ("MemoryMax", "TasksMax", "DevicePolicy"):
            yield key, "accepted by systemd and not enforced in a container"


settings = json.loads(sys.argv[1])
# Forwarding first: a change of it sets other settings of net.ipv4.conf back.
ordered = sorted(settings.items(), key=lambda item: (not item[0].endswith("ip_forward"), item[0]))
found = {key: setting(key, wanted, sys.argv[2] == "apply") for key, wanted in ordered}
unverifiable = [(key, said) for key, said in found.items() if said not in ("changed", "right")]
unverifiable += machinery()
print(
    json.dumps(
        {
            "changed": [key for key, said in found.items() if said == "changed"],
            "unverifiable": [{"key": key, "reason": reason} for key, reason in unverifiable],
        }
    )
)
