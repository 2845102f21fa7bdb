"""Runs a play on a host: waits for its turn, takes the host's lock, tells each task, and says in one message why it
failed."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pointsman.errors import PointsmanError
from pointsman.paths import checkout
from pointsman.plays import failures, locking, process
from pointsman.plays.job import Job
from pointsman.plays.model import Cause, Outcome, Play, PlayFailed, Stop, Task
from pointsman.plays.ssh import Way, control_folder, sharing_arguments
from pointsman.plays.tree import PLAYBOOKS

OnTask = Callable[[Task], None]
Lock = Callable[[Way, Callable[[], bool]], AbstractContextManager[None]]
HIDDEN = "***"
# A secret shorter than this is no secret, and hiding it would make holes in every message.
SHORTEST_SECRET = 8
WAY_IN = "ansible_"
# How long a container that was just made may take until its SSH answers.
STARTING_SECONDS = 60.0
TASK_EVENTS = ("playbook_on_task_start", "playbook_on_handler_task_start")
RESULT_EVENTS = ("runner_on_ok", "runner_on_failed", "runner_on_unreachable")

_TURNS = threading.BoundedSemaphore(os.cpu_count() or 1)


@dataclass(frozen=True)
class Site:
    """Where plays and inventories are, and how a host is kept for one play."""

    root: Path
    lock: Lock

    def playbook(self, play: Play) -> Path:
        """The file of the play."""
        return self.root / PLAYBOOKS / f"{play.playbook}.yml"

    def hosts(self, play: Play) -> Path:
        """The inventory that the play is run with."""
        return self.root / "inventory" / play.environment / "hosts.yml"

    @classmethod
    def of(cls, play: Play) -> Site:
        """This checkout, and the lock on the host."""
        patience = STARTING_SECONDS if play.machine else 0.0
        return cls(checkout(), lambda way, stop: locking.locked(way, patience=patience, cancelled=stop))


@dataclass
class _Telling:
    """Counts the tasks that a play tells, and hands each on."""

    play: Play
    on_task: OnTask
    number: int = 0
    current: str = ""
    changed: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] in TASK_EVENTS and event.get("task"):
            self.number += 1
            self.current = failures.title(event)
            self.on_task(Task(self.play.host, str(event["task"]), self.number, str(event.get("role") or "")))
        elif event["event"] == "runner_on_ok" and event.get("changed"):
            title = failures.title(event)
            self.changed.append(title)
            self.changes += [f"{title}: {each}" if each else title for each in event.get("changes") or [""]]


def run_play(
    play: Play,
    *,
    on_task: OnTask,
    cancellation: Stop | None = None,
    timeout: float,
    site: Site | None = None,
) -> Outcome:
    """Runs a play within `timeout` seconds, those of waiting for its turn and the lock not counted.

    At most as many run at once in a process as the machine has cores. `on_task` is called as each task begins, in the
    thread of the caller. Raises PlayFailed, and UsageError for a key that ssh would not take.
    """
    place = site or Site.of(play)

    def stopped() -> bool:
        return cancellation is not None and cancellation.cancelled

    _refuse_without(play, place)
    way = Way.of(play.environment, play.host, play.variables, container=bool(play.machine))
    way.checked()
    with _turn(play, stopped), place.lock(way, stopped):
        return _run(play, way, place, on_task, stopped, timeout)


def _refuse_without(play: Play, site: Site) -> None:
    program = process.ansible_playbook()
    if not program.is_file():
        raise failures.no_ansible(play.host, program)
    if not site.playbook(play).is_file():
        raise failures.no_playbook(play, site.playbook(play))


@contextmanager
def _turn(play: Play, stopped: Callable[[], bool]) -> Iterator[None]:
    while not _TURNS.acquire(timeout=process.LOOK_SECONDS):
        if stopped():
            raise failures.cancelled(play.host, "")
    try:
        yield
    finally:
        _TURNS.release()


def _run(play: Play, way: Way, site: Site, on_task: OnTask, stopped: Callable[[], bool], timeout: float) -> Outcome:
    telling = _Telling(play, on_task)
    begin = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-play-") as scratch,
        tempfile.TemporaryDirectory(dir=control_folder()) as sockets,
    ):
        job = _job(play, way, site, Path(scratch), Path(sockets), timeout)
        ended = process.run(job, play.secrets, telling, stopped)
    seconds = time.monotonic() - begin
    if ended.cancelled:
        raise failures.cancelled(play.host, telling.current)
    if ended.status == "timeout":
        raise failures.timed_out(play.host, telling.current, timeout)
    counts = _counts(ended.events, play.host)
    if ended.rc != 0 or ended.status != "successful" or counts["failures"] or counts["dark"]:
        raise _without_secrets(failures.of_play(play, way, ended.events, ended.errors), play.secrets)
    if not counts["ok"]:
        # Ansible ends well when a playbook has no host to run on.
        raise failures.of_play(play, way, ended.events, "no hosts matched")
    return Outcome(
        counts["ok"], counts["changed"], tuple(dict.fromkeys(telling.changed)), seconds, tuple(telling.changes)
    )


def _job(play: Play, way: Way, site: Site, scratch: Path, sockets: Path, timeout: float) -> Job:
    folder = scratch / "play"
    folder.mkdir(mode=0o700)
    variables = scratch / "variables.json"
    told = {key: value for key, value in play.variables.items() if not key.startswith(WAY_IN)}
    variables.write_text(json.dumps(told | _way_in(way)))
    inventory = site.hosts(play)
    if play.alone:
        inventory = scratch / "hosts.yml"
        known = {key: value for key, value in play.variables.items() if key.startswith(WAY_IN)}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {play.host: known}}}))
    return Job(
        folder=str(folder),
        playbook=str(site.playbook(play)),
        inventory=str(inventory),
        host=play.host,
        variables=str(variables),
        settings=_settings(way, site, scratch, sockets),
        arguments=_arguments(play),
        seconds=max(1, round(timeout)),
    )


def _way_in(way: Way) -> dict[str, str]:
    """What every connection of the play is told, and where a play that changes a host's key has to say so."""
    return {
        "ansible_ssh_common_args": shlex.join(way.options()),
        "credentials_known_hosts": str(way.known_hosts),
        "credentials_known_as": way.name,
        **({"credentials_controller_key": str(way.key)} if way.key else {}),
    }


