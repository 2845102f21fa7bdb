"""What an SSH server offers is read from its first packet, whatever it sends."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.hosts.proving.handshake import COOKIE_BYTES, KEXINIT, LISTS, offer, parsed
from pointsman.hosts.proving.way_in import audited

OFFERED = {
    "kex": "sntrup761x25519-sha512@openssh.com,curve25519-sha256,kex-strict-s-v00@openssh.com",
    "host key": "ssh-ed25519",
    "cipher": "aes256-gcm@openssh.com",
    "mac": "hmac-sha2-512-etm@openssh.com",
}


def packet() -> bytes:
    """A KEXINIT payload."""
    lists = (OFFERED.get(name, "none").encode() for name in LISTS)
    return bytes([KEXINIT]) + bytes(COOKIE_BYTES) + b"".join(len(each).to_bytes(4, "big") + each for each in lists)


def test_the_names_are_told_by_list_without_signs() -> None:
    """`kex-strict-s-v00@openssh.com` is no key exchange."""
    found = parsed(packet())
    assert found["kex"] == ("sntrup761x25519-sha512@openssh.com", "curve25519-sha256")
    assert found["host key"] == ("ssh-ed25519",)
    assert found["mac"] == ("hmac-sha2-512-etm@openssh.com",)


@given(st.binary(max_size=200) | st.integers(0, 60).map(lambda cut: packet()[: -cut - 1]))
def test_anything_else_is_a_value_error(payload: bytes) -> None:
    """A packet that is cut off or another one says so; nothing else is raised."""
    try:
        parsed(payload)
    except ValueError:
        return
    assert payload[0] == KEXINIT


def test_it_is_read_from_a_server_that_answers() -> None:
    """Banner and packet come over a socket; a server that speaks something else is refused."""
    said = [
        b"SSH-2.0-Test_1\r\n" + (len(packet()) + 5).to_bytes(4, "big") + b"\x04" + packet() + bytes(4),
        b"220 smtp\r\n",
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for each in said:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(each)
                    connection.recv(100)

        threading.Thread(target=serve, daemon=True).start()
        port = server.getsockname()[1]
        found = offer("127.0.0.1", port, 5)
        assert (found.banner, found.names["cipher"]) == ("SSH-2.0-Test_1", ("aes256-gcm@openssh.com",))
        with pytest.raises(ValueError, match="no SSH server"):
            offer("127.0.0.1", port, 5)


def test_what_ssh_audit_fails_is_told_apart_from_what_it_warns_of() -> None:
    """By its JSON; informational notes count for nothing."""
    bad, fair, good = ({"fail": ["broken"], "warn": ["x"]}, {"warn": ["small"]}, {"info": ["new"]})
    kinds = {"kex": [bad, good], "key": [fair], "enc": [], "mac": [good]}
    named = {
        kind: [{"algorithm": f"{kind}-{place}", "notes": notes} for place, notes in enumerate(every)]
        for kind, every in kinds.items()
    }
    import json

    assert audited(json.dumps(named)) == (["kex-0"], ["key-0"])
