"""What can go wrong with a registry, told apart by what the Docker engine says, each with what to do next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["unreachable", "missing", "authentication", "limit", "disk", "other"]

# The engine passes on messages of Go's net package and of the registry; the first pattern that is found decides.
# Disk before all: a full disk also breaks connections. Authentication before missing: Docker Hub answers both at once
# for a repository that is private or not there.
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("disk", r"no space left on device|disk quota exceeded"),
    ("limit", r"toomanyrequests|rate limit"),
    ("authentication", r"unauthorized|denied|authentication required|no basic auth|\b401\b|\b403\b"),
    ("missing", r"manifest.*(unknown|not found|invalid)|name unknown|not found|no matching manifest|\b404\b"),
    (
        "unreachable",
        r"no such host|connection (refused|reset)|i/o timeout|timed? ?out|tls handshake|network is unreachable|"
        r"no route to host|server misbehaving|temporary failure|context (deadline|canceled)|\bEOF\b|x509|"
        r"http response to https|bad gateway|service unavailable|\b50[0234]\b",
    ),
)

_REMEDIES: dict[Kind, str] = {
    "unreachable": "check the network and the proxy of the Docker engine, or set images.source to auto or packages",
    "missing": "correct the tag in images/catalogue.yaml, or have the registry mirror the image",
    "authentication": "run `docker login {host}`, or set images.registry to a registry that this machine may read",
    "limit": "wait, or run `docker login {host}`: the limit is higher for known users",
    "disk": "free disk space where the Docker engine keeps its images (`docker system df` shows what takes it)",
    "other": "read the Docker engine's log",
}


@dataclass(frozen=True)
class RegistryFailure(Exception):
    """An image could not be had from a registry. `image` is what was asked for, `reason` what the engine said."""

    kind: Kind
    image: str
    reason: str

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return registry_host(self.image)

    @property
    def remedy(self) -> str:
        """What to do next."""
        return _REMEDIES[self.kind].format(host=self.host)

    @property
    def cause(self) -> str:
        """Kind and reason without the image: the same text for every image of a registry that does not answer."""
        what = {
            "unreachable": f"registry {self.host} is not reachable",
            "missing": f"registry {self.host} does not have it",
            "authentication": f"registry {self.host} refuses access",
            "limit": f"registry {self.host} limits the rate",
            "disk": "the Docker engine's disk is full",
            "other": "the Docker engine could not pull it",
        }[self.kind]
        return f"{what} ({self.reason})"

    def __str__(self) -> str:
        """Image, kind and reason in one line."""
        return f"{self.image}: {self.cause}"


def registry_host(image: str) -> str:
    """The host of a full image name, such as docker.io of docker.io/grafana/loki."""
    return image.partition("/")[0]


def classify(image: str, message: str) -> RegistryFailure:
    """The failure that an engine's message means."""
    text = " ".join(message.split())
    for kind, pattern in _PATTERNS:
        if re.search(pattern, text, re.IGNORECASE):
            return RegistryFailure(kind, image, text)
    return RegistryFailure("other", image, text)
