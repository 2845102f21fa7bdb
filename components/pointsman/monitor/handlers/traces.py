"""The handler `traces`: a run that ended, told to the Collector as a span tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx

from pointsman.http_client import new_client, worded
from pointsman.monitor import crashing
from pointsman.monitor.events import EventKind
from pointsman.monitor.handlers.naming import ENDINGS
from pointsman.monitor.handlers.spans import Span, request, spans
from pointsman.monitor.handling import NotNow, Occurrence, Rejected

POINTS: Final = ("before-traces", "after-traces")
"""The injection points that the handler passes, in their order."""

# What the Collector takes in one request is bounded in bytes: spans of steps have less than 4 kB.
_TOGETHER: Final = 500
# Answers by which the Collector says that it will never take these spans.
_NEVER: Final = frozenset({400, 413, 422})


@dataclass(frozen=True)
class TracesSettings:
    """`endpoint` is the Collector's OTLP entry for HTTP, such as http://127.0.0.1:4318; `service` is who tells."""

    endpoint: str
    service: str = "runs"


class Traces:
    """Sends each run's spans at least once; ids follow from the run, so that a store sees one trace.

    Raises NotNow where the Collector does not answer or is full, Rejected where it refuses the spans.
    """

    name = "traces"

    def __init__(self, settings: TracesSettings, client: httpx.Client | None = None) -> None:
        self._settings = settings
        self._client = client or new_client()

    def wants(self, kind: EventKind) -> bool:
        """The ends of runs."""
        return kind in ENDINGS

    def handle(self, occurrence: Occurrence) -> str:
        """Sends; a second call sends the same spans with the same ids."""
        told = spans(occurrence)
        crashing.point("before-traces")
        for first in range(0, len(told), _TOGETHER):
            self._send(told[first : first + _TOGETHER])
        crashing.point("after-traces")
        return f"trace {told[0]['traceId']} with {len(told)} spans"

    def _send(self, some: list[Span]) -> None:
        address = f"{self._settings.endpoint.rstrip('/')}/v1/traces"
        try:
            answer = self._client.post(address, json=request(some, self._settings.service))
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            reason = f"the Collector at {address} {worded(error)}"
            raise (Rejected if error.response.status_code in _NEVER else NotNow)(reason) from error
        except httpx.HTTPError as error:
            raise NotNow(f"the Collector at {address} did not take the trace: {worded(error)}") from error
        if refused := _refused(answer):
            raise Rejected(f"the Collector at {address} refused {refused}")


def _refused(answer: httpx.Response) -> str:
    """What the Collector took only in part, in words; empty where it took all."""
    try:
        partial = answer.json().get("partialSuccess", {})
        spans, why = int(partial.get("rejectedSpans", 0)), partial.get("errorMessage", "")
    except (ValueError, AttributeError):
        return ""
    return f"{spans} spans: {why}" if spans else ""
