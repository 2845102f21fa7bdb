"""Run Monitor: the runs that are watched, how soon their changes are seen, and what is done about them."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Board, Limits, Panel, Query
from pointsman.signals.dashboards.panels import RANGE, Shown, bars, logs, percentiles, runbook, stat, timeseries
from pointsman.signals.dashboards.thresholds import NEVER, UP, Thresholds

UID = "run-monitor"
PREFIX = "pointsman_monitor_"
LOGS = logs("the run monitor", '{service="run-monitor"}')
LED = Limits(1, 0.5)


def board(limits: Thresholds) -> Board:
    """Thirteen panels."""
    return Board(
        UID,
        "Run Monitor",
        "The runs that are watched, how soon their changes are seen, and what is done about them.",
        (
            _leader(limits),
            _sources(limits),
            _under_way(),
            _letters(limits),
            _states(),
            _events(),
            _latency(limits),
            _lag(limits),
            _handlers(),
            _failures(limits),
            _queue(limits),
            _stalls(limits),
            _ended(),
        ),
    )


def _leader(limits: Thresholds) -> Panel:
    shown = Shown(
        "How many monitors act: of several on one store one leads, the others wait to take over. Good: 1 a store.",
        runbook(limits.runbooks, "RunMonitorNoLeader"),
        LED,
    )
    return stat("Leader", "short", shown, Query(f"sum({PREFIX}leader)", "leading"))


def _sources(limits: Thresholds) -> Panel:
    shown = Shown(
        "Whether each place where runs are read answers. Good: up, all of them.",
        runbook(limits.runbooks, "RunSourceDown"),
        UP,
    )
    query = Query(f"max by (source) ({PREFIX}source_up)", "{{source}}")
    return stat("Sources", "short", shown, query, words=(("0", "down"), ("1", "up")))


def _under_way() -> Panel:
    shown = Shown("Runs that have not ended, by state. Good: most of them running, few that wait for approval.", LOGS)
    return stat("Runs under way", "short", shown, Query(_runs(), "{{state}}"))


def _letters(limits: Thresholds) -> Panel:
    shown = Shown(
        "Deliveries that a handler gave up, which wait for a person. Good: 0.",
        runbook(limits.runbooks, "RunDeadLetters"),
        NEVER,
    )
    return stat("Dead letters", "short", shown, Query(f"max by (handler) ({PREFIX}dead_letters)", "{{handler}}"))


def _states() -> Panel:
    shown = Shown("Runs that have not ended, over time, by state. Good: no state that only grows.", LOGS)
    return timeseries("Runs by state", "short", shown, Query(_runs(), "{{state}}"))


def _runs() -> str:
    """Of a leader and one that waits, both of which may tell, the larger number."""
    return f"sum by (state) (max by (state, kind) ({PREFIX}runs))"


def _events() -> Panel:
    shown = Shown(
        "What was found of runs within the last hour, at each moment, by kind of event. Good: hardly any run_failed "
        "and run_stalled.",
        LOGS,
    )
    query = Query(grown(f"{PREFIX}detections_total", "kind", "1h"), "{{kind}}")
    return timeseries("Events", "suffix:/h", shown, query)


def _latency(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long after it was written a change was seen: half of them at most p50, nineteen of twenty at most p95. "
        "Good: below a second; GitHub's runs are seen as late as it is asked.",
        runbook(limits.runbooks, "RunDetectionSlow"),
        limits.detection,
    )
    queries = percentiles(f"{PREFIX}detection_latency_seconds", "", limits.monitor_window)
    return timeseries("How late changes are seen", "s", shown, *queries)


def _lag(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long ago each source was read to its end. Good: seconds; one that grows hangs or does not answer.",
        runbook(limits.runbooks, "RunMonitorNotPolling"),
        limits.poll_lag,
    )
    return timeseries("Poll lag", "s", shown, Query(f"min by (source) ({PREFIX}poll_lag_seconds)", "{{source}}"))


def _handlers() -> Panel:
    shown = Shown(
        "How long handlers work at an event, nineteen of twenty at most. Good: steady; archives of large artifacts "
        "take as long as their bytes.",
        LOGS,
    )
    queries = percentiles(f"{PREFIX}handler_seconds", "", "1h", "handler", quantiles=(0.95,))
    return timeseries("Time of handlers", "s", shown, *queries)


def _failures(limits: Thresholds) -> Panel:
    shown = Shown(
        "Deliveries that failed, over the range shown, by handler; each is tried again. Good: 0.",
        runbook(limits.runbooks, "RunHandlerFailing"),
    )
    query = Query(grown(f"{PREFIX}handler_failures_total", "handler", RANGE), "{{handler}}")
    return bars("Handler failures", "short", shown, query)


def _queue(limits: Thresholds) -> Panel:
    shown = Shown(
        "Deliveries that are still to be made, by handler. Good: back to 0 within minutes.",
        runbook(limits.runbooks, "RunDeliveriesWaiting"),
        limits.deliveries,
    )
    return timeseries(
        "Deliveries that wait", "short", shown, Query(f"max by (handler) ({PREFIX}queue_depth)", "{{handler}}")
    )


def _stalls(limits: Thresholds) -> Panel:
    shown = Shown(
        "Runs that stalled, over the range shown, by kind of run and by how. Good: none; many of one kind have a cause "
        "in common.",
        runbook(limits.runbooks, "RunsStalling"),
    )
    query = Query(grown(f"{PREFIX}run_stalls_total", "run_kind, stall", RANGE), "{{run_kind}} {{stall}}")
    return bars("Stalls", "short", shown, query)


def _ended() -> Panel:
    shown = Shown(
        "Runs that ended within the last hour, at each moment, by kind of run and how. Good: completed, nearly all.",
        LOGS,
    )
    query = Query(grown(f"{PREFIX}runs_ended_total", "run_kind, state", "1h"), "{{run_kind}} {{state}}")
    return timeseries("Runs that ended", "suffix:/h", shown, query, width=24)
