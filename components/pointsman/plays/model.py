"""What a play is given, what it tells while it runs, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from pointsman.errors import EXIT_FAULT, EXIT_UNREACHABLE, EXIT_USAGE, PointsmanError


class Stop(Protocol):
    """What a play looks at to learn that it is to end."""

    @property
    def cancelled(self) -> bool:
        """Whether the user wants no more."""


@dataclass(frozen=True)
class Play:
    """One playbook on one host.

    `variables` are its extra variables, those of the way in (`ansible_…`) among them; they may be seen by everyone.
    `secrets` are environment variables of Ansible's process, and reach nothing else. `machine` is the container that
    the host is, empty for a machine. `alone` is for a host that the inventory has no more: it is reached as
    `variables` say.
    """

    environment: str
    playbook: str
    host: str
    variables: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    check: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ()
    machine: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Task:
    """A task that begins. `number` counts those of the play, from 1; `role` is empty outside of one."""

    host: str
    name: str
    number: int
    role: str = ""

    def __str__(self) -> str:
        return f"{self.host}: {self.title} ({self.number})"

    @property
    def title(self) -> str:
        """The task as people know it."""
        return f"{self.role} : {self.name}" if self.role else self.name


@dataclass(frozen=True)
class Outcome:
    """A play that ended well. `ok` and `changed` count tasks; `changed_tasks` names those that changed something, or
    would have in a check, and `changes` say what (`TASK: ITEM`, then lines with - and + in a check with a diff);
    `seconds` are those of the play without the wait for its turn."""

    ok: int
    changed: int
    changed_tasks: tuple[str, ...]
    seconds: float
    changes: tuple[str, ...] = ()


class Cause(StrEnum):
    """Why a play failed."""

    UNKNOWN_HOST = "unknown host"
    KEY = "key"
    ACCESS = "access"
    REFUSED = "refused"
    SILENT = "silent"
    HOST_KEY = "host key"
    SUDO = "sudo"
    PYTHON = "python"
    DISK = "disk"
    CHECKSUM = "checksum"
    VAULT = "vault"
    TASK = "task"
    PLAYBOOK = "playbook"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    NO_ANSIBLE = "no ansible"
    LOCKED = "locked"

    @property
    def is_unreachable(self) -> bool:
        """Whether the host could not even be asked."""
        return self in (Cause.REFUSED, Cause.SILENT)


_EXIT_CODES = {
    Cause.UNKNOWN_HOST: EXIT_USAGE,
    Cause.KEY: EXIT_USAGE,
    Cause.VAULT: EXIT_USAGE,
    Cause.PLAYBOOK: EXIT_USAGE,
    Cause.ACCESS: EXIT_UNREACHABLE,
    Cause.REFUSED: EXIT_UNREACHABLE,
    Cause.SILENT: EXIT_UNREACHABLE,
    Cause.HOST_KEY: EXIT_UNREACHABLE,
    Cause.NO_ANSIBLE: EXIT_UNREACHABLE,
    Cause.LOCKED: EXIT_UNREACHABLE,
}


class PlayFailed(PointsmanError):
    """A play that failed: on which host, in which task (empty before the first), why, and what to do."""

    def __init__(
        self, problem: str, *, host: str, task: str = "", cause: Cause, remedy: str = "", detail: str = ""
    ) -> None:
        at = f"{host}, task “{task}”" if task else host
        super().__init__(f"{at}: {problem}", remedy=remedy, detail=detail)
        self.host = host
        self.task = task
        self.cause = cause
        self.exit_code = _EXIT_CODES.get(cause, EXIT_FAULT)
