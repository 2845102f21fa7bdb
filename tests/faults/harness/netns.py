"""Packet filter and open connections of a container, from the machine and as root: images hold no such tools."""

from __future__ import annotations

import os
import shutil
import subprocess

TOOLS = ("nsenter", "iptables", "ss")


def missing() -> str:
    """Why no namespace can be entered here; empty when one can."""
    if os.geteuid() != 0:
        return "a container's network namespace is entered as root only"
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"the machine has no {', '.join(lacking)}: apt-get install iptables iproute2 util-linux" if lacking else ""


def has_rule(process: int, rule: tuple[str, ...]) -> bool:
    """Whether the rule is in the OUTPUT chain."""
    return _enter(process, "iptables", "-w", "-C", "OUTPUT", *rule).returncode == 0


def add_rule(process: int, rule: tuple[str, ...]) -> None:
    """Puts the rule first in the OUTPUT chain of the process's namespace."""
    done = _enter(process, "iptables", "-w", "-I", "OUTPUT", *rule)
    assert done.returncode == 0, done.stderr


def delete_rule(process: int, rule: tuple[str, ...]) -> None:
    """Takes the rule out, however often it is there."""
    while has_rule(process, rule):
        done = _enter(process, "iptables", "-w", "-D", "OUTPUT", *rule)
        assert done.returncode == 0, done.stderr


def cut_connections(process: int, address: str) -> None:
    """Ends every connection of the container's own address at once; those within it stay."""
    _enter(process, "ss", "-K", "state", "established", "src", address)


def _enter(process: int, *command: str) -> subprocess.CompletedProcess[str]:
    argv = ["nsenter", f"--net=/proc/{process}/ns/net", *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False)
