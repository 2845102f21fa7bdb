"""Alerts on the run monitor: it must look, one of it must lead, and what it finds must be dealt with.

Of a single run that failed or stalls the monitor tells by itself; here is what many of them have in common.
"""

from __future__ import annotations

from pointsman.signals.counting import grown, slow
from pointsman.signals.model import Alert, RuleGroup
from pointsman.spec.models import Environment
from pointsman.spec.scalars import duration_seconds

BOARD = "run-monitor"
PREFIX = "pointsman_monitor_"
SOURCE = "{{ $labels.source }}"
HANDLER = "{{ $labels.handler }}"
REMEMBERED = "1h"
"""A monitor that is gone is told of for so long; that its target is gone TargetDown tells for ever."""


def alerts(spec: Environment) -> RuleGroup:
    """The alerts of every environment; without a monitor they have no value. One that runs outside the stack is judged
    as well, where Prometheus scrapes it."""
    return RuleGroup(
        "run-monitor",
        (
            _not_polling(spec),
            _source_down(spec),
            _no_leader(spec),
            _stalling(spec),
            _handler_failing(spec),
            _dead_letters(),
            _waiting(spec),
            _detection(spec),
            _unreadable(spec),
        ),
    )


def _not_polling(spec: Environment) -> Alert:
    limit = spec.alerts.monitor.not_polling
    # Of several monitors one looks: what any of them told last counts. A source that is down is another alert's matter.
    last = f"max by (source) (max_over_time({PREFIX}last_success_timestamp_seconds[{REMEMBERED}]))"
    down = f"max by (source) ({PREFIX}source_up) == 0"
    return Alert(
        name="RunMonitorNotPolling",
        expr=f"time() - {last} > {duration_seconds(limit):g} unless on (source) {down}",
        hold="1m",
        severity="critical",
        summary=f"Nobody looks at the runs of {SOURCE}",
        description="They were read last {{ $value | humanizeDuration }} ago"
        f"; {limit} are allowed. Until then runs end and hang unseen.",
        dashboard=BOARD,
    )


def _source_down(spec: Environment) -> Alert:
    hold = spec.alerts.monitor.source_down_for
    return Alert(
        name="RunSourceDown",
        expr=f"max by (source) ({PREFIX}source_up) == 0",
        hold=hold,
        severity="critical",
        summary=f"The runs of {SOURCE} cannot be read",
        description=f"The monitor has asked {SOURCE} for {hold} without success; its log says why.",
        dashboard=BOARD,
    )


def _no_leader(spec: Environment) -> Alert:
    hold = spec.alerts.monitor.no_leader_for
    return Alert(
        name="RunMonitorNoLeader",
        expr=f"sum({PREFIX}leader) == 0",
        hold=hold,
        severity="critical",
        summary="No run monitor leads",
        description=f"{{{{ $value }}}} of those that run have held the lease for {hold}: nothing is archived, reported "
        "or told.",
        dashboard=BOARD,
    )


def _stalling(spec: Environment) -> Alert:
    limits = spec.alerts.monitor
    found = grown(f"{PREFIX}run_stalls_total", "run_kind, stall", limits.window)
    return Alert(
        name="RunsStalling",
        expr=f"{found} >= {limits.stalls}",
        severity="warning",
        summary="Runs of the kind {{ $labels.run_kind }} stall ({{ $labels.stall }})",
        description=f"{{{{ $value | humanize }}}} in the last {limits.window}: they have a cause in common.",
        dashboard=BOARD,
    )


def _handler_failing(spec: Environment) -> Alert:
    limits = spec.alerts.monitor
    failed = grown(f"{PREFIX}handler_failures_total", "handler", limits.window)
    return Alert(
        name="RunHandlerFailing",
        expr=f"{failed} >= {limits.handler_failures}",
        severity="warning",
        summary=f"The handler {HANDLER} fails",
        description=f"{{{{ $value | humanize }}}} deliveries failed in the last {limits.window}; each is tried again, "
        "and then becomes a dead letter.",
        dashboard=BOARD,
    )


def _dead_letters() -> Alert:
    return Alert(
        name="RunDeadLetters",
        expr=f"max by (handler) ({PREFIX}dead_letters) > 0",
        severity="warning",
        summary=f"The handler {HANDLER} gave deliveries up",
        description="{{ $value | humanize }} are kept with the reason, until somebody has them delivered again.",
        dashboard=BOARD,
    )


def _waiting(spec: Environment) -> Alert:
    limits = spec.alerts.monitor
    return Alert(
        name="RunDeliveriesWaiting",
        expr=f"max by (handler) ({PREFIX}queue_depth) > {limits.queue}",
        hold=limits.queue_for,
        severity="warning",
        summary=f"Deliveries to {HANDLER} wait",
        description=f"{{{{ $value | humanize }}}} wait, and for {limits.queue_for} it were never fewer than "
        f"{limits.queue}: what is done about runs comes late.",
        dashboard=BOARD,
    )


def _detection(spec: Environment) -> Alert:
    limits = spec.alerts.monitor
    seconds = duration_seconds(limits.detection)
    return Alert(
        name="RunDetectionSlow",
        expr=slow(f"{PREFIX}detection_latency_seconds", "", "job", limits.window, 0.95, seconds, limits.least),
        severity="warning",
        summary="Changes of runs are seen late",
        description=f"One in twenty of the last {limits.window} was seen {{{{ $value | humanizeDuration }}}} late or "
        f"more; {limits.detection} are allowed.",
        dashboard=BOARD,
    )


def _unreadable(spec: Environment) -> Alert:
    window = spec.alerts.monitor.window
    return Alert(
        name="RunRowsUnreadable",
        expr=f"{grown(f'{PREFIX}malformed_total', 'source', window)} > 0",
        severity="warning",
        summary=f"Rows of {SOURCE} cannot be read",
        description=f"{{{{ $value | humanize }}}} in the last {window}: these runs are not watched. The log names "
        "them.",
        dashboard=BOARD,
    )
