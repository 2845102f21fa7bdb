"""One event of a deployment: counted first, then sent with all that could not be sent before."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from pointsman.deployments import wire
from pointsman.deployments.ledger import Durations, Ledger, Line, Open, Payload, opened
from pointsman.http_client import new_client, worded
from pointsman.metrics_page.families import CONTENT_TYPE
from pointsman.telemetry.names import DeploymentResult

START = "start"


@dataclass(frozen=True)
class Event:
    """What happened: `kind` is start or a result; `duration` is in seconds, None for the time since the start."""

    environment: str
    service: str
    kind: str
    duration: float | None = None
    commit: str = ""


@dataclass(frozen=True)
class Recorded:
    """What became of an event: its trace, and how long the deployment took where that is known.

    `notes` say what was odd about it, `unsent` what could not be sent, and why.
    """

    trace: str
    duration: float | None
    notes: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stores:
    """Where events go. `pushgateway` is empty where the environment has none."""

    otlp: str
    pushgateway: str


def record(estate: str, event: Event, stores: Stores, now: float | None = None) -> Recorded:
    """Counts an event in the ledger of the environment `estate` of Pointsman's, and sends it.

    Raises nothing for stores that do not answer, or a ledger that cannot be written: a deployment is no worse for it.
    """
    at = time.time() if now is None else now
    try:
        with opened(estate) as book:
            trace, duration, notes = _counted(book.ledger, event, at)
            book.save()
            unsent = _sent(book.ledger, stores)
            book.save()
            return Recorded(trace, duration, tuple(notes), tuple(unsent))
    except OSError as error:
        return Recorded("", event.duration, notes=(f"not counted: the state directory refuses: {error}",))


def _counted(ledger: Ledger, event: Event, at: float) -> tuple[str, float | None, list[str]]:
    line = ledger.line(event.environment, event.service)
    notes: list[str] = []
    if event.kind == START:
        if line.open is not None:
            notes.append("the one before had not ended: counted as cancelled")
            _ended(ledger, line, DeploymentResult.CANCELLED, at, None)
        line.open = _new(event, at)
        ledger.logs.append(wire.record(line, START, at))
        return line.open.trace, None, notes
    known = line.open is not None or event.duration is not None
    line.open = line.open or _new(event, at - (event.duration or 0.0))
    line.open.commit = event.commit or line.open.commit
    trace = line.open.trace
    duration = event.duration if event.duration is not None else (at - line.open.began if known else None)
    _ended(ledger, line, DeploymentResult(event.kind), at, duration)
    return trace, duration, notes


def _new(event: Event, began: float) -> Open:
    return Open(began=began, trace=secrets.token_hex(16), span=secrets.token_hex(8), commit=event.commit)


def _ended(ledger: Ledger, line: Line, result: DeploymentResult, at: float, duration: float | None) -> None:
    assert line.open is not None
    began = line.open.began if duration is None else at - duration
    ledger.spans.append(wire.span(line, began, at, result))
    ledger.logs.append(wire.record(line, result.value, at))
    line.counts[result] += 1
    if duration is not None:
        line.durations.setdefault(result, Durations()).add(duration)
    if result is DeploymentResult.SUCCESS:
        line.last_success = at
    if result is DeploymentResult.FAILURE:
        line.last_failure = at
    line.open = None


def _sent(ledger: Ledger, stores: Stores) -> list[str]:
    """Sends totals and what waits; returns what could not be sent, and why."""
    with new_client() as client:
        return [
            *_shown(client, stores.pushgateway, wire.page(ledger)),
            *_emptied(client, "traces", f"{stores.otlp}/v1/traces", ledger.spans, wire.traces_request),
            *_emptied(client, "logs", f"{stores.otlp}/v1/logs", ledger.logs, wire.logs_request),
        ]


def _shown(client: httpx.Client, pushgateway: str, page: str) -> list[str]:
    if not pushgateway:
        return ["metrics: the environment has no pushgateway"]
    host = quote(socket.gethostname(), safe="")
    address = f"{pushgateway}/metrics/job/{wire.SERVICE}/instance/{host}"
    headers = {"Content-Type": CONTENT_TYPE}
    return _tried(client.build_request("PUT", address, content=page.encode(), headers=headers), "metrics", client)


def _emptied(
    client: httpx.Client,
    what: str,
    address: str,
    waiting: list[Payload],
    request: Callable[[list[Payload]], Payload],
) -> list[str]:
    if not waiting:
        return []
    failures = _tried(client.build_request("POST", address, json=request(waiting)), what, client)
    if not failures:
        waiting.clear()
    return failures


def _tried(request: httpx.Request, what: str, client: httpx.Client) -> list[str]:
    try:
        client.send(request).raise_for_status()
    except httpx.HTTPError as error:
        return [f"{what} to {request.url.scheme}://{request.url.netloc.decode()}: {worded(error)}"]
    return []
