"""What a panel may show where all is well, for who checks that none is empty for another reason."""

from __future__ import annotations

from collections.abc import Mapping

Place = tuple[str, str]
"""Uid of a dashboard and title of a panel."""

MAY_BE_EMPTY: Mapping[Place, str] = {
    ("run-monitor", "Stalls"): "until a run stalls",
    ("run-monitor", "Runs under way"): "while none is under way",
    ("run-monitor", "Runs by state"): "while none was under way within the range shown",
    ("run-monitor", "Runs that ended"): "until a run ends",
    ("run-monitor", "How late changes are seen"): "until a run changes",
    ("run-monitor", "Time of handlers"): "until an event is delivered",
    ("runner-fleet", "Age of secrets"): "until runners.exporter.secrets names one",
    ("runner-fleet", "Clock offset"): "where the exporter on the hosts is not told of a GitHub",
    ("stack-health", "Warnings and errors"): "while no service has complained within the range shown",
}
"""Panels that may have no data, and when. On Runner Fleet all have none where the environment has no runner hosts, on
Run Monitor where no monitor is scraped."""

GOOD_AT_ZERO: frozenset[Place] = frozenset(
    {
        ("run-monitor", "Dead letters"),
        ("run-monitor", "Events"),
        ("run-monitor", "Deliveries that wait"),
        ("run-monitor", "Handler failures"),
        ("run-monitor", "Stalls"),
        ("runner-fleet", "Busy"),
        ("runner-fleet", "Queued jobs"),
        ("runner-fleet", "Oldest waiting job"),
        ("runner-fleet", "Jobs"),
        ("runner-fleet", "Errors in the runners' logs"),
        ("runner-fleet", "Clock offset"),
        ("stack-health", "Targets down"),
        ("stack-health", "Alerts firing"),
        ("stack-health", "Lost by the Collector"),
        ("stack-health", "Collector's queues"),
        ("stack-health", "Notifications"),
        ("slo-overview", "SLO alerts firing"),
        ("slo-overview", "Bad events"),
        ("slo-overview", "Burn rate now"),
        ("slo-overview", "Burn rate over time"),
    }
)
"""Panels whose values may all be 0, which is what good looks like there."""
