"""`pointsman alerts report` on a Prometheus that runs: its own parser reads the rules that it has loaded."""

from __future__ import annotations

from tests.deployed.estate import Estate


def test_the_report_is_of_what_prometheus_has_loaded(estate: Estate) -> None:
    """Every loaded rule is told; the dead man's switch fired, and no rule on metrics that are there cannot fire.

    This environment has no Alertmanager: its notifications cannot fail, and the report says for want of what.
    """
    told = estate.clone.pointsman("alerts", "report", "--env", estate.name, "--window", "1h", "--output", "json")
    rows = {row["alert"]: row for row in told.good().document()["alerts"]}
    groups = estate.data("prometheus", "/api/v1/rules", type="alert")["groups"]
    assert set(rows) == {rule["name"] for group in groups for rule in group["rules"]}
    assert rows["Watchdog"]["firings"] >= 1
    for name in ("TargetDown", "ManySeries", "LokiIngestionStopped", "ConfigReloadFailed"):
        assert rows[name]["missing"] == [], name
    if not estate.spec.get("alertmanager", {}).get("enabled", True):
        assert rows["NotificationsFailing"]["verdicts"] == ["cannot fire"]
        assert rows["NotificationsFailing"]["missing"] == ["alertmanager_notifications_failed_total"]
