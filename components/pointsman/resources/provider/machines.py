"""What a host itself says: which machine it is, and which runner is configured on it."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pointsman.deadline import Deadline
from pointsman.errors import PointsmanError
from pointsman.resources.provider.kinds import Operation, Props

if TYPE_CHECKING:
    from docker import APIClient

    from pointsman.plays.ssh import Way

MACHINE_ID = "/etc/machine-id"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
RUNNER = "/srv/runner/actions-runner"
RUNNER_FILE = f"{RUNNER}/.runner"
# The service first: the program refuses to forget while it is one.
FORGET = (
    "systemctl stop actions-runner.service 2>/dev/null;"
    f" [ ! -s {RUNNER_FILE} ] || /opt/pointsman/runner-configure remove --local </dev/null >/dev/null"
    f" || rm -f {RUNNER_FILE} {RUNNER}/.credentials {RUNNER}/.credentials_rsaparams"
)
# What systemd writes where the first boot is still to give a machine its id.
UNINITIALIZED = "uninitialized"
# A look at a machine that may be down: for the connection, and for all of it.
CONNECT_SECONDS = 5
LOOK_SECONDS = 10
# A job that is cut off has some seconds to end.
FORGET_SECONDS = 60
FIRST_BOOT_SECONDS = 60
POLL_SECONDS = 0.3
# How long an answer is good for: the resources of a host are read at the same moment.
FRESH_SECONDS = 10.0

T = TypeVar("T")


class Memo(Generic[T]):
    """Answers that several resources ask for at once: the first asks, the others wait for it."""

    def __init__(self, seconds: float = FRESH_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer, asked for when there is none that is fresh. An error is everybody's own."""
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            at, kept = self._kept.get(key, (0.0, None))
            if kept is not None and time.monotonic() - at < self._seconds:
                return kept
            asked = ask()
            self._kept[key] = (time.monotonic(), asked)
            return asked

    def forget(self) -> None:
        """Nothing that was known is true any more."""
        self._kept.clear()


@dataclass(frozen=True)
class Configured:
    """The runner that a host's own files tell: its id at GitHub, its name, and what it is registered at."""

    id: int
    name: str
    url: str


class Machines:
    """Looks at hosts: at containers through the engine, at machines over SSH."""

    def __init__(self) -> None:
        self._ids: Memo[str] = Memo()

    def way(self, inputs: Props) -> Way:
        """How the host of a resource is reached."""
        from pointsman.plays.ssh import Way

        return Way.of(inputs["environment"], inputs["host"], inputs["variables"], container=bool(inputs["machine"]))

    def identity(self, inputs: Props) -> str:
        """The host's machine-id; empty when its container is gone. Raises PointsmanError when it can't be asked."""
        key = (inputs["environment"], inputs["host"], inputs["machine"])
        if inputs["machine"]:
            return self._ids.get(key, lambda: _of_container(str(inputs["machine"])))
        return self._ids.get(key, lambda: self.said(inputs, f"cat {MACHINE_ID}").strip())

    def first_boot(self, inputs: Props, operation: Operation) -> None:
        """Waits until a container has its machine-id and its own key, and trusts that key; nothing for a machine."""
        container = str(inputs["machine"])
        if not container:
            return
        deadline = Deadline.within(FIRST_BOOT_SECONDS)
        while True:
            identity, host_key = _first_boot_of(container)
            if identity and host_key:
                break
            if deadline.passed:
                raise PointsmanError(
                    f"{inputs['host']}: its container has not booted within {FIRST_BOOT_SECONDS} s",
                    remedy=f"docker logs {container[:12]}; docker exec {container[:12]} systemctl --failed",
                )
            operation.sleep(POLL_SECONDS)
        self._ids.forget()
        self.way(inputs).trust(host_key)

    def configured(self, inputs: Props) -> Configured | None:
        """The runner that the host is configured as, by its own files; None where there is none."""
        text = self.said(inputs, f"sudo -n cat {RUNNER_FILE} 2>/dev/null || test $? -eq 1")
        if not text.strip():
            return None
        try:
            told: dict[str, Any] = json.loads(text.removeprefix("\ufeff"))
            return Configured(int(told["agentId"]), str(told["agentName"]), str(told.get("gitHubUrl", "")))
        except (ValueError, KeyError, TypeError) as error:
            raise PointsmanError(
                f"{inputs['host']}: {RUNNER_FILE} can't be read: {error}",
                remedy=f"on the host: sudo rm {RUNNER_FILE}, then run the same command again",
            ) from None

    def forget(self, inputs: Props, operation: Operation) -> None:
        """Makes the host forget that it is a runner, as `config.sh remove --local` does; no play runs meanwhile."""
        from pointsman.plays.locking import locked

        with locked(self.way(inputs), patience=0.0, cancelled=lambda: operation.cancelled):
            self.said(inputs, f"sudo -n sh -c '{FORGET}'", seconds=FORGET_SECONDS)

    def said(self, inputs: Props, command: str, seconds: int = LOOK_SECONDS) -> str:
        """What a command prints on the host. Raises PlayFailed when it can't be asked."""
        from pointsman.plays import failures
        from pointsman.plays.ssh import no_ssh

        way = self.way(inputs)
        try:
            done = subprocess.run(
                way.command(command, seconds=CONNECT_SECONDS),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError:
            raise no_ssh() from None
        except subprocess.TimeoutExpired:
            raise failures.of_connection(way, "Connection timed out", failures.SSH_FAILED) from None
        if done.returncode != 0:
            raise failures.of_connection(way, done.stderr.decode("utf-8", "replace"), done.returncode)
        return done.stdout.decode("utf-8", "replace")


def _of_container(container: str) -> str:
    from pointsman.targets.docker.engine import connect

    with connect() as client:
        return _identity(client, container)


def _first_boot_of(container: str) -> tuple[str, str]:
    from pointsman.targets.docker.engine import connect

    with connect() as client:
        return _identity(client, container), _file(client, container, HOST_KEY)


def _identity(client: APIClient, container: str) -> str:
    text = _file(client, container, MACHINE_ID).strip()
    return "" if text == UNINITIALIZED else text


def _file(client: APIClient, container: str, path: str) -> str:
    """The text of a container's file, also of a stopped one's; empty when either is not there."""
    from docker.errors import NotFound

    try:
        chunks, _ = client.get_archive(container, path)
    except NotFound:
        return ""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        first = archive.next()
        member = archive.extractfile(first) if first else None
        return member.read().decode("utf-8", "replace") if member else ""
