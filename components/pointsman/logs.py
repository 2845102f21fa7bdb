"""The logs of an environment's services: from Loki, or from the Docker engine when Loki does not answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pointsman.declared import Declared
from pointsman.http_client import new_client, worded
from pointsman.services import loki
from pointsman.targets.docker.engine import Running, connect, containers

if TYPE_CHECKING:
    from docker import APIClient
    from httpx import Client

QUERY = "/loki/api/v1/query_range"
# The most that Loki returns at once, unless its limits_config says otherwise.
MOST_LINES = 5000
FOLLOW_SECONDS = 1.0
# A line may reach Loki this much later than a younger one of another container: the agent looks for new containers
# every 5 s and sends batches every 0.5 s.
LATE_NS = 10 * 10**9


@dataclass(frozen=True, order=True)
class Line:
    """One line of a service's log. `at` is in nanoseconds since the Unix epoch."""

    at: int
    service: str
    text: str

    @property
    def time(self) -> datetime:
        """When the container printed it, in UTC, cut to microseconds."""
        return datetime.fromtimestamp(self.at // 10**9, UTC).replace(microsecond=self.at % 10**9 // 1000)


class Source(Protocol):
    """Where lines come from."""

    def fetch(self, since: int, limit: int) -> list[Line]:
        """The newest `limit` lines at or after `since`, in nanoseconds; the oldest first."""


def query(
    declared: Declared,
    service: str | None = None,
    *,
    since: float = 3600.0,
    limit: int = 100,
    grep: str = "",
    follow: bool = False,
    notice: Callable[[str], None] = lambda text: None,
    client: Client | None = None,
) -> Iterator[Line]:
    """The newest `limit` lines of the last `since` seconds, oldest first, of one service or all of them.

    Only lines with the text `grep` in them; with `follow` also all that come after, until the caller stops.
    `notice` is told when Loki does not answer and the Docker engine's own logs are read instead; raises
    UnreachableError when the engine does not answer either, UsageError for a service that the environment lacks.
    """
    import httpx

    if service is not None:
        declared.service(service)
    beginning = time.time_ns() - int(since * 10**9)
    seen: set[Line] = set()
    with ExitStack() as stack:
        source: Source = LokiSource(client or stack.enter_context(new_client()), declared, service, grep)
        while True:
            oldest = max(beginning, max((line.at for line in seen), default=0) - LATE_NS)
            try:
                lines = source.fetch(oldest, MOST_LINES if seen else limit)
            except httpx.HTTPError as error:
                notice(f"Loki does not answer ({worded(error)}): these are the Docker engine's own logs")
                source = DockerSource(stack.enter_context(connect()), declared, service, grep)
                continue
            yield from (line for line in lines if line not in seen)
            if not seen and len(lines) == limit:
                beginning = lines[0].at  # what is older was cut off by the limit and is not to come up while following
            seen = {line for line in seen if line.at >= oldest} | set(lines)
            if not follow:
                return
            time.sleep(FOLLOW_SECONDS)


@dataclass(frozen=True)
class LokiSource:
    """Lines that the agent sent to Loki. `fetch` raises httpx.HTTPError when Loki does not answer well."""

    client: Client
    declared: Declared
    service: str | None
    grep: str

    def fetch(self, since: int, limit: int) -> list[Line]:
        """See Source."""
        labels = {"environment": self.declared.environment} | ({"service": self.service} if self.service else {})
        return loki_lines(
            self.client,
            self.declared.url(self.declared.service(loki.NAME)),
            selector(labels, grep=self.grep, containers_only=True),
            since=since,
            limit=limit,
        )


@dataclass(frozen=True)
class DockerSource:
    """Lines that the Docker engine keeps of each container, as far as its rotation reaches back."""

    client: APIClient
    declared: Declared
    service: str | None
    grep: str

    def fetch(self, since: int, limit: int) -> list[Line]:
        """See Source."""
        found = containers(self.client, self.declared.estate_id, self.declared.environment)
        wanted = [each for each in found.values() if self.service in (None, each.service)]
        # The engine cannot search, so all is read where only some lines are wanted.
        tail: int | Literal["all"] = "all" if self.grep else limit
        lines = [line for each in wanted for line in docker_lines(self.client, each, tail=tail, since=since)]
        return sorted(line for line in lines if self.grep in line.text)[-limit:]


def selector(labels: Mapping[str, str], *, grep: str = "", containers_only: bool = False) -> str:
    """LogQL for the streams with these labels; `containers_only` leaves out what no container printed."""
    matchers = [f"{name}={_quoted(value)}" for name, value in labels.items()]
    matchers += ['stream=~"stdout|stderr"'] if containers_only else []
    contains = f" |= {_quoted(grep)}" if grep else ""
    return "{" + ", ".join(matchers) + "}" + contains


def loki_lines(
    client: Client, url: str, logql: str, *, since: int, until: int | None = None, limit: int = 100
) -> list[Line]:
    """The newest `limit` lines from `since` up to, not at, `until` (nanoseconds), the oldest first.

    Raises httpx.HTTPError when Loki at `url` does not answer with success.
    """
    import httpx

    bounds = {"start": str(since), "end": str(until or time.time_ns() + 10**9)}
    parameters = {"query": logql, "limit": str(min(limit, MOST_LINES)), "direction": "backward", **bounds}
    response = client.get(f"{url}{QUERY}", params=parameters)
    response.raise_for_status()
    try:
        streams: list[dict[str, Any]] = response.json()["data"]["result"]
    except (ValueError, KeyError, TypeError) as error:
        raise httpx.DecodingError(f"what answers at {url} is not Loki", request=response.request) from error
    return lines_of(streams)


def lines_of(streams: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The lines of the streams that Loki answers a query with, the oldest first."""
    return sorted(
        Line(int(at), stream["stream"].get("service", ""), text) for stream in streams for at, text in stream["values"]
    )


def docker_lines(client: APIClient, container: Running, *, tail: int | Literal["all"], since: int = 0) -> list[Line]:
    """The last lines that a container printed, with the engine's own time of each."""
    raw: bytes = client.logs(container.id, timestamps=True, tail=tail, since=since / 10**9 if since else None)
    return [_docker_line(container.service, line) for line in raw.decode("utf-8", "replace").split("\n") if line]


def _docker_line(service: str, line: str) -> Line:
    stamp, _, text = line.partition(" ")
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    at = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)
    return Line(at, service, text.removesuffix("\r"))


def _quoted(text: str) -> str:
    """A LogQL string: Go's escapes, which JSON's are a part of."""
    return json.dumps(text, ensure_ascii=False)
