"""The scalar types of the spec: durations, sizes, names and ports as people write them, checked and comparable.

Every pattern travels with its meaning in words (`patternErrorMessage`, which editors show and the reader prints).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

_DURATION_UNITS = {"y": 31536000.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION_PARTS = "".join(f"([0-9]{{1,15}}{unit})?" for unit in _DURATION_UNITS)
_DURATION = re.compile(rf"(?=[0-9]){_DURATION_PARTS}")
_DURATION_WORDS = (
    "expected a duration: whole numbers with y, w, d, h, m, s or ms, the longest unit first, such as 15s, 1h30m or 7d"
)
# Prometheus and Loki hold a duration as nanoseconds in 63 bits, which is 292 years.
_LONGEST_SECONDS = 290 * _DURATION_UNITS["y"]

_SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(r"([0-9]{1,15}) *(B|KiB|MiB|GiB|TiB)")
_SIZE_WORDS = "expected a size: a whole number with B, KiB, MiB, GiB or TiB, such as 512MiB"
# Bytes are 63-bit integers in all services.
_LARGEST_BYTES = 2**63 - 1

_PORT_NUMBER = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"


def duration_seconds(text: str) -> float:
    """Seconds of a Prometheus-style duration such as `15s`, `1h30m`, `7d`; raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(_DURATION_WORDS)
    parts = zip(_DURATION_UNITS.items(), match.groups(), strict=True)
    return sum(int(part.removesuffix(unit)) * seconds for (unit, seconds), part in parts if part)


def size_bytes(text: str) -> int:
    """Bytes of a size such as `512MiB`; raises ValueError for anything else."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(_SIZE_WORDS)
    return int(match.group(1)) * _SIZE_UNITS[match.group(2)]


def _bounded_duration(text: str) -> str:
    if not 0 < duration_seconds(text) <= _LONGEST_SECONDS:
        raise ValueError("expected a duration longer than zero and of at most 290y, such as 15s")
    return text


def _bounded_size(text: str) -> str:
    if not 0 < size_bytes(text) <= _LARGEST_BYTES:
        raise ValueError("expected a size above zero and below 8388608TiB, such as 512MiB")
    return text


def _written_as_text(value: object) -> object:
    if not isinstance(value, str | IPv4Address):  # ipaddress takes 10 for 0.0.0.10
        raise ValueError("expected an IPv4 address, such as 127.0.0.1")
    return value


Duration = Annotated[
    str,
    AfterValidator(_bounded_duration),
    Field(
        json_schema_extra={"pattern": f"^{_DURATION.pattern}$", "patternErrorMessage": _DURATION_WORDS},
        examples=["15s", "7d"],
    ),
]
"""A length of time longer than zero, in Prometheus's notation."""

Size = Annotated[
    str,
    AfterValidator(_bounded_size),
    Field(
        json_schema_extra={"pattern": f"^{_SIZE.pattern}$", "patternErrorMessage": _SIZE_WORDS},
        examples=["512MiB"],
    ),
]
"""A number of bytes above zero, in binary units."""

Port = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port on the machine."""

Address = Annotated[IPv4Address, BeforeValidator(_written_as_text), Field(strict=False)]
"""An IPv4 address, written as text."""

EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""An environment's name: it becomes part of container, volume and network names."""

LabelName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected a label name: letters, digits and underscores, no digit first"
        }
    ),
]
"""A Prometheus label name."""

JobName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected a job name: small letters, digits, _ and -, a letter first, at most 63"
        }
    ),
]
"""A scrape job's name."""

Target = Annotated[
    str,
    StringConstraints(pattern=rf"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?:{_PORT_NUMBER}$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected a host name and a port from 1 to 65535, such as build-1:9100"
        }
    ),
]
"""A scrape target: host name and port."""

HttpUrl = Annotated[
    str,
    StringConstraints(pattern=rf"^https?://[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:{_PORT_NUMBER})?(/[^\s@]*)?$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected an address with http:// or https://, without user or password, "
            "such as http://store.example.org:8080/api"
        }
    ),
]
"""An HTTP address. User and password are refused: this file is no place for them."""

ServerUrl = Annotated[
    str,
    StringConstraints(pattern=rf"^https?://[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:{_PORT_NUMBER})?(/[^\s@/]+)*$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected an address with http:// or https://, without user or password and without "
            "a slash at the end, such as http://store.example.org:9090"
        }
    ),
]
"""The address of a server, to which paths are added."""

ReceiverName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected a receiver name: small letters, digits and -, a letter first, at most 63"
        }
    ),
]
"""The name of one who is told of alerts."""

ProbeTarget = Annotated[
    str,
    StringConstraints(pattern=rf"^((https?://)[^\s@]+|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?:{_PORT_NUMBER})$"),
    Field(
        json_schema_extra={
            "patternErrorMessage": "expected a URL, or a host name and port, such as https://example.org"
        }
    ),
]
"""What a probe asks: a URL, or a host name and port."""
