"""Agent Performance: how long agents take, how often they fail and try again, what they cost."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Board, Panel, Query, Variable
from pointsman.signals.dashboards.panels import (
    RANGE,
    Shown,
    bars,
    heatmap,
    logs,
    runbook,
    share,
    timeseries,
)
from pointsman.signals.dashboards.thresholds import Thresholds

UID = "agent-performance"
BY = 'agent_name=~"$agent"'
MOST = 10


def board(limits: Thresholds) -> Board:
    """Six panels."""
    return Board(
        UID,
        "Agent Performance",
        "How long agents take, how often they fail and try again, and what they cost.",
        (
            _durations(limits),
            _failures(limits),
            _retries(limits),
            _throughput(),
            _expensive(limits),
            _errors(limits),
        ),
        (Variable("agent", "Agent", "agent_runs_total", "agent_name"),),
    )


def _durations(limits: Thresholds) -> Panel:
    shown = Shown(
        "How many runs of agents took how long. Good: one warm band that stays low; a second band above it is work "
        "that hangs or waits for a model.",
        runbook(limits.runbooks, "AgentSlow"),
        limits.agent_duration,
    )
    return heatmap("Duration heatmap", "s", shown, "agent_duration_seconds", BY)


def _failures(limits: Thresholds) -> Panel:
    shown = Shown(
        "Share of each agent's runs that did not succeed. Good: below the first limit, for every agent.",
        runbook(limits.runbooks, "AgentFailureRateHigh"),
        limits.agent_failures,
    )
    bad = f'agent_runs_total{{{BY}, agent_status=~"failure|error|timeout"}}'
    every = f'agent_runs_total{{{BY}, agent_status!~"skip|cancellation"}}'
    expr = share(bad, every, "agent_name", limits.agent_window)
    return timeseries("Failure rate", "percentunit", shown, Query(expr, "{{agent_name}}"), highest=1)


def _retries(limits: Thresholds) -> Panel:
    shown = Shown(
        "Tries beyond the first, for each run. Good: near 0; a rise comes before failures.",
        runbook(limits.runbooks, "AgentRetriesHigh"),
        limits.agent_retries,
    )
    expr = share(f"agent_retry_count_total{{{BY}}}", f"agent_runs_total{{{BY}}}", "agent_name", limits.agent_window)
    return timeseries("Retry trend", "suffix:/run", shown, Query(expr, "{{agent_name}}"))


def _throughput() -> Panel:
    shown = Shown(
        "Runs that ended within the last hour, at each moment, by agent. Good: follows the workflows' "
        "rate; a fall without one of theirs is an agent that is stuck.",
        logs("agents", '{service_name=~".+"} |= "agent"'),
    )
    expr = grown(f"agent_runs_total{{{BY}}}", "agent_name", "1h")
    return timeseries("Throughput", "suffix:runs/h", shown, Query(expr, "{{agent_name}}"))


def _expensive(limits: Thresholds) -> Panel:
    shown = Shown(
        f"The {MOST} agents that cost most over the range shown, by the prices of the spec. Good: the order that you "
        "expect, and none near a day's limit.",
        runbook(limits.runbooks, "DailyCostOverBudget"),
        limits.cost_day,
    )
    spent = grown(f'cost_USD_total{{{BY}, agent_name!=""}}', "agent_name", RANGE)
    return bars("Most expensive agents", "currencyUSD", shown, Query(f"topk({MOST}, {spent})", "{{agent_name}}"))


def _errors(limits: Thresholds) -> Panel:
    shown = Shown(
        "Errors of agents over the range shown, by their type. Good: none; one type far ahead of the others is one "
        "cause to look for.",
        runbook(limits.runbooks, "AgentErrors"),
        limits.agent_errors,
    )
    expr = grown(f"agent_errors_total{{{BY}}}", "error_type", RANGE)
    return bars("Errors by type", "short", shown, Query(expr, "{{error_type}}"))
