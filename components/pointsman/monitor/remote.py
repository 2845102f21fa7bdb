"""What people are shown of runs that a monitor elsewhere watches: asked of its API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from pointsman.errors import UnreachableError
from pointsman.http_client import new_client, worded
from pointsman.monitor.views import MOST_RUNS, Record
from pointsman.runs.source import Page


class RemoteViews:
    """As `Views`, of the monitor at `address`. Every method raises UnreachableError."""

    def __init__(self, address: str, remedy: str) -> None:
        self._address, self._remedy = address, remedy

    def runs(self, wanted: Page) -> list[Record]:
        """Runs by newest change."""
        asked = {
            "state": ",".join(sorted(wanted.states)),
            "kind": wanted.kind,
            "limit": str(min(wanted.limit, MOST_RUNS)),
        }
        found: list[Record] = self._get("/api/runs", asked)["runs"]
        return found

    def run(self, run_id: str) -> Record | None:
        """One run with its steps, what was told of it and what handlers made of that; None where there is none."""
        found: Record | None = self._get(f"/api/runs/{quote(run_id, safe='')}", {})
        return found

    def dead_letters(self, handler: str = "") -> list[Record]:
        """Deliveries that were given up, the oldest first."""
        found: list[Record] = self._get("/api/dead-letters", {"handler": handler})["dead_letters"]
        return found

    def _get(self, path: str, asked: dict[str, str]) -> Any:
        """The document of an answer; None for what is not there."""
        import httpx

        try:
            with new_client() as client:
                answer = client.get(f"{self._address}{path}", params={key: told for key, told in asked.items() if told})
                if answer.status_code == 404:
                    return None
                answer.raise_for_status()
                return answer.json()
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            raise UnreachableError(
                f"the run monitor at {self._address} does not tell: {worded(error)}", remedy=self._remedy
            ) from None
