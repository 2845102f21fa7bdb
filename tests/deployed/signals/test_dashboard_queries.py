"""The queries of the dashboards as Prometheus itself reads them: promtool, out of the service's image."""

from __future__ import annotations

import docker

from pointsman.images.model import Resolution
from pointsman.signals.dashboards.queries import queries
from pointsman.yaml_text import yaml_text
from tests.deployed.tools import run_tool
from tests.unit.signals.dashboards.examples import DASHBOARDS

TWO = ["a.b", "c+d"]
NARROW = {"__interval": "15s", "__rate_interval": "1m", "__range": "21600s"}


def test_every_query_parses(engine: docker.DockerClient, images: Resolution) -> None:
    """With everything chosen, and with two values that must be escaped, as rules that record nothing."""
    exprs = [
        asked.expr
        for dashboard in DASHBOARDS.values()
        for chosen in ({}, dict.fromkeys(_names(dashboard), TWO))
        for asked in queries(dashboard, {**NARROW, **chosen})
        if asked.datasource == "prometheus"
    ]
    rules = [{"record": f"panel:query:{place}", "expr": expr} for place, expr in enumerate(exprs)]
    files = {"/rules/panels.yml": yaml_text({"groups": [{"name": "panels", "rules": rules}]})}
    said = run_tool(engine, images.images["prometheus"], ["/bin/promtool", "check", "rules", *files], files)
    assert said.code == 0, said.text
    assert f"{len(exprs)} rules found" in said.text


def _names(dashboard: dict[str, object]) -> list[str]:
    templating = dashboard["templating"]
    assert isinstance(templating, dict)
    return [each["name"] for each in templating.get("list", [])]
