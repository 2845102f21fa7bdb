"""What a store could not keep and the Collector could not deliver: counters of failures that must not rise in a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pointsman.checks import Check, failed, not_verifiable, passed
from pointsman.services import alertmanager, collector, loki, prometheus, tempo
from pointsman.verify.exposition import samples
from pointsman.verify.site import Lost, Site

# Only the service's own failures: what a client sends wrongly is refused and counted, and is no fault of the stack.
FAILURES: Mapping[str, tuple[str, ...]] = {
    prometheus.NAME: (
        "prometheus_tsdb_wal_writes_failed_total",
        "prometheus_tsdb_wal_truncations_failed_total",
        "prometheus_tsdb_checkpoint_creations_failed_total",
        "prometheus_tsdb_compactions_failed_total",
        "prometheus_tsdb_head_truncations_failed_total",
        "prometheus_rule_evaluation_failures_total",
        "prometheus_notifications_errors_total",
    ),
    loki.NAME: (
        "loki_ingester_wal_disk_full_failures_total",
        "loki_ingester_chunks_flush_failures_total",
        "loki_ingester_checkpoint_creations_failed_total",
    ),
    tempo.NAME: (
        "tempo_ingester_failed_flushes_total",
        "tempodb_compaction_errors_total",
        "tempo_distributor_ingester_append_failures_total",
    ),
    collector.NAME: tuple(
        f"otelcol_exporter_{kind}_failed_{items}"
        for kind in ("send", "enqueue")
        for items in ("spans", "metric_points", "log_records")
    ),
    alertmanager.NAME: ("alertmanager_notifications_failed_total", "alertmanager_nflog_maintenance_errors_total"),
}
METRICS_PORT: Mapping[str, str] = {collector.NAME: "metrics"}


class Losses:
    """The failure counters of every service as they were when the run began."""

    def __init__(self, site: Site, pool: ThreadPoolExecutor) -> None:
        self._site = site
        self._pool = pool
        self._began = time.monotonic()
        names = {service.name for service in site.declared.estate.services}
        self._before = {name: pool.submit(self._counted, name) for name in FAILURES if name in names}

    def checks(self) -> list[Check]:
        """A check for every service: none of its counters rose since."""
        return list(self._pool.map(self._check, self._before))

    def _check(self, name: str) -> Check:
        title = f"losses of {name}"
        try:
            before, after = self._before[name].result(), self._counted(name)
        except Lost as lost:
            return not_verifiable(title, lost.seen, service=name)
        seconds = time.monotonic() - self._began
        # A service that was restarted meanwhile counts from zero.
        risen = {key: value - before.get(key, 0) for key, value in after.items() if value > before.get(key, 0)}
        if risen:
            seen = ", ".join(f"{key} rose by {rise:.0f}" for key, rise in sorted(risen.items()))
            expected = f"no failure in the {seconds:.1f} s of this run"
            return failed(title, seen, expected=expected, remedy=self._site.remedy(name), service=name)
        return passed(title, f"none in {seconds:.1f} s", service=name)

    def _counted(self, name: str) -> dict[str, float]:
        wanted = FAILURES[name]
        told = samples(self._site.ask(name, "/metrics", on=METRICS_PORT.get(name, "")).text)
        found: dict[str, float] = {}
        for key, _, value in told:
            if key in wanted or key.removesuffix("_total") in wanted:
                found[key] = found.get(key, 0) + value
        return found
