"""Ansible plays on the hosts of the inventory: one play on one host, told task by task, failing in one message.

    play = Play("dev", "site", "runner-1", variables={...})
    outcome = run_play(play, on_task=print, timeout=600)

Ansible runs in a process of its own, so importing this costs next to nothing.
"""

from __future__ import annotations

from pointsman.plays.model import Cause, Outcome, Play, PlayFailed, Stop, Task
from pointsman.plays.running import run_play
from pointsman.plays.ssh import Way, controller_key, ssh_config
from pointsman.plays.tree import tree_hash

__all__ = [
    "Cause",
    "Outcome",
    "Play",
    "PlayFailed",
    "Stop",
    "Task",
    "Way",
    "controller_key",
    "run_play",
    "ssh_config",
    "tree_hash",
]
