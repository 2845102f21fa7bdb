"""Which requests the pattern of the socket proxy lets through: a few reads, and nothing that gives more."""

from __future__ import annotations

import re

import pytest

from pointsman.services import socket_proxy
from pointsman.services.socket_proxy import ALLOWED
from pointsman.spec.models import Environment
from tests.unit.services.cases import MACHINE

ID = "4fad43091cb3e25b16f3f7f71e12d65ec7b90060c910ebedf5b69c3011df9dff"
ADMITTED = (
    "/_ping",
    "/version",
    "/info",
    "/events",
    "/networks",
    "/containers/json",
    "/v1.24/containers/json",
    "/v1.51/events",
    f"/containers/{ID}/json",
    f"/v1.41/containers/{ID}/logs",
    f"/v1.47/containers/{ID}/stats",
)
REFUSED = (
    "",
    "/",
    "/v1.41",
    "/v1.41/",
    "/v2.0/info",
    "/v1./info",
    "/v1.41/v1.41/info",
    "//info",
    "/info/",
    "/infox",
    "/x/info",
    "info",
    # What changes things or opens a stream into a container.
    "/containers/create",
    "/containers/prune",
    f"/containers/{ID}",
    f"/containers/{ID}/exec",
    f"/containers/{ID}/attach",
    f"/containers/{ID}/attach/ws",
    f"/containers/{ID}/start",
    f"/containers/{ID}/kill",
    f"/exec/{ID}/start",
    f"/exec/{ID}/json",
    "/build",
    "/session",
    "/grpc",
    "/commit",
    "/auth",
    "/swarm",
    # What reads more than they need.
    f"/containers/{ID}/archive",
    f"/containers/{ID}/export",
    f"/containers/{ID}/changes",
    f"/containers/{ID}/top",
    "/images/json",
    "/images/get",
    "/images/search",
    "/volumes",
    "/secrets",
    "/configs",
    "/networks/bridge",
    "/system/df",
    "/plugins",
    # By name: only ids are asked for, and a name may hold anything.
    "/containers/pointsman-dev-loki/json",
    "/containers/ABCDEF/json",
    "/containers//json",
    # Out of the allowed folder.
    f"/containers/{ID}/../../images/json",
    "/containers/../info",
    "/containers/../containers/json",
    f"/containers/{ID}/./json",
    "/./info",
    "/v1.41/../info",
    # Encoded: as it stands on the line, and with other bytes around it.
    "/containers%2fjson",
    "/%69nfo",
    f"/containers/{ID}%2F..%2Fcreate",
    f"/containers/{ID}/json%00",
    f"/containers/{ID}/json%0a",
    "/info\n",
    "/info\n/containers/create",
    "\n/info",
    f"/containers/{ID}\n/json",
    "/info;/containers/create",
    "/info?x=1",
    "/info#x",
    "/v1.٤١/info",
)


def admits(path: str) -> bool:
    """Whether the pattern matches the whole path, which is how the proxy uses it."""
    return re.fullmatch(ALLOWED, path) is not None


@pytest.mark.parametrize("path", ADMITTED)
def test_admitted(path: str) -> None:
    """Discovery, log reading and container metrics get what they ask for, with or without a version of the API."""
    assert admits(path)


@pytest.mark.parametrize("path", REFUSED)
def test_refused(path: str) -> None:
    """Everything else stays outside."""
    assert not admits(path)


def test_only_reading_methods_are_given_a_pattern() -> None:
    """No other method has an allow flag, and those two have the one pattern and the ping."""
    command = socket_proxy.service(Environment(), MACHINE).command
    allowing = [part for part in command if part.startswith("-allow") and not part.startswith("-allowfrom")]
    assert allowing == [f"-allowGET={ALLOWED}", "-allowHEAD=/_ping"]