def _arguments(play: Play) -> str:
    words = [*(["--check"] if play.check else []), *(["--diff"] if play.diff else [])]
    return shlex.join([*words, *(["--tags", ",".join(play.tags)] if play.tags else [])])


def _settings(way: Way, site: Site, scratch: Path, sockets: Path) -> dict[str, str]:
    config = site.root / PLAYBOOKS / "ansible.cfg"
    settings = {
        # Without these, ansible-runner turns the check of host keys off.
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_SSH_ARGS": sharing_arguments(sockets),
        "ANSIBLE_HOME": str(scratch / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        # The screen is nobody's: events tell all, and what a task is given may be long.
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
        "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.yaml",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    }
    if way.key:
        settings["ANSIBLE_PRIVATE_KEY_FILE"] = str(way.key)
    if config.is_file():
        settings["ANSIBLE_CONFIG"] = str(config)
    return settings


def _counts(events: Sequence[Mapping[str, Any]], host: str) -> Counter[str]:
    """How Ansible counted the tasks of the host at its end; nothing where it came to no end."""
    stats: Mapping[str, Mapping[str, int]] = next((each["stats"] for each in reversed(events) if "stats" in each), {})
    return Counter({key: int(hosts.get(host, 0)) for key, hosts in stats.items()})


def _without_secrets(error: PlayFailed, secrets: Mapping[str, str]) -> PlayFailed:
    """The same, should a task have said a secret."""
    values = sorted((value for value in secrets.values() if len(value) >= SHORTEST_SECRET), key=len, reverse=True)
    for value in values:
        error.message = error.message.replace(value, HIDDEN)
        error.detail = error.detail.replace(value, HIDDEN)
    error.args = (error.message,)
    return error


def is_out_of_reach(error: PointsmanError) -> bool:
    """Whether a host could not be asked at all, which is no fault when it is to be removed anyway."""
    gone = (Cause.REFUSED, Cause.SILENT, Cause.ACCESS, Cause.HOST_KEY, Cause.TIMEOUT)
    return isinstance(error, PlayFailed) and error.cause in gone
