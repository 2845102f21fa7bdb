"""A trace finds its way into Tempo, and what the Collector makes of its spans into Prometheus."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from pointsman.checks import Check
from pointsman.services import collector, tempo
from pointsman.verify.entry import SERVICE, Counters, accepted, attributes, entered, exporter, resource
from pointsman.verify.metric_flow import QUERY
from pointsman.verify.signal_path import Sight, Step, follow
from pointsman.verify.site import METRICS, Lost, Site

NAME = "trace from OTLP to TraceQL"
METRICS_NAME = "span metrics from OTLP to exemplar"
ANSWERING = "pointsman-verify-server"
RUN = "pointsman.verify.run"
SPAN = "verify"
CALLS = f'traces_span_metrics_calls_total{{service_name="{SERVICE}"}}'
DURATIONS = f'traces_span_metrics_duration_seconds{{service_name=~"{SERVICE}|{ANSWERING}"}}'
EDGES = f'traces_service_graph_request_total{{client="{SERVICE}",server="{ANSWERING}"}}'
EXEMPLARS = "/api/v1/query_exemplars"
# Two spans, each this long, that end when they are sent.
SPAN_NS = 10**6
CLIENT, SERVER = 3, 2
NOT_FOUND = 404
# Tempo looks for what has come to rest: 2 s without a new span, looked for every 2 s, and written by then.
SEARCHED_SECONDS = 6.0
# An application's spans are counted by the Collector and sent every few seconds (collector.span_metrics_interval).
COUNTED_SECONDS = 7.0
# A count that was not sent for this long is that of a Collector before this one, which may have ended at the same
# value: a restored environment comes with such counts.
COUNTED_WITHIN = "15s"
# How far around the trace it is searched for: clocks of one machine, whole seconds.
WINDOW_SECONDS = 60

Counts = Mapping[str, float]
Exemplar = tuple[str, float]
"""The trace that it names, and its Unix time."""


def round_trip(site: Site) -> Check:
    """A trace with a fresh id, followed until Tempo finds it by its id and by a search for its attribute."""
    trace = secrets.token_hex(16)

    def by_id() -> Sight:
        try:
            found = _spans(site.json(tempo.NAME, f"/api/traces/{trace}"))
        except Lost as lost:
            if lost.answered == NOT_FOUND:
                return Sight(False, "no such trace")
            raise
        return Sight(found == 2, f"{found} of 2 spans")

    def searched() -> Sight:
        now = int(time.time())
        query = f'{{ span.{RUN} = "{trace}" }}'
        bounds = {"start": now - WINDOW_SECONDS, "end": now + WINDOW_SECONDS}
        told = site.json(tempo.NAME, "/api/search", q=query, limit=1, **bounds)
        found = [each["traceID"].rjust(32, "0") for each in told.get("traces") or ()]
        return Sight(trace in found, "found" if trace in found else "not among the results")

    return follow(
        site,
        NAME,
        (
            *entered(site, "traces", lambda: spans(site, trace), tempo.NAME),
            Step("Tempo by id", tempo.NAME, f"trace {trace} with 2 spans", by_id),
            Step(
                "TraceQL search", tempo.NAME, f"trace {trace} by its attribute {RUN}", searched, late=SEARCHED_SECONDS
            ),
        ),
    )


def metrics_round_trip(site: Site) -> Check:
    """A trace with a fresh id, followed into span metrics, the service graph, and an exemplar that names it."""
    trace = secrets.token_hex(16)
    counts: dict[str, Counts] = {}
    exemplars: set[Exemplar] = set()
    # What is counted of spans leaves with all other metrics, verify's own among them: their way is that of these.
    way = Counters(site, "metrics", exporter(site.declared, "metrics"))

    def body() -> dict[str, Any]:
        way.mark()
        # Where nobody answers nothing is known before: the hops find that out.
        with contextlib.suppress(Lost):
            counts.update({selector: _counts(site, selector) for selector in (CALLS, EDGES)})
            exemplars.update(_exemplars(site, DURATIONS))
        return spans(site, trace)

    def counted(selector: str) -> Sight:
        now, before = _counts(site, selector), counts.get(selector, {})
        # Any other count will do: what was not sent for 5 minutes is counted from zero again.
        changed = [
            f"{before.get(series, 0):.0f} → {value:.0f}" for series, value in now.items() if value != before.get(series)
        ]
        return Sight(bool(changed), ", ".join(changed) or f"{len(now)} series, none rose")

    def named() -> Sight:
        fresh = _exemplars(site, DURATIONS) - exemplars
        if any(each == trace for each, _ in fresh):
            return Sight(True, "names the trace")
        # Prometheus keeps one exemplar of each moment: that of another run in the same batch may have taken the place.
        return Sight(bool(fresh), "names a trace of the same batch" if fresh else "no new exemplar")

    return follow(
        site,
        METRICS_NAME,
        (
            accepted(site, "traces", body),
            Step(f"passed on to {METRICS}", collector.NAME, f"{way.exporter} sends", way.sent, needs=(METRICS,)),
            Step("span metrics", METRICS, f"{CALLS} rises", lambda: counted(CALLS), late=COUNTED_SECONDS),
            Step("service graph", METRICS, f"{EDGES} rises", lambda: counted(EDGES), late=COUNTED_SECONDS),
            Step("exemplar", METRICS, f"an exemplar of {DURATIONS} with trace {trace}", named, late=COUNTED_SECONDS),
        ),
    )


def spans(site: Site, trace: str) -> dict[str, Any]:
    """A request and its answer, from two services, as OTLP's JSON has them; only ids and times are fresh."""
    end = time.time_ns()
    request, answer = secrets.token_hex(8), secrets.token_hex(8)
    times = {"startTimeUnixNano": str(end - SPAN_NS), "endTimeUnixNano": str(end)}
    common = {"traceId": trace, "name": SPAN, "attributes": attributes({RUN: trace}), **times}
    asked = {**common, "spanId": request, "kind": CLIENT}
    answered = {**common, "spanId": answer, "parentSpanId": request, "kind": SERVER}
    return {
        "resourceSpans": [
            {"resource": resource(site, service), "scopeSpans": [{"spans": [span]}]}
            for service, span in ((SERVICE, asked), (ANSWERING, answered))
        ]
    }


def _counts(site: Site, selector: str) -> Counts:
    """The value of each series that is sent at present, by its labels."""
    found = site.data(METRICS, QUERY, query=f"last_over_time({selector}[{COUNTED_WITHIN}])")["result"]
    return {json.dumps(series["metric"], sort_keys=True): float(series["value"][1]) for series in found}


def _exemplars(site: Site, selector: str) -> set[Exemplar]:
    bounds = {"start": time.time() - WINDOW_SECONDS, "end": time.time() + WINDOW_SECONDS}
    found = site.data(METRICS, EXEMPLARS, query=selector, **bounds)
    every = (each for series in found for each in series["exemplars"])
    return {(each["labels"].get("trace_id", ""), float(each["timestamp"])) for each in every}


def _spans(told: Any) -> int:
    """The spans of a trace as Tempo answers it."""
    batches = told.get("batches") or told.get("resourceSpans") or ()
    return sum(len(scope["spans"]) for batch in batches for scope in batch.get("scopeSpans") or ())
