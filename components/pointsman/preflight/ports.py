"""Every published port of the environment: free, held by its own container, or by whom and how to move it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import psutil

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.inventory import Host
from pointsman.preflight.engine import Look
from pointsman.preflight.facts import Thing
from pointsman.preflight.names import Owner
from pointsman.services import labels
from pointsman.services.model import Service

DOCKER_PROXY = "docker-proxy"
Refusal = Literal["", "taken", "no such address"]


@dataclass(frozen=True)
class Want:
    """A port that a service or a host is to be published on; `key` moves it, in `file` where that is not the spec.

    `label` is the one of a container's labels that has the service's or the host's name.
    """

    service: str
    port: int
    bind: str
    key: str
    file: str = ""
    label: str = labels.SERVICE

    @property
    def check_name(self) -> str:
        """The name of its check."""
        return f"port {self.port} ({self.service})"


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket of this machine. `pid` is None when this user may not know whose it is."""

    address: str
    port: int
    pid: int | None = None
    process: str = ""
    user: str = ""


@dataclass(frozen=True)
class PortFacts:
    """What was found at one port.

    `here` says whether it would be taken on this machine, `refusal` what the kernel said when asked for it, `root`
    whether this user sees everybody's processes.
    """

    want: Want
    containers: tuple[Thing, ...] = ()
    listeners: tuple[Listener, ...] = ()
    refusal: Refusal = ""
    here: bool = True
    root: bool = True


def wanted(services: Sequence[Service], bind: str) -> tuple[Want, ...]:
    """The ports that the services publish, in their order."""
    return tuple(
        Want(service.name, each.published, bind, each.remap)
        for service in services
        for each in service.exposed
        if each.published
    )


def of_hosts(hosts: Sequence[Host], environment: str, bind: str) -> tuple[Want, ...]:
    """The ports that lead to the SSH of hosts that are containers."""
    folder = f"inventory/{environment}/host_vars"
    return tuple(
        Want(host.name, host.port, bind, "ansible_port", f"{folder}/{host.name}.yml", labels.HOST) for host in hosts
    )


def checker(want: Want, whose: Owner) -> Callable[[Look, tuple[Listener, ...]], Check]:
    """The check of one port, for when the looks it needs are done."""

    def check(seen: Look, sockets: tuple[Listener, ...]) -> Check:
        facts = PortFacts(
            want=want,
            containers=seen.facts.containers if seen.facts else (),
            listeners=sockets,
            refusal=_ask_kernel(want) if seen.publishes_here else "",
            here=seen.publishes_here,
            root=os.geteuid() == 0,
        )
        return judge(facts, whose)

    return check


def judge(facts: PortFacts, whose: Owner) -> Check:
    """The check, from facts alone. Containers come first: their listening process is Docker's own proxy."""
    want = facts.want
    holders = [each for each in facts.containers if _publishes(each, want)]
    for holder in holders:
        if whose.owns(holder.labels) and holder.labels.get(want.label) == want.service:
            return passed(want.check_name, f"held by this environment's own container {holder.name}")
    if holders:
        return _held_by_container(want, whose, holders[0])
    if not facts.here:
        return not_verifiable(
            want.check_name, "the engine runs on another machine: only its containers are seen, and none has it"
        )
    if facts.refusal == "no such address":
        return failed(
            want.check_name,
            f"{want.bind} is not an address of this machine",
            expected="an address to publish ports on",
            remedy=f"set network.bind in {whose.file} to 127.0.0.1 or another address of this machine",
        )
    listeners = [each for each in facts.listeners if each.port == want.port and overlap(each.address, want.bind)]
    if listeners and all(each.process == DOCKER_PROXY for each in listeners):
        # The engine lists the ports of a container only while it runs: one that dies and restarts (issue 3) was seen
        # to hold its port at one look and to list none at the other.
        for own in facts.containers:
            if whose.owns(own.labels) and own.labels.get(want.label) == want.service:
                return passed(want.check_name, f"held by this environment's own container {own.name}, which restarts")
    if listeners or facts.refusal:
        return _held_by_process(want, whose, listeners, facts.root)
    return passed(want.check_name, f"{want.bind}:{want.port} is free")


def overlap(one: str, other: str) -> bool:
    """Whether two addresses cannot both listen on a port. `::` takes IPv4 as well, as is the kernel's default."""
    everywhere = ("0.0.0.0", "::", "*")
    plain = [address.removeprefix("::ffff:") for address in (one, other)]
    return plain[0] == plain[1] or any(address in everywhere for address in plain)


def listeners() -> tuple[Listener, ...]:
    """All listening TCP sockets of this machine; empty where this user may not list them (macOS)."""
    found = []
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return ()
    for each in connections:
        if each.status == psutil.CONN_LISTEN and each.laddr:
            process, user = _process(each.pid)
            found.append(Listener(each.laddr.ip, each.laddr.port, each.pid, process, user))
    return tuple(found)


def _process(pid: int | None) -> tuple[str, str]:
    with contextlib.suppress(psutil.Error):
        if pid is not None:
            process = psutil.Process(pid)
            # Not its arguments: they may hold a secret.
            return process.name(), process.username()
    return "", ""


def _ask_kernel(want: Want) -> Refusal:
    """Binds the port for a moment and does not listen, so that two preflights at once do not disturb each other."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the engine's proxy does; without it a port whose last connection just ended would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((want.bind, want.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "taken"
            if error.errno == errno.EADDRNOTAVAIL:
                return "no such address"
            # EACCES: a port below 1024 is the engine's to take, not this user's.
    return ""


def _publishes(container: Thing, want: Want) -> bool:
    return any(each.port == want.port and overlap(each.address, want.bind) for each in container.published)


def _held_by_container(want: Want, whose: Owner, holder: Thing) -> Check:
    move = f"set {want.key} in {want.file or whose.file} to a free port"
    if whose.owns(holder.labels):
        seen = f"held by this environment's container {holder.name}, which would let go of it only during the same run"
        remedy = f"{move} and run `pointsman up`; when that is done, set it to {want.port} and run it again"
    else:
        seen = f"held by the container {holder.name}, which {whose.of(holder.labels)}"
        remedy = f"{move}, or stop it: docker stop {holder.name}"
    return failed(want.check_name, seen, expected=f"{want.bind}:{want.port} is free", remedy=remedy)


def _held_by_process(want: Want, whose: Owner, holders: Sequence[Listener], root: bool) -> Check:
    known = [each for each in holders if each.pid is not None]
    move = f"set {want.key} in {want.file or whose.file} to a free port"
    if known:
        pids = dict.fromkeys(str(each.pid) for each in known)
        by = ", ".join(dict.fromkeys(_described(each) for each in known))
        remedy = f"{move}, or stop its holder (`ps -fp {','.join(pids)}` shows it)"
    elif root:
        by = "something that cannot be seen from here: no container, no process of this machine's"
        remedy = move
    else:
        by = "a process of another user, which only root may see"
        remedy = f"{move}; `sudo ss -ltnp 'sport = :{want.port}'` names the holder"
    return failed(want.check_name, f"held by {by}", expected=f"{want.bind}:{want.port} is free", remedy=remedy)


def _described(listener: Listener) -> str:
    user = f", user {listener.user}" if listener.user else ""
    return f"{listener.process or 'a process'} (pid {listener.pid}{user}) on {listener.address}"
