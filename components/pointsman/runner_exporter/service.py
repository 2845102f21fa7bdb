"""The runner's service as systemd sees it: the stock unit goes inactive, not failed, when its program gives up."""

from __future__ import annotations

import os
import subprocess

from pointsman.metrics_page.families import COUNTER, Family, one, which

STATES = ("active", "activating", "deactivating", "failed", "inactive", "other")
SECONDS = 1.5
_PROPERTIES = "ActiveState,NRestarts"
# What systemctl says when dbus-daemon turns it away: it does so with every account that it can't look up.
_NOT_CONNECTED = "Transport endpoint is not connected"
_REFUSED = (
    "; the system bus does not know this account: give it a lasting one, or install libnss-systemd for DynamicUser"
)


def read(unit: str) -> list[Family]:
    """State and restarts of `unit`. Raises OSError or ValueError when systemd does not tell."""
    told = _shown(unit)
    state = told["ActiveState"] if told["ActiveState"] in STATES else "other"
    return [
        one("pointsman_runner_service_active", "Whether the runner's service is active.", state == "active"),
        which(
            "pointsman_runner_service_state",
            "1 for the state that systemd tells of the runner's service.",
            "state",
            STATES,
            state,
        ),
        one(
            "pointsman_runner_service_restarts_total",
            "Restarts of the runner's service by systemd since it was last started by hand.",
            int(told.get("NRestarts") or 0),
            COUNTER,
        ),
    ]


def _shown(unit: str) -> dict[str, str]:
    command = ["systemctl", "show", f"--property={_PROPERTIES}", "--", unit]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    try:
        found = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"systemctl gave no answer within {SECONDS} s") from None
    told = dict(line.split("=", 1) for line in found.stdout.splitlines() if "=" in line)
    if found.returncode or "ActiveState" not in told:
        said = found.stderr.strip()[:200] or "no answer"
        raise ValueError(f"systemctl: {said}{_REFUSED if _NOT_CONNECTED in said else ''}")
    return told
