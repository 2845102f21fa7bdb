"""The firewall: its rules as the kernel has them, and what it does to who knocks from outside."""

from __future__ import annotations

import json
import shlex
import socket
from collections.abc import Iterator
from typing import Any

from pointsman.checks import Check, not_verifiable, passed
from pointsman.hosts.proving.subject import Subject

TABLE = "pointsman"
SSH_PORT = 22
# Nothing of ours listens there; what answers there is the check's own.
CLOSED_PORT = 47999
LISTEN_SECONDS = 8
KNOCK_SECONDS = 1.5
_LISTENER = (
    "import socket,time; s=socket.create_server(('0.0.0.0',{port})); s.settimeout({seconds});\n"
    "end=time.time()+{seconds}\n"
    "while time.time()<end:\n"
    "  c,_=s.accept(); c.sendall(b'open'); c.close()\n"
)


def rules(host: Subject) -> Check:
    """What comes in is dropped, but for SSH and the exporters."""
    name = "firewall rules"
    told = json.loads(host.said(f"nft --json list table inet {TABLE}"))["nftables"]
    chain: dict[str, Any] = next((each["chain"] for each in told if each.get("chain", {}).get("hook") == "input"), {})
    if chain.get("policy") != "drop":
        return host.refused(name, f"policy {chain.get('policy', 'missing')}", "input is dropped by default")
    found = {port for each in told if "rule" in each for port in _ports(each["rule"]["expr"])}
    wanted = {SSH_PORT, *exported(host)}
    if found != wanted:
        return host.refused(name, f"open: {_listed(found)}", f"open: {_listed(wanted)}")
    return passed(name, f"input dropped by default, open: {_listed(found)}", service=host.name)


def outside(host: Subject) -> Check:
    """A port that listens and is not allowed does not answer from this machine, while an allowed one does."""
    name = "firewall from outside"
    if not host.address:
        return not_verifiable(name, "this machine has no way to the host's own ports", service=host.name)
    if not _answers(host.address, SSH_PORT):
        return not_verifiable(name, f"not even port {SSH_PORT} of {host.address} answers here", service=host.name)
    script = _LISTENER.format(port=CLOSED_PORT, seconds=LISTEN_SECONDS)
    unit = f"--quiet --collect --property=RuntimeMaxSec={LISTEN_SECONDS} --property=DynamicUser=yes"
    host.said(f"systemd-run {unit} /usr/bin/python3 -c {shlex.quote(script)}")
    knock = (
        f"import socket,time\nfor _ in range(30):\n  try: print(socket.create_connection(('127.0.0.1',{CLOSED_PORT}),1)"
        ".recv(4).decode()); break\n  except OSError: time.sleep(0.1)\n"
    )
    if host.said(f"/usr/bin/python3 -c {shlex.quote(knock)}").strip() != "open":
        return not_verifiable(name, f"nothing could be made to listen on port {CLOSED_PORT}", service=host.name)
    if _answers(host.address, CLOSED_PORT):
        return host.refused(name, f"port {CLOSED_PORT} answers at {host.address}", "dropped: it is not allowed")
    return passed(name, f"port {CLOSED_PORT} listens and does not answer, port {SSH_PORT} does", service=host.name)


def exported(host: Subject) -> set[int]:
    """The ports of what is scraped on it."""
    enabled = host.variable("exporters_enabled") or ()
    return {int(host.variable(f"exporters_{each}_port")) for each in enabled}


def _ports(expression: list[dict[str, Any]]) -> Iterator[int]:
    """The ports of TCP that a rule accepts."""
    if not any("accept" in each for each in expression):
        return
    for each in expression:
        match = each.get("match", {})
        if match.get("left") == {"payload": {"protocol": "tcp", "field": "dport"}}:
            right = match["right"]
            ports = right["set"] if isinstance(right, dict) else [right]
            yield from (int(port) for port in ports)


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=KNOCK_SECONDS):
            return True
    except OSError:
        return False


def _listed(ports: set[int]) -> str:
    return ", ".join(str(port) for port in sorted(ports)) or "none"
