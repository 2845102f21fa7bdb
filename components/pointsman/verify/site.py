"""What every check looks at: the declared environment, its containers as Docker sees them, and its HTTP interfaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pointsman.checks import Check
from pointsman.deadline import Deadline
from pointsman.declared import Declared
from pointsman.http_client import SHOWN_CHARACTERS, worded
from pointsman.services import loki, prometheus
from pointsman.targets.docker.engine import Running

if TYPE_CHECKING:
    from httpx import Client, Response

# A wait looks again after the first of these, and ever more seldom: what is on its way comes soon or late.
FIRST_POLL_SECONDS, LAST_POLL_SECONDS, POLL_GROWTH = 0.05, 0.4, 1.3
# A service that is asked for anything here answers in milliseconds. One that takes longer than `SLOW_SECONDS` starves,
# and one that is silent for `ANSWER_SECONDS` is taken for dead.
SLOW_SECONDS = 2.0
ANSWER_SECONDS = 4.0
# What is asked once the deadline has passed is still given this long.
LAST_SECONDS = 0.5

METRICS = prometheus.NAME
LOGS = loki.NAME

Param = str | int | float | list[str]


class Lost(Exception):
    """A request that did not come through.

    `who` is the service whose answer was missing, `seen` what came instead; `answered` is the status code of a refusal
    by the service itself, 0 when it was silent.
    """

    def __init__(self, who: str, seen: str, *, answered: int = 0) -> None:
        super().__init__(seen)
        self.who = who
        self.seen = seen
        self.answered = answered


@dataclass(frozen=True)
class Site:
    """One run's view. `deadline` bounds every wait for something that is on its way.

    `silent` are the services that let a request of this run time out: the others need not wait as long for them.
    """

    declared: Declared
    running: Mapping[str, Running]
    client: Client
    deadline: Deadline
    silent: set[str] = field(default_factory=set)

    def ask(self, name: str, path: str, *, on: str = "", **params: Param) -> Response:
        """GETs `path` of the service called `name`, at its port `on`; raises Lost unless it answers with success."""
        return self._request("GET", name, path, on=on, params=params)

    def json(self, name: str, path: str, **params: Param) -> Any:
        """The JSON that it answers with; raises Lost when it is none."""
        response = self.ask(name, path, on="", **params)
        try:
            return response.json()
        except ValueError as error:
            raise _unread(name, response, "JSON") from error

    def data(self, name: str, path: str, **params: Param) -> Any:
        """The `data` of a JSON answer, as Prometheus and Loki give it; raises Lost when there is none."""
        response = self.ask(name, path, on="", **params)
        try:
            return response.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise _unread(name, response, "data") from error

    def send(self, name: str, path: str, body: object, *, on: str = "") -> Response:
        """POSTs `body` as JSON; raises Lost unless it answers with success."""
        return self._request("POST", name, path, on=on, json=body)

    def lacks(self, *names: str) -> str:
        """Which of the services called `names` the environment is declared without; empty when it has them all."""
        there = {service.name for service in (*self.declared.estate.services, *self.declared.estate.borrowed)}
        return ", ".join(name for name in names if name not in there)

    def halted(self, *names: str) -> str:
        """The first of the services called `names` whose container does not run, and how it is; else empty.

        Of one that others run nothing is known before it is asked.
        """
        for name in names:
            found = self.running.get(name)
            if found is None and self.declared.service(name).elsewhere:
                continue
            if found is None:
                return f"there is no container of {name}"
            if found.status != "running":
                return f"{found.name} is {found.status}"
        return ""

    def remedy(self, name: str) -> str:
        """The command that helps a service that does not answer."""
        if elsewhere := self.declared.service(name).elsewhere:
            return f"ask who runs {elsewhere}"
        found = self.running.get(name)
        if found is None or found.status in ("exited", "created", "dead"):
            return self.declared.apply
        if found.status == "paused":
            return f"docker unpause {found.name}"
        return f"docker logs --tail 50 {found.name}"

    def rendered(self, name: str) -> str:
        """The command that brings what was rendered for a service into force, when it runs without it."""
        if elsewhere := self.declared.service(name).elsewhere:
            written = f"pointsman spec {name} FOLDER --env {self.declared.environment}"
            return f"let {elsewhere} load what `{written}` writes"
        return self.declared.apply

    def within(self, seconds: float) -> Site:
        """The same with a deadline in at most that many seconds."""
        return replace(self, deadline=Deadline.within(min(seconds, self.deadline.left)))

    def tries(self) -> Iterator[None]:
        """One at once, then one after each pause, until the deadline has passed; the last is at the deadline."""
        pause = FIRST_POLL_SECONDS
        yield
        while not self.deadline.passed:
            time.sleep(min(pause, self.deadline.left))
            pause = min(pause * POLL_GROWTH, LAST_POLL_SECONDS)
            yield

    def until(self, holds: Callable[[], bool]) -> bool:
        """Whether `holds` became true before the deadline."""
        return any(holds() for _ in self.tries())

    def _request(self, method: str, name: str, path: str, *, on: str, **arguments: Any) -> Response:
        import httpx

        if state := self.halted(name):
            raise Lost(name, state)
        url = f"{self.declared.url(self.declared.service(name), on)}{path}"
        left = 0.0 if name in self.silent else self.deadline.left
        patience = min(ANSWER_SECONDS, max(LAST_SECONDS, left))
        try:
            response = self.client.request(method, url, timeout=patience, **arguments)
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise Lost(name, f"{url} {worded(error)}", answered=error.response.status_code) from error
        except httpx.HTTPError as error:
            if isinstance(error, httpx.TimeoutException):
                self.silent.add(name)
            raise Lost(name, f"{url}: {worded(error)}") from error
        return response


def timed(check: Callable[[], Check]) -> Check:
    """The check, with the seconds that it took."""
    started = time.monotonic()
    return replace(check(), seconds=round(time.monotonic() - started, 3))


def _unread(name: str, response: Response, what: str) -> Lost:
    shown = response.text.strip()[:SHOWN_CHARACTERS]
    return Lost(name, f"{response.url} answered without {what}: {shown}", answered=response.status_code)
