"""What every check looks at: the declared environment, its containers as Docker sees them, and its HTTP interfaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pointsman.checks import Check
from pointsman.declared import Declared
from pointsman.http_client import SHOWN_CHARACTERS, worded
from pointsman.resources.provider.kinds import Deadline
from pointsman.services import loki, prometheus
from pointsman.targets.docker.engine import Running

if TYPE_CHECKING:
    from httpx import Client, Response

POLL_SECONDS = 0.15

METRICS = prometheus.NAME
LOGS = loki.NAME


class Lost(Exception):
    """A request that did not come through.

    `who` is the service whose answer was missing, `seen` what came instead; `answered` tells a refusal of the service
    itself from silence.
    """

    def __init__(self, who: str, seen: str, *, answered: bool = False) -> None:
        super().__init__(seen)
        self.who = who
        self.seen = seen
        self.answered = answered


@dataclass(frozen=True)
class Site:
    """One run's view. `deadline` bounds every wait for something that is on its way."""

    declared: Declared
    running: Mapping[str, Running]
    client: Client
    deadline: Deadline

    def ask(self, name: str, path: str, **params: str | int) -> Response:
        """GETs `path` of the service called `name`; raises Lost unless it answers with success."""
        return self._request("GET", name, path, params=params)

    def data(self, name: str, path: str, **params: str | int) -> Any:
        """The `data` of a JSON answer, as Prometheus and Loki give it; raises Lost when there is none."""
        response = self.ask(name, path, **params)
        try:
            return response.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            shown = response.text.strip()[:SHOWN_CHARACTERS]
            raise Lost(name, f"{response.url} answered without data: {shown}", answered=True) from error

    def send(self, name: str, path: str, body: object) -> Response:
        """POSTs `body` as JSON; raises Lost unless it answers with success."""
        return self._request("POST", name, path, json=body)

    def halted(self, *names: str) -> str:
        """The first of the services called `names` whose container does not run, and how it is; else empty."""
        for name in names:
            found = self.running.get(name)
            if found is None:
                return f"there is no container of {name}"
            if found.status != "running":
                return f"{found.name} is {found.status}"
        return ""

    def remedy(self, name: str) -> str:
        """The command that helps a service that does not answer."""
        found = self.running.get(name)
        if found is None or found.status in ("exited", "created", "dead"):
            return self.declared.apply
        if found.status == "paused":
            return f"docker unpause {found.name}"
        return f"docker logs --tail 50 {found.name}"

    def until(self, holds: Callable[[], bool]) -> bool:
        """Polls `holds` until it is true; False when the deadline passed before."""
        while not holds():
            if self.deadline.passed:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _request(self, method: str, name: str, path: str, **arguments: Any) -> Response:
        import httpx

        if state := self.halted(name):
            raise Lost(name, state)
        url = f"{self.declared.url(self.declared.service(name))}{path}"
        try:
            response = self.client.request(method, url, **arguments)
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise Lost(name, f"{url} {worded(error)}", answered=True) from error
        except httpx.HTTPError as error:
            raise Lost(name, f"{url}: {worded(error)}") from error
        return response


def timed(check: Callable[[], Check]) -> Check:
    """The check, with the seconds that it took."""
    started = time.monotonic()
    return replace(check(), seconds=round(time.monotonic() - started, 3))
