"""Runner Fleet: the runners as GitHub sees them and as their hosts do, and the jobs that wait for them."""

from __future__ import annotations

from pointsman.signals.counting import grown
from pointsman.signals.dashboards.model import Board, Panel, Query, Variable
from pointsman.signals.dashboards.panels import Shown, bars, logs, runbook, stat, timeseries
from pointsman.signals.dashboards.thresholds import BUSY, NEVER, UP, Thresholds

UID = "runner-fleet"
BY = 'host=~"$host"'
LOGS = logs("runner hosts", '{host=~".+"}')
WORDS = (("0", "down"), ("1", "up"))


def board(limits: Thresholds) -> Board:
    """Thirteen panels."""
    return Board(
        UID,
        "Runner Fleet",
        "Runners as GitHub sees them and as their hosts do, and the jobs that wait for them.",
        (
            _online(limits),
            _service(limits),
            _busy(),
            _versions(limits),
            _queue(limits),
            _wait(limits),
            _jobs(limits),
            _errors(limits),
            _disk(limits),
            _memory(),
            _clock(limits),
            _budget(limits),
            _secrets(limits),
        ),
        (Variable("host", "Host", "pointsman_runner_service_active", "host"),),
    )


def _online(limits: Thresholds) -> Panel:
    shown = Shown(
        "Whether GitHub holds a connection of each runner. Good: up, all of them; one that is down here and up beside "
        "has lost its way to GitHub.",
        runbook(limits.runbooks, "RunnerOffline"),
        UP,
    )
    query = Query("max by (runner) (pointsman_github_runner_online)", "{{runner}}")
    return stat("Online at GitHub", "short", shown, query, words=WORDS)


def _service(limits: Thresholds) -> Panel:
    shown = Shown(
        "Whether the runner's service runs, as each host tells. Good: up, all of them.",
        runbook(limits.runbooks, "RunnerNotActive"),
        UP,
    )
    query = Query(f"max by (host) (pointsman_runner_service_active{{{BY}}})", "{{host}}")
    return stat("Service on the host", "short", shown, query, words=WORDS)


def _busy() -> Panel:
    shown = Shown(
        "Runners that work at a job, and how many GitHub knows. Good: at least one is free, or jobs will wait.",
        LOGS,
    )
    return stat(
        "Busy",
        "short",
        shown,
        Query("sum(pointsman_github_runner_busy)", "busy"),
        Query("sum(pointsman_github_runners)", "registered"),
    )


def _versions(limits: Thresholds) -> Panel:
    shown = Shown(
        "Hosts by the version of the runner program that they run. Good: one version; GitHub refuses one that is "
        "30 days behind.",
        runbook(limits.runbooks, "RunnerVersionExpiring"),
    )
    query = Query(f"count by (version) (pointsman_runner_version_info{{{BY}}})", "{{version}}")
    return stat("Versions", "short", shown, query)


def _queue(limits: Thresholds) -> Panel:
    shown = Shown(
        "Jobs that wait, by the labels of the runners that could take them; other: none of the fleet can. Good: back "
        "to 0 within minutes.",
        runbook(limits.runbooks, "QueueWaiting"),
    )
    query = Query("max by (labels) (pointsman_github_queue_jobs)", "{{labels}}")
    return timeseries("Queued jobs", "short", shown, query)


def _wait(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long the oldest waiting job has waited, by labels. Good: below the first limit; beyond the second a "
        "runner that is free picks nothing up.",
        runbook(limits.runbooks, "QueueUnserved"),
        limits.queue_wait,
    )
    query = Query("max by (labels) (pointsman_github_queue_oldest_seconds)", "{{labels}}")
    return timeseries("Oldest waiting job", "s", shown, query)


def _jobs(limits: Thresholds) -> Panel:
    shown = Shown(
        "Jobs that ended within the last hour, at each moment, by host and result. Good: succeeded, on all hosts; a "
        "host on which all fail is broken.",
        runbook(limits.runbooks, "RunnerJobsFailing"),
    )
    expr = grown(f"pointsman_runner_jobs_total{{{BY}}}", "host, result", "1h")
    return timeseries("Jobs", "suffix:jobs/h", shown, Query(expr, "{{host}} {{result}}"))


def _errors(limits: Thresholds) -> Panel:
    shown = Shown(
        "Hosts whose runner's log tells of an error that is not over, by its class. Good: 0 everywhere; the class "
        "says what to do.",
        runbook(limits.runbooks, "RunnerDiagError"),
        NEVER,
    )
    query = Query(f"sum by (class) (pointsman_runner_diag_error{{{BY}}})", "{{class}}")
    return bars("Errors in the runners' logs", "short", shown, query)


def _disk(limits: Thresholds) -> Panel:
    free = f"pointsman_runner_filesystem_free_bytes{{{BY}}}"
    size = f"pointsman_runner_filesystem_size_bytes{{{BY}}}"
    shown = Shown(
        "Share that is free of the file systems in which jobs work and logs lie. Good: above the first limit.",
        runbook(limits.runbooks, "RunnerDiskLow"),
        limits.disk_free,
    )
    query = Query(f"min by (host, folder) ({free} / {size})", "{{host}} {{folder}}")
    return bars("Free disk", "percentunit", shown, query, highest=1)


def _memory() -> Panel:
    free = f'node_memory_MemAvailable_bytes{{job="hosts-node", {BY}}}'
    size = f'node_memory_MemTotal_bytes{{job="hosts-node", {BY}}}'
    shown = Shown(
        "Share of each host's memory that is in use. Good: below the first limit; beyond the second jobs are killed.",
        LOGS,
        BUSY,
    )
    query = Query(f"max by (host) (1 - {free} / {size})", "{{host}}")
    return timeseries("Memory in use", "percentunit", shown, query, highest=1)


def _clock(limits: Thresholds) -> Panel:
    shown = Shown(
        "How far each host's clock is from GitHub's. Good: within seconds; at minutes GitHub refuses the sign-in.",
        runbook(limits.runbooks, "RunnerClockOff"),
        limits.clock_offset,
    )
    query = Query(f"max by (host) (abs(pointsman_runner_clock_offset_seconds{{{BY}}}))", "{{host}}")
    return timeseries("Clock offset", "s", shown, query)


def _budget(limits: Thresholds) -> Panel:
    left, limit = "pointsman_github_rate_limit_left", "pointsman_github_rate_limit_limit"
    shown = Shown(
        "Share that is left of the requests that GitHub allows, by kind. Good: above the first limit; below it the "
        "queue is no longer looked at.",
        runbook(limits.runbooks, "RateLimitLow"),
        limits.github_budget,
    )
    query = Query(f"min by (bucket) ({left} / {limit})", "{{bucket}}")
    return bars("GitHub requests left", "percentunit", shown, query, highest=1)


def _secrets(limits: Thresholds) -> Panel:
    shown = Shown(
        "How long ago each secret of runners.exporter.secrets was set. Good: below the first limit, at which it "
        "should be rotated. Empty while no secret is declared.",
        runbook(limits.runbooks, "SecretExpired"),
        limits.secret_age,
    )
    query = Query("max by (secret) (pointsman_github_secret_age_seconds)", "{{secret}}")
    return bars("Age of secrets", "s", shown, query, width=24)
