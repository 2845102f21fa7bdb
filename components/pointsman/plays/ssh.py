"""The way to a host over SSH: one for plays, for tests and for people."""

from __future__ import annotations

import fcntl
import os
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointsman.errors import UnreachableError, UsageError
from pointsman.inventory import Inventory
from pointsman.paths import environment_dir

KEY = "id_ed25519"
KNOWN_HOSTS = "known_hosts"
CONFIG = "ssh_config"
CONNECT_SECONDS = 10
# A connection without an answer to three of these is given up.
ALIVE_SECONDS = 15
# How long a shared connection waits for its next user.
PERSIST_SECONDS = 60
# What a socket's path may have (macOS has the least), and what ssh adds to its folder: a SHA-1, a dot, 16 letters.
LONGEST_SOCKET, SOCKET_NAME = 103, 58
# What ssh itself refuses a private key for.
TOO_OPEN = stat.S_IRWXG | stat.S_IRWXO


def folder(environment: str) -> Path:
    """Where an environment's key, known hosts and ssh_config are; made, for its owner only, where it is missing."""
    path = environment_dir(environment) / "ssh"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def controller_key(environment: str) -> Path:
    """The private key that plays log in with on an environment's containers (ed25519, mode 600, no passphrase).

    Made at the first call, with its public half beside it (`.pub`). Raises UnreachableError without ssh-keygen.
    """
    path = folder(environment) / KEY
    if path.exists():
        return path
    with _locked(path.parent), tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        if path.exists():
            return path
        new = Path(scratch) / KEY
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"pointsman {environment}", "-f", str(new)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            raise _no_ssh("ssh-keygen") from None
        new.with_suffix(".pub").rename(path.with_suffix(".pub"))
        new.rename(path)
    return path


@dataclass(frozen=True)
class Way:
    """How one host is reached: an address, an account and a key; `arguments` are further ones of ssh.

    `key` is None where ssh finds one by itself. The host's own key is kept by `name`, so that two hosts behind one
    address with different ports are told apart.
    """

    name: str
    address: str
    port: int
    user: str
    key: Path | None
    arguments: tuple[str, ...]
    folder: Path

    @classmethod
    def of(cls, environment: str, name: str, variables: Mapping[str, Any], *, container: bool = False) -> Way:
        """The way that a host's variables tell (`ansible_host`, …); a container that names no key takes the
        controller's."""
        written = variables.get("ansible_ssh_private_key_file")
        key = Path(written).expanduser() if written else controller_key(environment) if container else None
        return cls(
            name=name,
            address=variables.get("ansible_host") or name,
            port=int(variables.get("ansible_port") or 22),
            user=variables.get("ansible_user") or "",
            key=key,
            arguments=tuple(shlex.split(variables.get("ansible_ssh_common_args") or "")),
            folder=folder(environment),
        )

    @property
    def known_hosts(self) -> Path:
        """The file with the hosts' own keys."""
        return self.folder / KNOWN_HOSTS

    def settings(self) -> dict[str, str]:
        """What ssh is told, as ssh_config has it, without what only the address needs."""
        told = {
            "HostKeyAlias": self.name,
            "UserKnownHostsFile": f'"{self.known_hosts}"',
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "accept-new",
            "UpdateHostKeys": "no",
            # In clear, so that the key of a container that was made anew can be put in place of its old one.
            "HashKnownHosts": "no",
            "CheckHostIP": "no",
            "BatchMode": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ServerAliveInterval": str(ALIVE_SECONDS),
            "LogLevel": "ERROR",
        }
        if self.key:
            told |= {"IdentityFile": f'"{self.key}"', "IdentitiesOnly": "yes"}
        return told

    def options(self) -> list[str]:
        """The settings as arguments of ssh."""
        return [*_arguments(self.settings()), *self.arguments]

    def command(self, remote: str, *, seconds: int = CONNECT_SECONDS) -> list[str]:
        """A command that runs `remote` in the host's shell, over a connection of its own."""
        login = ["-l", self.user] if self.user else []
        own = ["-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", f"ConnectTimeout={seconds}"]
        return ["ssh", *own, *self.options(), "-p", str(self.port), *login, "--", self.address, remote]

    def checked(self) -> None:
        """Raises UsageError when the key is missing, or so open that ssh would refuse it."""
        if self.key is None:
            return
        try:
            mode = self.key.stat().st_mode
        except OSError as error:
            raise UsageError(
                f"{self.name}: the key {self.key} can't be read: {error.strerror}",
                remedy="put the private key there, or name another by ansible_ssh_private_key_file in the inventory",
            ) from None
        if mode & TOO_OPEN:
            raise UsageError(
                f"{self.name}: the key {self.key} has mode {stat.S_IMODE(mode):04o}, and ssh takes none that others"
                " could read",
                remedy=f"chmod 600 {shlex.quote(str(self.key))}",
            )

    def trust(self, host_key: str) -> None:
        """Makes `host_key` (`TYPE BASE64`) the only one that the host may show; it was read where it was made."""
        entry = f"{self.name} {' '.join(host_key.split()[:2])}"
        with _locked(self.folder):
            before = self.known_hosts.read_text().splitlines() if self.known_hosts.exists() else []
            others = [line for line in before if line.split(" ", 1)[0] != self.name]
            if [*others, entry] != before:
                _write(self.known_hosts, "\n".join([*others, entry]) + "\n")


