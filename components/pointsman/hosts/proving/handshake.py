"""What an SSH server offers before anybody logs in: banner and algorithms of its first packet (RFC 4253, 7.1)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

BANNER = b"SSH-2.0-pointsman\r\n"
KEXINIT = 20
COOKIE_BYTES = 16
LISTS = ("kex", "host key", "cipher", "cipher back", "mac", "mac back", "compression", "compression back")
"""The name-lists of the packet, in its order; the first of each pair is from client to server."""
# What servers put among the key exchanges without being one: signs of extensions.
SIGNS = ("kex-strict-s-v00@openssh.com", "ext-info-s")
LONGEST_PACKET = 35000


@dataclass(frozen=True)
class Offer:
    """A server's banner, and the names that it offers by list."""

    banner: str
    names: Mapping[str, tuple[str, ...]]


def offer(address: str, port: int, seconds: float) -> Offer:
    """Reads it. Raises OSError when nothing answers, ValueError when what answers is no SSH server."""
    with socket.create_connection((address, port), timeout=seconds) as connection, connection.makefile("rb") as stream:
        banner = stream.readline(255)
        if not banner.startswith(b"SSH-2.0-"):
            raise ValueError(f"no SSH server: {banner[:40]!r}")
        connection.sendall(BANNER)
        length = int.from_bytes(stream.read(4), "big")
        if not 2 <= length <= LONGEST_PACKET:
            raise ValueError(f"a first packet of {length} bytes")
        packet = stream.read(length)
    return Offer(banner.decode("ascii", "replace").strip(), parsed(packet[1:]))


def parsed(payload: bytes) -> dict[str, tuple[str, ...]]:
    """The names of a KEXINIT packet by list. Raises ValueError for another packet."""
    if not payload or payload[0] != KEXINIT:
        raise ValueError("the first packet offers no algorithms")
    at, found = 1 + COOKIE_BYTES, {}
    for name in LISTS:
        end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
        if end > len(payload):
            raise ValueError("the list of algorithms is cut off")
        names = payload[at + 4 : end].decode("ascii", "replace").split(",")
        found[name] = tuple(each for each in names if each and each not in SIGNS)
        at = end
    return found
