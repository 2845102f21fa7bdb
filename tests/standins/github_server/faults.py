"""Faults on demand: what the next requests are answered with instead of the truth."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from .contract import Operation
from .messages import Asked, Reply, refusal
from .world import World

REST, EVERYTHING = r"(?!/_runner)", ""
UNICORN = "<html><body><h1>Unicorn!</h1><p>We had issues producing the response to your request.</p></body></html>"


@dataclass
class Fault:
    """One fault. It strikes `times` requests (0: until it is taken away) whose path `path` matches from its start.

    `kind`: `status` (answers `status`; `html` with a proxy's page instead of JSON), `limit` (403 or 429 by `status`,
    with `retry_after` or a reset in `reset_in` seconds), `slow` (`seconds` late), `stale` (lists are as they were when
    the fault was made, from page `from_page` on), `down` (the connection is closed without an answer; `after`: once the
    request has been carried out).
    """

    kind: str
    path: str = REST
    operation: str = ""
    method: str = ""
    times: int = 0
    status: int = 500
    message: str = "Server Error"
    html: bool = False
    reset_in: float = 60.0
    retry_after: int | None = None
    seconds: float = 1.0
    from_page: int = 1
    after: bool = False
    struck: int = 0
    past: World | None = field(default=None, repr=False)

    def meets(self, asked: Asked, operation: Operation | None) -> bool:
        """Whether this request is to be struck."""
        if (self.times and self.struck >= self.times) or (self.method and self.method != asked.method):
            return False
        if self.operation and (operation is None or operation.id != self.operation):
            return False
        if self.kind == "stale" and (asked.method != "GET" or int(asked.query.get("page", "1")) < self.from_page):
            return False
        return re.match(self.path, asked.path) is not None

    def reply(self, now: float) -> Reply | None:
        """The answer in the truth's place; None for a fault that only delays, or changes what the truth is."""
        if self.kind == "down" and not self.after:
            return Reply(0, dropped=True)
        if self.kind == "status":
            return Reply(self.status, UNICORN) if self.html else refusal(self.status, self.message)
        if self.kind != "limit":
            return None
        headers = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": str(int(now + self.reset_in))}
        if self.retry_after is not None:
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            return refusal(self.status, message, Retry_After=str(self.retry_after))
        return refusal(self.status, "API rate limit exceeded for user ID 1.", **headers)


class Faults:
    """The faults that are set, each with its own count."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.set: list[Fault] = []

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Sets a fault; raises TypeError or ValueError for one that there is not."""
        fault = Fault(**wanted)
        if fault.kind not in ("status", "limit", "slow", "stale", "down"):
            raise ValueError(f"no fault is called {fault.kind}")
        if fault.kind == "down" and "path" not in wanted:
            fault.path = EVERYTHING
        if fault.kind == "limit" and "status" not in wanted:
            fault.status = 403
        fault.past = self._world.snapshot() if fault.kind == "stale" else None
        self.set.append(fault)
        return fault

    def strike(self, asked: Asked, operation: Operation | None) -> list[Fault]:
        """Counts and gives the faults that this request meets; sleeps for the slow ones."""
        with self._world.changed:
            met = [fault for fault in self.set if fault.meets(asked, operation)]
            for fault in met:
                fault.struck += 1
        time.sleep(sum(fault.seconds for fault in met if fault.kind == "slow"))
        return met
