"""Alerts on runner hosts, in four groups: offline, degraded, secrets and network.

Two exporters tell of a runner, the host's own and GitHub's view, and neither is believed alone.
"""

from __future__ import annotations

from pointsman.signals import runner_access
from pointsman.signals.counting import grown
from pointsman.signals.model import Alert, RuleGroup, Severity
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

OWNER = "runners"
BOARD = "runner-fleet"
FAILED_WITHIN = "1h"


def alerts(spec: Environment) -> tuple[RuleGroup, ...]:
    """The alerts on the runner hosts of an environment, a group for each of the four subjects."""
    return (offline(spec), degraded(spec), runner_access.secrets(spec), runner_access.network(spec))


def offline(spec: Environment) -> RuleGroup:
    """Runners that take no jobs, and jobs that no runner takes."""
    limits = spec.alerts.runners
    hold = limits.offline_for
    online = "pointsman_github_runner_online"
    active = "pointsman_runner_service_active"
    return RuleGroup(
        "runners-offline",
        (
            _alert(
                "RunnerOffline",
                f"{online} == 0",
                hold,
                "warning",
                "Runner {{ $labels.runner }} is offline",
                f"GitHub has had no connection of {{{{ $labels.runner }}}} for {hold}; it gives it no jobs.",
            ),
            _alert(
                "AllRunnersOffline",
                f"pointsman_github_runners unless on () sum({online}) > 0",
                "2m",
                "critical",
                "No runner is online",
                "None of the {{ $value | humanize }} registered runners has a connection to GitHub: all jobs wait.",
            ),
            _alert(
                "RunnerNotActive",
                f"{active} == 0",
                hold,
                "warning",
                "The runner's service on {{ $labels.host }} does not run",
                f"Its unit on {{{{ $labels.host }}}} has not been active for {hold}.",
            ),
            _alert(
                "RunnerNotRegistered",
                f"pointsman_runner_configured == 0 and {active} == 1",
                hold,
                "warning",
                "The runner of {{ $labels.host }} is not registered",
                "Its service runs on {{ $labels.host }}, but the registration's files are not there.",
            ),
            *_queue(spec),
        ),
    )


def _queue(spec: Environment) -> tuple[Alert, ...]:
    wait = spec.alerts.runners.queue_wait
    oldest = 'pointsman_github_queue_oldest_seconds{labels!="other"}'
    return (
        _alert(
            "QueueWaiting",
            f"{oldest} > {duration_seconds(wait):g}",
            "1m",
            "warning",
            "Jobs for {{ $labels.labels }} wait too long",
            f"The oldest has waited for {{{{ $value | humanizeDuration }}}}; {wait} are allowed.",
        ),
        _alert(
            "QueueUnserved",
            'pointsman_github_queue_jobs{labels="other"} > 0',
            wait,
            "warning",
            "Jobs wait that no runner of the fleet takes",
            "{{ $value | humanize }} of them ask for labels that no registered runner has.",
        ),
    )


def degraded(spec: Environment) -> RuleGroup:
    """Runners that still take jobs, and will fail them: disk, clock, errors in `_diag`, version."""
    return RuleGroup("runners-degraded", (_disk(spec), _clock(spec), _errors(), _jobs(spec), *_upkeep(spec)))


def _disk(spec: Environment) -> Alert:
    free, size = (f"pointsman_runner_filesystem_{what}_bytes" for what in ("free", "size"))
    return _alert(
        "RunnerDiskLow",
        f"{free} / {size} < {spec.alerts.runners.disk_free:g}",
        "5m",
        "warning",
        "The disk of {{ $labels.host }} is nearly full ({{ $labels.folder }})",
        f"{{{{ $value | humanizePercentage }}}} are free; {spec.alerts.runners.disk_free:.0%} are needed.",
    )


def _clock(spec: Environment) -> Alert:
    offset = "abs(pointsman_runner_clock_offset_seconds) - pointsman_runner_clock_offset_error_seconds"
    allowed = spec.alerts.runners.clock_offset
    return _alert(
        "RunnerClockOff",
        f"{offset} > {duration_seconds(allowed):g}",
        "10m",
        "warning",
        "The clock of {{ $labels.host }} is wrong",
        f"At least {{{{ $value | humanizeDuration }}}} off GitHub's; {allowed} are allowed, and at minutes GitHub "
        "refuses the sign-in.",
    )


def _errors() -> Alert:
    return _alert(
        "RunnerDiagError",
        f'pointsman_runner_diag_error{{class!="{runner_access.CONNECT_ERROR}"}} == 1',
        "5m",
        "warning",
        "The runner of {{ $labels.host }} logs {{ $labels.class }}",
        "It is the last error in `_diag` on {{ $labels.host }}, and nothing after it tells that it is over.",
    )


def _jobs(spec: Environment) -> Alert:
    failed, succeeded = (
        grown(f'pointsman_runner_jobs_total{{result="{result}"}}', "host", FAILED_WITHIN)
        for result in ("failed", "succeeded")
    )
    return _alert(
        "RunnerJobsFailing",
        f"{failed} >= {spec.alerts.runners.failed_jobs} unless {succeeded} > 0",
        "",
        "warning",
        "All jobs on {{ $labels.host }} fail",
        f"{{{{ $value | humanize }}}} failed in the last {FAILED_WITHIN}, and none succeeded.",
    )


def _upkeep(spec: Environment) -> tuple[Alert, ...]:
    days = spec.alerts.runners.version_days
    return (
        _alert(
            "RunnerVersionExpiring",
            f"pointsman_runner_version_days_left < {days}",
            "1h",
            "warning",
            "The runner program of {{ $labels.host }} is too old soon",
            "GitHub serves this version for {{ $value | humanize }} more days; below 0 it gives it no more jobs.",
        ),
        _alert(
            "RunnerExporterBlind",
            "pointsman_runner_exporter_reading_failed == 1",
            "10m",
            "warning",
            "The exporter of {{ $labels.host }} cannot read {{ $labels.reading }}",
            "What hangs on {{ $labels.reading }} is not told, and its alerts cannot fire.",
        ),
    )


def _alert(name: str, expr: str, hold: str, severity: Severity, summary: str, description: str) -> Alert:
    return Alert(name, expr, severity, summary, description, hold, owner=OWNER, dashboard=BOARD)
