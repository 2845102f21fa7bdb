"""What plays copy to hosts, for tests that copy nothing."""

from __future__ import annotations

from pointsman.hosts.planning import Artifacts, File

ARTIFACTS = Artifacts(
    log_agent=File("/cache/promtail", "c" * 64), runner_exporter=File("/cache/runner-exporter.pyz", "d" * 64)
)