def ssh_config(environment: str, inventory: Inventory, *, containers: bool = False) -> Path:
    """The environment's ssh_config, written where it is not up to date: each host by its name in the inventory.

    `containers` says that its hosts are containers of this machine, which take the controller's key. Connections are
    shared, through sockets in a folder with a short name. For machines, the user's own ssh_config has its say after it.
    """
    path = folder(environment) / CONFIG
    sockets = control_folder()
    blocks = [f"# The hosts of {environment}: ssh -F {path} HOST"]
    for host in inventory.hosts:
        way = Way.of(environment, host.name, host.variables, container=containers)
        told = {"HostName": way.address, "Port": str(way.port), "User": way.user or host.user} | way.settings()
        blocks.append("\n".join([f"Host {host.name}", *(f"  {key} {value}" for key, value in told.items() if value)]))
    blocks.append("\n".join(["Host *", *(f"  {key} {value}" for key, value in _shared(sockets).items())]))
    own = Path.home() / ".ssh" / "config"
    if not containers and own.is_file():
        blocks.append(f'Match all\n  Include "{own}"')
    with _locked(path.parent):
        text = "\n\n".join(blocks) + "\n"
        if not path.exists() or path.read_text() != text:
            _write(path, text)
    return path


def control_folder() -> Path:
    """Where the sockets of shared connections are: a short path, since a socket's may have 104 letters only.

    Raises UsageError when somebody else has made it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = Path(base) / f"pointsman-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            f"{path} belongs to somebody else or is open to others", remedy=f"remove it, or set XDG_RUNTIME_DIR: {path}"
        )
    return path


def sharing_arguments(sockets: Path) -> str:
    """What makes a play's connections be shared, as ANSIBLE_SSH_ARGS takes it; a task may want one of its own."""
    return shlex.join(_arguments(_shared(sockets)))


def _shared(sockets: Path) -> dict[str, str]:
    """What makes connections be shared; not where the path of a socket would be too long."""
    if len(str(sockets)) + SOCKET_NAME > LONGEST_SOCKET:
        return {"ControlMaster": "no"}
    return {"ControlMaster": "auto", "ControlPath": f'"{sockets}/%C"', "ControlPersist": str(PERSIST_SECONDS)}


def no_ssh() -> UnreachableError:
    """The error of a machine without an ssh client."""
    return _no_ssh("ssh")


def _no_ssh(program: str) -> UnreachableError:
    return UnreachableError(f"{program} is not installed here", remedy="install the package openssh-client")


def _arguments(settings: Mapping[str, str]) -> list[str]:
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps two processes from writing into the folder at the same time."""
    with (path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, text: str) -> None:
    """Puts a whole file in place of another."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)
