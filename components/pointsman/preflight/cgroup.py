"""The version of control groups, which decides how systemd containers are set up: for information."""

from __future__ import annotations

from pathlib import Path

from pointsman.checks import Check, not_verifiable, passed
from pointsman.preflight.engine import Look

NAME = "cgroup"
MOUNTS = Path("/proc/self/mounts")
ROOT = "/sys/fs/cgroup"


def check(seen: Look) -> Check:
    """The version that the engine uses, or else this machine's."""
    if seen.facts and seen.facts.cgroup:
        return passed(NAME, f"v{seen.facts.cgroup}, driver {seen.facts.cgroup_driver} (says the Docker engine)")
    found = version(MOUNTS.read_text(encoding="utf-8"))
    return passed(NAME, f"{found} (this machine's)") if found else not_verifiable(NAME, f"none mounted at {ROOT}")


def version(mounts: str) -> str:
    """v1, v2 or "v1 (hybrid)" from the text of /proc/self/mounts, "" when there are no control groups.

    Hybrid: controllers are v1, and an empty v2 tree beside them serves systemd. Docker calls that v1.
    """
    rows = [line.split() for line in mounts.splitlines()]
    kinds = {row[1]: row[2] for row in rows if len(row) > 2 and (row[1] == ROOT or row[1].startswith(f"{ROOT}/"))}
    if kinds.get(ROOT) == "cgroup2":
        return "v2"
    if "cgroup" in kinds.values():
        return "v1 (hybrid)" if "cgroup2" in kinds.values() else "v1"
    return ""
