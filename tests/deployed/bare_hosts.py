"""Hosts that no play has seen: the image started by hand, as a person would try it."""

from __future__ import annotations

import docker

# What systemd needs of a container.
HOST_OPTIONS = {
    "cap_add": ["SYS_ADMIN", "NET_ADMIN"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "tmpfs": {"/run": "rw,nosuid,nodev,mode=755,size=64m", "/run/lock": "rw,nosuid,nodev,size=5m"},
    "mem_limit": "1g",
}


def control_groups() -> dict[str, object]:
    """How systemd gets at its control groups: by the machine's own hierarchy where it is of version 1."""
    if docker.from_env().info()["CgroupVersion"] != "1":
        return {"cgroupns": "private"}
    return {"cgroupns": "host", "volumes": ["/sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw"]}
