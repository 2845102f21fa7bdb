"""The fixtures' dashboards on a board whose stores are pretended, at a time that stands still."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pointsman.board.provisioning import Provisioned, load
from pointsman.board.serving import Reply, Site
from tests.unit.board.stores import Stores

FOLDER = Path(__file__).parent / "provisioning"
LIVE = "/etc/grafana/provisioning/current"
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
END = int(NOW.timestamp() * 1000)
HOUR = 3_600_000


def provisioned() -> Provisioned:
    """What the fixtures hold."""
    return load(FOLDER, LIVE)


def site(stores: Stores | None = None) -> Site:
    """The board at NOW."""
    return Site(provisioned(), (stores or Stores()).client(), lambda: NOW)


def document(reply: Reply) -> Any:
    """What a reply says in JSON."""
    import json

    return json.loads(reply.content)


def asked(*queries: dict[str, Any], start: str = "now-1h", stores: Stores | None = None) -> tuple[int, dict[str, Any]]:
    """Status and results of posted queries."""
    import json

    body = {"from": start, "to": "now", "queries": list(queries)}
    reply = site(stores).post("/api/ds/query", json.dumps(body).encode())
    return reply.status, document(reply).get("results", {})
