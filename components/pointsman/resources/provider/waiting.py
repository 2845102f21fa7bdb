"""Waiting for a service, seen from outside: its URL answers, or its container dies and says why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pointsman.deadline import Deadline
from pointsman.errors import PointsmanError
from pointsman.http_client import new_client, worded
from pointsman.resources.provider.kinds import Cancellation
from pointsman.targets.docker.engine import Running, inspect, last_lines

if TYPE_CHECKING:
    from docker import APIClient

POLL_SECONDS = 0.1
# A service without a URL must have stayed up this long: one with a wrong flag dies within a few milliseconds.
STEADY_SECONDS = 1.0


def until_ready(
    client: APIClient,
    container: str,
    url: str,
    seconds: float,
    cancellation: Cancellation,
    since: datetime | None = None,
) -> float:
    """Waits until `url` answers 200 (without one: until the container stayed up); returns the seconds it took.

    `since` asks for a start after that moment. Raises PointsmanError with the container's last lines as soon as it
    died, and after `seconds` with what the URL said last.
    """
    deadline = Deadline.within(seconds)
    first = inspect(client, container)
    seen = "no answer yet"
    while not deadline.passed:
        now = inspect(client, container)
        if now is None:
            raise PointsmanError(f"container {container} is gone", remedy="run the same command again: it is made anew")
        _refuse_dead(client, now, restarts=first.restarts if first else 0)
        fresh = since is None or (now.started is not None and now.started >= since)
        if fresh and not url and deadline.elapsed >= STEADY_SECONDS:
            return deadline.elapsed
        if fresh and url:
            seen = answer(url)
            if seen == "200":
                return deadline.elapsed
        cancellation.sleep(POLL_SECONDS)
    raise PointsmanError(
        f"{container} runs but is not ready after {seconds:.0f} s: {url} said {seen}",
        detail=f"its last lines:\n{last_lines(client, container)}",
        remedy=f"docker logs {container}",
    )


def answer(url: str) -> str:
    """The status code that a GET of `url` is answered with, or the reason why there is none."""
    import httpx

    try:
        with new_client() as client:
            response = client.get(url)
    except httpx.HTTPError as error:
        return worded(error)
    if response.status_code == httpx.codes.OK:
        return "200"
    return f"{response.status_code} {response.text.strip()[:200]}"


def _refuse_dead(client: APIClient, now: Running, restarts: int) -> None:
    if now.status in ("running", "created") and now.restarts <= restarts:
        return
    raise PointsmanError(
        f"{now.name} dies at start (exit code {now.exit_code}, status {now.status}, {now.restarts} restarts)",
        detail=f"its last lines:\n{last_lines(client, now.name)}",
        remedy="mend what the lines name, then run the same command again",
    )
