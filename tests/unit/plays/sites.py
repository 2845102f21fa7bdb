"""Small checkouts with one play and hosts that are this machine, without SSH."""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from pointsman.plays import Outcome, Play, Task, Way, run_play
from pointsman.plays.running import Site

HOST = "runner-1"


@contextmanager
def unlocked(way: Way, stopped: Callable[[], bool]) -> Iterator[None]:
    """No lock: this machine has no sshd."""
    yield


@dataclass
class Here:
    """A checkout whose plays run on this machine."""

    root: Path
    told: list[Task] = field(default_factory=list)

    @property
    def site(self) -> Site:
        """It, as plays take it."""
        return Site(self.root, unlocked)

    def write(self, tasks: str, *, playbook: str = "site") -> None:
        """Makes a play of these tasks."""
        text = "- name: Try\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        (self.root / "playbooks" / f"{playbook}.yml").write_text(text + textwrap.indent(textwrap.dedent(tasks), "    "))

    def run(
        self,
        *,
        host: str = HOST,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, object] | None = None,
        stop: Stopping | None = None,
        timeout: float = 60,
        check: bool = False,
        diff: bool = False,
        alone: bool = False,
        playbook: str = "site",
    ) -> Outcome:
        """Runs the play."""
        play = Play("dev", playbook, host, variables or {}, secrets or {}, check=check, diff=diff, alone=alone)
        return run_play(play, on_task=self.told.append, cancellation=stop, timeout=timeout, site=self.site)


class Stopping:
    """The user, who may press Ctrl-C."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether it was pressed."""
        return self._event.is_set()

    def press(self) -> None:
        """Presses it."""
        self._event.set()


def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """A checkout in `folder`, with the hosts runner-1 and runner-2, and a state folder of its own."""
    monkeypatch.setenv("POINTSMAN_STATE_DIR", str(folder / "state"))
    hosts = folder / "inventory" / "dev" / "hosts.yml"
    hosts.parent.mkdir(parents=True)
    (folder / "playbooks").mkdir()
    local = f"{{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}"
    hosts.write_text(f"all:\n  hosts:\n    {HOST}: {local}\n    runner-2: {local}\n")
    return Here(folder)


def running(words: str) -> list[str]:
    """The command lines of all processes that hold these words."""
    lines = []
    for each in psutil.process_iter(["cmdline"]):
        line = " ".join(each.info["cmdline"] or [])
        if words in line:
            lines.append(line)
    return lines
